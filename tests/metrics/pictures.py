"""Pictures and flow that tests of the figures are made of."""

from __future__ import annotations

import numpy as np


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random shapes, uint8 RGB: something that flow can follow."""
    import cv2

    small = np.random.default_rng(seed).uniform(0, 255, (height // 6, width // 6, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def still_flow(current: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((*current.shape[:2], 2), np.float32), np.ones((*current.shape[:2], 1), np.float32)
