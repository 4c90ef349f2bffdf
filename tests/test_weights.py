"""Style files: what is written is read, what is not one is refused, and mixes are what they say."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

pytest.importorskip("keras")
from videostyle.api import Stylizer
from videostyle.errors import ModelError, OutputError, UsageError
from videostyle.media.readers.images import read_picture
from videostyle.network import loss_network
from videostyle.network.style_network import NETWORKS
from videostyle.styles import gallery
from videostyle.styles.style_file import (
    Style,
    StyleCard,
    arrays_sha256,
    blend,
    deepened,
    interpolate,
    load_style,
    save_style,
)

HARBOUR = Path(__file__).parent.parent / "samples" / "harbour.jpg"


@pytest.fixture
def file(random_style: Style, tmp_path: Path) -> Path:
    save_style(random_style, tmp_path / "s.safetensors")
    return tmp_path / "s.safetensors"


def metadata(file: Path) -> dict[str, str]:
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def test_a_style_comes_back(random_style: Style, file: Path) -> None:
    style = load_style(file)
    assert style.card == random_style.card
    for name, value in random_style.weights.items():
        np.testing.assert_allclose(style.weights[name], value, rtol=1e-3, atol=1e-5)
    assert not list(file.parent.glob(".*"))


def refused(path: Path, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        load_style(path)
    assert "\n" not in str(caught.value)


def test_m4_what_is_cut_off_or_empty(file: Path) -> None:
    data = file.read_bytes()
    for size, words in (
        (0, "empty"),
        (5, "empty"),
        (100, "header"),
        (len(data) - 10, "expected"),
        (len(data) // 2, "expected"),
    ):
        file.write_bytes(data[:size])
        refused(file, words)
    file.write_bytes(data + b"more")
    refused(file, "expected")
    refused(file.with_name("none"), "no style file")


def test_m1_m2_nothing_is_unpickled(file: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "pwned",)

    file.write_bytes(pickle.dumps(Trap()))
    refused(file, "not a style file")
    np.savez(tmp_path / "trap.npz", conv=np.array([Trap()], dtype=object))
    with pytest.raises(ModelError):
        loss_network.load(str(tmp_path / "trap.npz"))
    assert not (tmp_path / "pwned").exists()


def test_m4_m5_arrays_must_be_those_of_the_network(random_style: Style, file: Path) -> None:
    card = metadata(file)
    good = {k: v.astype(np.float16) for k, v in random_style.weights.items()}
    cases = {
        "array extra": {**good, "extra": np.zeros(3, np.float16)},
        "stem/bias": {k: v for k, v in good.items() if k != "stem/bias"},
        "out/bias": {**good, "out/bias": np.zeros(4, np.float16)},
        "head/bias": {**good, "head/bias": np.zeros(4, np.int64)},
    }
    for words, arrays in cases.items():
        file.write_bytes(save(arrays, card))
        refused(file, words)
    file.write_bytes(save(good, {**card, "format": "99"}))
    refused(file, "format")
    file.write_bytes(save(good))
    refused(file, "card")
    broken = json.loads(card["videostyle"])
    for change in (
        {"architecture": {"channels": 10**6}},
        {"surprise": 1},
        {"figures": "high"},
        {"figures": {"style": {"deep": 1}}},
        {"loss_weights": {"style": float("nan")}},
        {"name": 7},
        {"name": "a\0b"},
        {"painting": "\ud800"},
        {"figures": {"a\nb": 1.0}},
    ):
        file.write_bytes(save(good, {**card, "videostyle": json.dumps({**broken, **change})}))
        refused(file, "broken card")
    file.write_bytes(save(good, {**card, "videostyle": "[" * 100_000}))
    refused(file, "broken card")


@pytest.mark.parametrize("entry", [5, None, {"dtype": "F16", "shape": None}, {"dtype": "F16", "shape": 3}, {}])
def test_m4_headers_that_make_no_sense(file: Path, entry: object) -> None:
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.dumps({**json.loads(data[8 : 8 + length]), "stem/bias": entry}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + length :])
    refused(file, "stem/bias")
    deep = b"[" * 100_000
    file.write_bytes(struct.pack("<Q", len(deep)) + deep)
    refused(file, "header")


def test_m5_a_bomb_is_refused_before_memory_is_taken(file: Path) -> None:
    header = json.dumps(
        {
            "__metadata__": metadata(file),
            "stem/kernel": {"dtype": "F16", "shape": [10**6, 10**6], "data_offsets": [0, 2 * 10**12]},
        }
    ).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    refused(file, "missing|not part|not \\[")


def test_p8_values_that_are_not_finite(random_style: Style, file: Path) -> None:
    bad = {k: v.astype(np.float16) for k, v in random_style.weights.items()}
    bad["out/bias"][0] = np.nan
    file.write_bytes(save(bad, metadata(file)))
    refused(file, "not finite")
    with pytest.raises(ModelError, match="not finite"):
        save_style(
            replace(random_style, weights={**random_style.weights, "out/bias": np.full(3, np.inf, np.float32)}), file
        )


def test_interpolation_is_a_straight_line(random_style: Style) -> None:
    other = Style(replace(random_style.card, name="other"), {k: v + 1 for k, v in random_style.weights.items()})
    half = interpolate(random_style, [(other, 1.0)], 0.5)
    np.testing.assert_allclose(half.weights["out/bias"], random_style.weights["out/bias"] + 0.5, rtol=1e-6)
    third = Style(replace(random_style.card, name="third"), {k: v + 4 for k, v in random_style.weights.items()})
    mix = interpolate(random_style, [(other, 2.0), (third, 1.0)])
    np.testing.assert_allclose(mix.weights["out/bias"], random_style.weights["out/bias"] + 2, rtol=1e-5)
    assert "other:0.67" in mix.card.name
    assert interpolate(random_style, [(other, 1.0)], 1.0) is other
    assert {(end.card.name, share) for end, share in half.ends} == {("random", 0.5), ("other", 0.5)}
    assert interpolate(random_style, [(other, 1.0)], 0.0).ends == ()  # it is the base


def test_a_style_between_styles_between_others_has_the_trained_ones_as_ends(random_style: Style) -> None:
    other = Style(replace(random_style.card, name="other"), random_style.weights)
    third = Style(replace(random_style.card, name="third"), random_style.weights)
    on_the_way = blend(blend(random_style, other, 0.5), blend(random_style, third, 0.5), 0.4)
    assert {(end.card.name, round(share, 6)) for end, share in on_the_way.ends} == {
        ("random", 0.5), ("other", 0.3), ("third", 0.2)
    }  # fmt: skip


def test_only_children_of_the_base_are_mixed(random_style: Style) -> None:
    stranger = Style(replace(random_style.card, base_sha256="0" * 64), random_style.weights)
    with pytest.raises(ModelError, match="another base"):
        interpolate(random_style, [(stranger, 1.0)], 0.5)
    child = Style(replace(random_style.card, base_sha256=arrays_sha256(random_style.weights)), random_style.weights)
    assert interpolate(random_style, [(child, 1.0)], 0.5)
    # A base that was made better keeps the children of the one before it.
    better = {name: value + np.float32(0.001) for name, value in random_style.weights.items()}
    refined = Style(replace(random_style.card, base_sha256=child.card.base_sha256), better)
    assert interpolate(refined, [(child, 1.0)], 0.5)
    with pytest.raises(ModelError, match="another base"):
        interpolate(refined, [(stranger, 1.0)], 0.5)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a", [("a", 1.0)]), ("a:0.7,b:0.3", [("a", 0.7), ("b", 0.3)]), ("a, b", [("a", 1.0), ("b", 1.0)])],
)
def test_mixes_are_read(text: str, parts: list) -> None:
    assert gallery.parse_mix(text) == parts


@pytest.mark.parametrize("text", ["a:x", "a:-1", ":0.5", "a:0,b:1", "a:nan"])
def test_mixes_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        gallery.parse_mix(text)


def test_a_name_of_any_length_is_only_not_found() -> None:
    with pytest.raises(ModelError):
        gallery.resolve("x" * 5000)


def test_a_style_made_of_a_picture_is_found_by_the_picture(
    random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path / "home"))
    picture, copy = tmp_path / "a.png", tmp_path / "other name.png"
    for path in (picture, copy):
        path.write_bytes(b"the bytes of a picture")
    with pytest.raises(ModelError, match="no style was made of the picture"):
        gallery.resolve(str(picture))
    save_style(random_style, gallery.kept_for(picture))
    assert gallery.resolve(str(copy)).card == random_style.card
    (entry,) = [entry for entry in gallery.entries() if entry.name.startswith("trained/")]
    assert not entry.bundled
    assert gallery.load(entry.name).card == random_style.card
    with pytest.raises(ModelError) as caught:  # not among the names to choose from
        gallery.load("nothing")
    assert "trained/" not in str(caught.value)


def test_a_style_that_cannot_be_written_is_an_output_error(random_style: Style, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the style"):
        save_style(random_style, tmp_path / "file" / "a.safetensors")


def test_the_users_styles_are_found(random_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="no style named 'mine'"):
        gallery.load("mine")
    save_style(random_style, tmp_path / "styles" / "mine.safetensors")
    assert gallery.load("mine").card.name == "random"
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


def test_a_deeper_network_paints_the_same_until_it_is_trained() -> None:
    style = gallery.load("starry-night")
    deeper = deepened(style, NETWORKS["large"])
    assert deeper is not None
    block = 2 * (3 * 3 * 64 * 64 + 64 + 64)  # two kernels, each with its scale and shift
    assert deeper.architecture.parameters == style.architecture.parameters + block
    frames = read_picture(HARBOUR)[None, ::4, ::4]
    np.testing.assert_array_equal(Stylizer(deeper)(frames), Stylizer(style)(frames))
    assert deepened(style, style.architecture) is style
    assert deepened(style, NETWORKS["small"]) is None
    assert deepened(deeper, NETWORKS["medium"]) is None
    with pytest.raises(ModelError, match="no base"):
        gallery.base(replace(NETWORKS["medium"], channels=40))


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_strength_outside_0_to_1_is_refused(random_style: Style, strength: float) -> None:
    with pytest.raises(UsageError, match=r"outside 0\.\.1"):
        Stylizer(random_style, strength)


def test_styles_of_different_depth_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path))
    own = deepened(gallery.load("starry-night"), NETWORKS["large"])
    assert own is not None
    save_style(own, tmp_path / "styles" / "own.safetensors")
    frames = read_picture(HARBOUR)[None, ::4, ::4]
    for spec, alike, strength in (
        ("own:0.5,woodcut:0.5", "starry-night:0.5,woodcut:0.5", 1.0),
        ("woodcut:0.3,own:0.7", "woodcut:0.3,starry-night:0.7", 0.8),
        ("own", "starry-night", 0.5),
    ):
        mixed, known = gallery.resolve(spec, strength), gallery.resolve(alike, strength)
        assert mixed.architecture == own.architecture
        np.testing.assert_allclose(Stylizer(mixed)(frames).astype(int), Stylizer(known)(frames), atol=1)
    stranger = replace(own, card=replace(own.card, base_sha256="0" * 64))
    save_style(stranger, tmp_path / "styles" / "stranger.safetensors")
    with pytest.raises(ModelError, match="another base"):
        gallery.resolve("woodcut,stranger")


def test_a_style_card_has_only_texts_and_figures() -> None:
    assert StyleCard().architecture.parameters > 0
