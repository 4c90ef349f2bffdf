"""Pictures that tests of motion and of shots share."""

from __future__ import annotations

import numpy as np


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """A textured picture, uint8."""
    coarse = np.random.default_rng(seed).integers(0, 255, (height // 10 + 1, width // 10 + 1, 3))
    return np.kron(coarse, np.ones((10, 10, 1)))[:height, :width].astype(np.uint8)
