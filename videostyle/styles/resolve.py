"""From a STYLE argument to a style: a name, a file or a mix, at a strength.

A picture without a style of its own is not resolved here but trained on (``training.session``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from videostyle.errors import ModelError, UsageError
from videostyle.media.readers.images import PICTURES
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import expand_depth, interpolate
from videostyle.styles.style_file import load_style


def resolve(spec: str, strength: float = 1.0) -> Style:
    """The style that a STYLE argument means, at a strength.

    Args:
        spec: bundled or own name, style file, picture that a style was trained on, or mix of these.
        strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the mix cannot be read or the strength is outside 0..1.
        ModelError: if a style is missing or broken.
    """
    _check_strength(strength)
    names, shares = zip(*parse_mix(spec), strict=True)
    styles = with_equal_depth([find_style(name) for name in names])
    if len(styles) == 1:
        return with_strength(styles[0], strength)
    return interpolate(gallery.base(styles[0].architecture), list(zip(styles, shares, strict=True)), strength)


def find_style(name: str) -> Style:
    """The style with that name, in the file with that path, or trained on the picture with that path.

    Raises:
        ModelError: if there is none; the message lists the names there are.
    """
    for entry in gallery.entries():
        if entry.name == name:
            return load_style(entry.path)
    if is_picture(name):
        try:
            kept = gallery.path_for_picture(Path(name))
        except OSError as error:
            raise ModelError(
                f"cannot read the picture '{name}'",
                error.strerror or str(error),
                hint="check the path, and whether this user may read it",
            ) from error
        if kept.is_file():
            return load_style(kept)
        hint = "render a clip with it, or use videostyle train"
        raise ModelError(f"no style was made of the picture '{name}' yet", hint=hint)
    if name.endswith(gallery.SUFFIX) or "/" in name or os.sep in name:
        return load_style(name)
    known = ", ".join(entry.name for entry in gallery.entries() if "/" not in entry.name) or "none"
    raise ModelError(f"no style named '{name}'", f"there are: {known}", "give a name, a style file or a picture")


def is_picture(spec: str) -> bool:
    """Whether a STYLE argument names a picture to train on rather than a style or a mix."""
    return spec.lower().endswith(PICTURES)


def parse_mix(spec: str) -> list[tuple[str, float]]:
    """Splits ``great-wave:0.7,starry-night:0.3`` into names and shares; one name alone has share 1.

    Raises:
        UsageError: if a share is not a positive number.
    """
    if os.path.isfile(spec):  # Path.is_file raises for a name that is too long
        return [(spec, 1.0)]
    parts = []
    for part in spec.split(","):
        name, colon, share = part.strip().rpartition(":")
        if not colon:
            name, share = share, "1"
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not name or not 0 < value < float("inf"):
            raise UsageError(
                f"cannot read the style '{spec}'",
                f"'{part}' is not NAME or NAME:SHARE",
                "as in great-wave:0.7,starry-night:0.3",
            )
        parts.append((name, value))
    return parts


def with_strength(style: Style, strength: float) -> Style:
    """A style at a strength: 0 leaves the picture as it is, 1 paints fully.

    Raises:
        UsageError: if the strength is outside 0..1.
        ModelError: if the style was not trained from a bundled base.
    """
    _check_strength(strength)
    return style if strength == 1.0 else interpolate(gallery.base(style.architecture), [(style, 1.0)], strength)


def with_equal_depth(styles: Sequence[Style]) -> list[Style]:
    """The same styles, each expanded to the depth of the deepest, so that their weights can be interpolated.

    A style that was not trained from a bundled base, or whose network differs in more than its depth, is returned as
    it is.
    """
    deepest = max((style.architecture for style in styles), key=lambda architecture: architecture.deep_blocks)

    def expanded(style: Style) -> Style:
        # A style of that depth already needs no base, which would have to be read.
        if style.architecture == deepest or not gallery.is_child(style):
            return style
        return expand_depth(style, deepest) or style

    return [expanded(style) for style in styles]


def _check_strength(strength: float) -> None:
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"strength {strength} is outside 0..1", hint="0 leaves the picture as it is, 1 paints fully")
