"""Pictures that tests of training learn from."""

from __future__ import annotations

import numpy as np

from videostyle.training.simulated_camera import blurred


def picture(seed: int, height: int = 200, width: int = 260) -> np.ndarray:
    """A textured picture, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 10 + 1, width // 10 + 1, 3)).astype(np.uint8)
    return blurred(np.kron(coarse, np.ones((10, 10, 1)))[:height, :width], 2).astype(np.uint8)
