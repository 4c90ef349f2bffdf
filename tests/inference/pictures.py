"""Pictures for tests that need no backend."""

from __future__ import annotations

import numpy as np

from videostyle.frames import UInt8Array


def moving(count: int, height: int, width: int) -> UInt8Array:
    """Frames of smooth shapes with grain that move by a pixel a frame, uint8 ``[count, height, width, 3]``."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:height, 0 : width + count].astype(np.float32)
    waves = np.stack([np.sin(x * a + y * b) for a, b in ((0.2, 0.05), (0.07, 0.3), (0.4, -0.1))], axis=-1)
    canvas = np.clip(127 + 80 * waves + rng.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)
    return np.stack([canvas[:, n : n + width] for n in range(count)])
