"""Announces the training that a command begins with, where a picture without a style was given as a style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars


def announce(styles: Sequence[str], bars: Bars) -> bool:
    """Prints which pictures will be trained on, for how long and under which name; returns whether there are any.

    Pictures that cannot be read are skipped: reading them later reports the error.
    """
    from videostyle.styles import gallery
    from videostyle.styles.resolve import is_picture
    from videostyle.training.session import QUICK_MINUTES

    learns = False
    for picture in (Path(style) for style in styles if is_picture(style)):
        try:
            if gallery.entry_of_picture(picture) is not None:
                continue
            begun = gallery.unfinished_learning(picture).is_file()
        except OSError:
            continue
        learns = True
        first = "Going on with learning" if begun else "Learning"
        name = gallery.name_for_picture(picture)
        bars.say(f"{first} {picture.name} first, {QUICK_MINUTES:g} minutes at most, only once; it is kept as '{name}'")
    return learns
