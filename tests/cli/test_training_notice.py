"""What is said before a style is learnt from a picture."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.conftest import ROOT
from videostyle.cli.progress import Bars
from videostyle.cli.training_notice import announce
from videostyle.styles import gallery
from videostyle.styles.style_file import save_style

if TYPE_CHECKING:
    from videostyle.styles.card import Style


def test_what_is_learnt_first_is_said_with_its_time_and_name(random_style: Style, tmp_path: Path) -> None:
    painting = tmp_path / "my candy.jpg"
    painting.write_bytes((ROOT / "samples" / "harbour.jpg").read_bytes())
    stream = io.StringIO()
    bars = Bars(False, stream, live=False)
    assert not announce(["great-wave", "missing.jpg"], bars)
    assert announce(["great-wave", str(painting)], bars)
    said = "earning my candy.jpg first, 5 minutes at most, only once; it is kept as 'my-candy'\n"
    assert stream.getvalue() == f"L{said}"
    begun = gallery.unfinished_learning(painting)
    begun.parent.mkdir(parents=True)
    begun.touch()
    assert announce([str(painting)], bars)
    assert stream.getvalue() == f"L{said}Going on with l{said}"
    # One that was learnt is not learnt again, whatever it is called.
    digest = hashlib.sha256(painting.read_bytes()).hexdigest()
    learnt = replace(random_style, card=replace(random_style.card, source_sha256=digest, command=gallery.LEARNT))
    gallery.user_styles().mkdir(parents=True, exist_ok=True)
    save_style(learnt, gallery.user_styles() / "sweet.safetensors")
    assert not announce([str(painting)], bars)
    assert stream.getvalue().count("\n") == 2
