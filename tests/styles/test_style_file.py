"""Style files: what is written is read, and what is not a style file is refused."""

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
from videostyle.errors import ModelError, OutputError
from videostyle.network import loss_network
from videostyle.styles.card import Style
from videostyle.styles.style_file import load_style, save_style


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
        (len(data) - 10, "cut off"),
        (len(data) // 2, "cut off"),
    ):
        file.write_bytes(data[:size])
        refused(file, words)
    file.write_bytes(data + b"more")
    refused(file, "cut off")
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
    refused(file, "header")
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
    refused(file, "cut off")


def test_p8_values_that_are_not_finite(random_style: Style, file: Path) -> None:
    bad = {k: v.astype(np.float16) for k, v in random_style.weights.items()}
    bad["out/bias"][0] = np.nan
    file.write_bytes(save(bad, metadata(file)))
    refused(file, "not finite")
    with pytest.raises(ModelError, match="not finite"):
        save_style(
            replace(random_style, weights={**random_style.weights, "out/bias": np.full(3, np.inf, np.float32)}), file
        )


def test_a_style_that_cannot_be_written_is_an_output_error(random_style: Style, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write the style"):
        save_style(random_style, tmp_path / "file" / "a.safetensors")
