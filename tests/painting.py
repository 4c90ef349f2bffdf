"""Frames to paint, and processors that are ready to paint them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import tensorflow as tf

from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style


def scene(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random frames, uint8 ``[count, height, width, 3]``."""
    rng = np.random.default_rng(seed)
    coarse = tf.image.resize(rng.uniform(0, 255, (count, height // 8 + 2, width // 8 + 2, 3)), (height, width))
    return np.clip(coarse.numpy(), 0, 255).astype(np.uint8)


def batch(frames: np.ndarray, index: int = 0) -> FrameBatch:
    """Frames of a video of 25 frames a second, the first of them with the number ``index``."""
    return FrameBatch(frames, (np.arange(len(frames)) + index) / 25, index)


def opened(style: Style, height: int, width: int, **options: object) -> StyleProcessor:
    """A style processor for frames of that size, in float32 unless ``options`` say something else."""
    processor = StyleProcessor(style, **{"precision": "float32", **options})
    processor.open(VideoInfo(width, height, fps=Fraction(25)))
    return processor
