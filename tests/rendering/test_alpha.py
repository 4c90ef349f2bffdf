"""The alpha channel of a video is kept where the output can hold one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings


@pytest.mark.parametrize(
    ("codec", "suffix"), [("prores", ".mov"), ("qtrle", ".mov"), ("vp9", ".webm"), ("ffv1", ".mkv"), ("png", "")]
)
def test_colour_is_painted_and_alpha_passed(
    codec: str, suffix: str, clip: Callable[[str], Path], style: str, tmp_path: Path
) -> None:
    output = tmp_path / f"out{suffix}"
    settings = RenderSettings(style, codec=codec)
    report = render(clip("alpha.mov"), output, settings)
    assert not [warning for warning in report.warnings if "alpha" in warning]
    with open_reader(output, ReadOptions(alpha=True)) as reader:
        assert reader.info.has_alpha
        batches = list(reader)
    planes = [batch.alpha for batch in batches if batch.alpha is not None]
    assert sum(map(len, planes)) == 25
    whole = 65535 if planes[0].dtype == np.uint16 else 255
    assert np.concatenate(planes).mean() / whole == pytest.approx(0.25, abs=0.02)


def test_a_codec_without_alpha_says_that_it_is_lost(clip: Callable[[str], Path], style: str, tmp_path: Path) -> None:
    report = render(clip("alpha.mov"), tmp_path / "out.mp4", RenderSettings(style))
    assert any("the alpha channel is dropped" in warning for warning in report.warnings)
