"""Painters with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.live.fakes import SIZE
from videostyle.frames import VideoInfo
from videostyle.inference import painter as painter_module
from videostyle.inference import program as program_module
from videostyle.inference import shot_measurement
from videostyle.inference.shared_programs import shared
from videostyle.live.painter import LivePainter
from videostyle.styles.card import CANVAS, Style


@pytest.fixture
def flat_style(random_style: Style) -> Style:
    return Style(random_style.card, {name: 0.5 * value for name, value in random_style.weights.items()})


@pytest.fixture
def painter(random_style: Style, flat_style: Style) -> LivePainter:
    """A painter for the full size only, as every size takes time to compile."""
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    return LivePainter(random_style, [random_style, flat_style], info, device="cpu", adaptive=False)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compiled so far, in their order; request it before the painter, which then compiles all of its own."""
    found: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def traced(*arguments: Any, **options: Any) -> Any:
            found.append(name)
            return function(*arguments, **options)

        return traced

    for module, name in ((shot_measurement, "measure"), (program_module, "forward_phases")):
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    for module, name in ((shot_measurement, "measuring_program"), (painter_module, "painting_program")):
        monkeypatch.setattr(module, name, shared(getattr(module, name).__wrapped__))
    return found


@pytest.fixture
def resizing(random_style: Style, flat_style: Style) -> LivePainter:
    """A painter for all sizes."""
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    return LivePainter(random_style, [random_style, flat_style], info, device="cpu")


@pytest.fixture
def canvas_style(random_style: Style) -> Style:
    """A style with a canvas kernel that is not zero."""
    kernel = np.random.default_rng(0).normal(0, 0.3, random_style.weights[CANVAS].shape).astype(np.float32)
    return Style(random_style.card, {**random_style.weights, CANVAS: kernel})
