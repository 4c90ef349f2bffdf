"""The style that a training starts from."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.errors import ModelError, UsageError
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.style_file import save_style
from videostyle.training import starts
from videostyle.training.pairs import PairSampler
from videostyle.training.starts import choose_start, nearest_start
from videostyle.training.style_objective import targets_of


def test_training_starts_from_the_nearest_style(random_style, small_net, learnt) -> None:  # type: ignore[no-untyped-def]

    targets = targets_of(small_net, picture(99), scales=1)
    views = [picture(1)[:64, :64].astype(np.float32) / 255]
    assert nearest_start(random_style, [random_style, learnt], small_net, targets, views) is learnt
    assert nearest_start(learnt, [random_style], small_net, targets, views) is learnt


@pytest.fixture
def start(random_style, small_net) -> Callable[[str], Style]:  # type: ignore[no-untyped-def]
    """Chooses the start of a training whose base is ``random_style``."""
    sampler = PairSampler([picture(1)], size=64, batch=1)
    return lambda spec: choose_start(spec, random_style, picture(99), 1.0, small_net, sampler)


def test_the_start_is_the_base_or_a_style_of_that_base(  # type: ignore[no-untyped-def]
    random_style, start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "is_child", lambda style: style.card.base_sha256 == "ours")
    assert start("base") is random_style
    for name, base in (("ours", "ours"), ("foreign", "theirs")):
        style = replace(random_style, card=replace(random_style.card, name=name, base_sha256=base))
        save_style(style, tmp_path / f"{name}.safetensors")
    assert start(str(tmp_path / "ours.safetensors")).card.name == "ours"
    with pytest.raises(UsageError, match="another base"):
        start(str(tmp_path / "foreign.safetensors"))
    monkeypatch.setattr(starts, "expand_depth", lambda style, architecture: None)
    with pytest.raises(UsageError, match="does not fit"):
        start(str(tmp_path / "ours.safetensors"))


def test_the_nearest_start_is_a_bundled_style_that_can_be_read(  # type: ignore[no-untyped-def]
    random_style, learnt, start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The user's own styles do not count: a training would depend on what was trained before."""
    styles = {"near": learnt, "mine": learnt}

    def find(name: str) -> Style:
        if name not in styles:
            raise ModelError(f"'{name}' is damaged")
        return styles[name]

    entries = [SimpleNamespace(name=name, bundled=name != "mine") for name in ("damaged", "mine", "near")]
    monkeypatch.setattr(starts, "find_style", find)
    monkeypatch.setattr(starts.gallery, "entries", lambda: entries)
    monkeypatch.setattr(gallery, "is_child", lambda style: True)
    with caplog.at_level(logging.WARNING, "videostyle"):
        assert start("nearest") is learnt
    assert "damaged" in caplog.text
    del styles["near"]
    assert start("nearest") is random_style
