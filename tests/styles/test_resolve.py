"""From a STYLE argument to a style."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.api import Stylizer
from videostyle.errors import ModelError, SettingError, UsageError
from videostyle.media.readers.pictures import read_picture
from videostyle.network.architecture import NETWORKS
from videostyle.rendering.settings import RenderSettings, named
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import expand_depth
from videostyle.styles.resolve import find_style, parse_mix, plain_spec, resolve
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


def test_a_style_learnt_from_a_picture_is_found_by_the_picture(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    picture, copy = tmp_path / "my candy.png", tmp_path / "other name.png"
    for path in (picture, copy):
        path.write_bytes(b"the bytes of a picture")
    with pytest.raises(ModelError, match="no style was trained on the picture"):
        resolve(str(picture))
    assert gallery.name_for_picture(picture) == "my-candy"
    card = replace(random_style.card, source_sha256=gallery.sha256_of(picture), command=gallery.LEARNT)
    save_style(Style(card, random_style.weights), gallery.user_styles() / "sweet.safetensors")  # whatever its name
    save_style(random_style, gallery.user_styles() / "my-candy.safetensors")
    assert resolve(str(copy)).card == card
    assert gallery.name_for_picture(picture) == "my-candy-2"
    (gallery.user_styles() / "my-candy.safetensors").write_bytes(b"damaged")
    assert gallery.name_for_picture(picture) == "my-candy"
    assert gallery.name_for_picture(tmp_path / "great-wave.jpg") == "great-wave-2"


@pytest.mark.parametrize("text", ["great-wave", "great_wave", "Great Wave", " GREAT-WAVE ", "wave"])
def test_a_style_is_found_however_its_name_is_written(text: str) -> None:
    entry = gallery.find_entry(text)
    assert entry is not None
    assert entry.name == "great-wave"
    assert find_style(text).card.name == "great-wave"


def test_a_word_of_several_names_is_none_of_them(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    save_style(random_style, tmp_path / "styles" / "small-wave.safetensors")
    assert gallery.find_entry("wave") is None
    with pytest.raises(ModelError, match="no style named 'wave'"):
        resolve("wave")
    with pytest.raises(ModelError, match="did you mean starry-night"):
        resolve("stary night")
    assert gallery.find_entry("") is None


@pytest.mark.parametrize(
    ("spec", "plain"),
    [
        ("wave", ("great-wave", 1.0)),
        ("wave:0.2", ("great-wave", 0.2)),
        ("wave:0.7,Starry Night:0.3", ("great-wave:0.7,starry-night:0.3", 1.0)),
        ("wave,night", ("great-wave,starry-night", 1.0)),
        ("nothing", ("nothing", 1.0)),
        ("x/wave.safetensors", ("x/wave.safetensors", 1.0)),
    ],
)
def test_a_spec_gets_the_full_names_of_its_styles(spec: str, plain: tuple[str, float]) -> None:
    assert plain_spec(spec) == plain


def test_a_share_of_one_style_alone_is_its_strength() -> None:
    for name, value in resolve("great-wave:0.2").weights.items():
        np.testing.assert_array_equal(value, resolve("great-wave", 0.2).weights[name])
    with pytest.raises(UsageError, match="outside"):
        resolve("great-wave:2")
    assert named(RenderSettings("wave:0.2")) == RenderSettings("great-wave", strength=0.2)
    with pytest.raises(SettingError, match="give it once"):
        named(RenderSettings("wave:0.2", strength=0.5))


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
