"""The clip's own colours on the painted frames."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.painting import batch, scene
from videostyle.frames import VideoInfo
from videostyle.processors.preserve_color import PreserveColor
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style


def test_preserved_colour_is_the_clips(random_style: Style) -> None:
    frames = scene(1, 48, 48)
    inner = StyleProcessor(random_style)
    processor = PreserveColor(inner)
    processor.open(VideoInfo(48, 48))
    painted = processor(batch(frames)).frames.astype(float)
    plain = inner(batch(frames)).frames.astype(float)
    luma = np.array([0.299, 0.587, 0.114])
    inside = ((painted > 2) & (painted < 253)).all(axis=-1)  # where nothing was clipped
    assert np.abs((painted - plain) @ luma)[inside].mean() < 2
    chroma = (painted - (painted @ luma)[..., None]) - (frames - (frames @ luma)[..., None])
    assert np.abs(chroma)[inside].mean() < 2
