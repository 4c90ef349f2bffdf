"""From a STYLE argument to a style."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.api import Stylizer
from videostyle.errors import ModelError, UsageError
from videostyle.media.readers.images import read_picture
from videostyle.network.architecture import NETWORKS
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import expand_depth
from videostyle.styles.resolve import find_style, parse_mix, resolve
from videostyle.styles.style_file import save_style

HARBOUR = Path(__file__).parent.parent.parent / "samples" / "harbour.jpg"


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a", [("a", 1.0)]), ("a:0.7,b:0.3", [("a", 0.7), ("b", 0.3)]), ("a, b", [("a", 1.0), ("b", 1.0)])],
)
def test_mixes_are_read(text: str, parts: list) -> None:
    assert parse_mix(text) == parts


@pytest.mark.parametrize("text", ["a:x", "a:-1", ":0.5", "a:0,b:1", "a:nan"])
def test_mixes_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        parse_mix(text)


def test_a_name_of_any_length_is_only_not_found() -> None:
    with pytest.raises(ModelError):
        resolve("x" * 5000)


def test_a_style_made_of_a_picture_is_found_by_the_picture(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    picture, copy = tmp_path / "a.png", tmp_path / "other name.png"
    for path in (picture, copy):
        path.write_bytes(b"the bytes of a picture")
    with pytest.raises(ModelError, match="no style was made of the picture"):
        resolve(str(picture))
    save_style(random_style, gallery.path_for_picture(picture))
    assert resolve(str(copy)).card == random_style.card
    (entry,) = [entry for entry in gallery.entries() if entry.name.startswith("trained/")]
    assert not entry.bundled
    assert find_style(entry.name).card == random_style.card
    with pytest.raises(ModelError) as caught:  # not among the names to choose from
        find_style("nothing")
    assert "trained/" not in str(caught.value)


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_outside_0_to_1_is_refused(random_style: Style, strength: float) -> None:
    with pytest.raises(UsageError, match=r"outside 0\.\.1"):
        Stylizer(random_style, strength)


def test_styles_of_different_depth_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    own = expand_depth(find_style("starry-night"), NETWORKS["large"])
    assert own is not None
    save_style(own, tmp_path / "styles" / "own.safetensors")
    frames = read_picture(HARBOUR)[None, ::4, ::4]
    for spec, alike, strength in (
        ("own:0.5,woodcut:0.5", "starry-night:0.5,woodcut:0.5", 1.0),
        ("woodcut:0.3,own:0.7", "woodcut:0.3,starry-night:0.7", 0.8),
        ("own", "starry-night", 0.5),
    ):
        mixed, known = resolve(spec, strength), resolve(alike, strength)
        assert mixed.architecture == own.architecture
        np.testing.assert_allclose(Stylizer(mixed)(frames).astype(int), Stylizer(known)(frames), atol=1)
    stranger = replace(own, card=replace(own.card, base_sha256="0" * 64))
    save_style(stranger, tmp_path / "styles" / "stranger.safetensors")
    with pytest.raises(ModelError, match="another base"):
        resolve("woodcut,stranger")
