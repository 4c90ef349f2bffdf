"""The gallery: bundled styles, the user's own, and the bases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.api import Stylizer
from videostyle.errors import ModelError
from videostyle.media.readers.pictures import read_picture
from videostyle.network.architecture import NETWORKS
from videostyle.styles import gallery
from videostyle.styles.card import Style, arrays_sha256
from videostyle.styles.interpolation import interpolate
from videostyle.styles.resolve import find_style
from videostyle.styles.style_file import load_style, save_style

HARBOUR = Path(__file__).parent.parent.parent / "samples" / "harbour.jpg"


def test_the_users_styles_are_found(random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="no style named 'mine'"):
        find_style("mine")
    save_style(random_style, tmp_path / "styles" / "mine.safetensors")
    assert find_style("mine").card.name == "random"
    assert [e.bundled for e in gallery.entries() if e.name == "mine"] == [False]


def test_bundled_styles_are_whole_and_children_of_the_base() -> None:
    bundled = [e for e in gallery.entries() if e.bundled]
    assert {"great-wave", "starry-night"} <= {e.name for e in bundled}
    for entry in bundled:
        style = load_style(entry.path)
        assert gallery.is_child(style), entry.name
        assert style.card.base_sha256, entry.name
        assert style.card.painting, entry.name
        assert style.card.licence, entry.name
        assert entry.path.stat().st_size < 1_000_000


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_there_is_a_base_for_every_size_of_network(network: str) -> None:
    base = gallery.base(NETWORKS[network])
    frames = read_picture(HARBOUR)[None, ::2, ::2]
    pure = [[255, 0, 0], [0, 255, 0], [255, 255, 0], [0, 0, 255], [255, 0, 255], [0, 255, 255], [0, 0, 0], [255] * 3]
    bars = np.array(pure, np.uint8).repeat(24, axis=0)[None].repeat(120, axis=0)[None]  # no photo has such colours
    for untouched in (frames, bars):
        painted = Stylizer(base)(untouched).astype(int)
        assert 10 * np.log10(255**2 / ((painted - untouched) ** 2).mean()) > 34
    assert base.architecture.parameters < 500_000
    child = replace(base, card=replace(base.card, base_sha256=arrays_sha256(base.weights)))
    assert interpolate(gallery.base(NETWORKS[network]), [(child, 1.0)], 0.5).architecture == NETWORKS[network]
