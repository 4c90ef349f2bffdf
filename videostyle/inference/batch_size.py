"""How many frames are painted in one call of the program, if memory is not short."""

from __future__ import annotations

import math

from videostyle.inference.stroke_size import painted_size

# Pixels in a batch on a CPU: enough to fill the cores, few enough to stay in the cache.
BATCH_PIXELS = 4 * 640 * 368
ACCELERATOR_BATCH_PIXELS = 16 * 1280 * 720
LARGEST_BATCH = 16  # frames of a batch whose size is chosen by their pixels


def usual_pixels(device: str) -> int:
    """Pixels of all frames in a batch together, on a device that ``bench`` has not measured."""
    return ACCELERATOR_BATCH_PIXELS if "GPU" in device else BATCH_PIXELS


def frames_fitting(pixels: int, size: tuple[int, int], stroke_size: float | None) -> int:
    """Frames in a batch: a power of two, at most ``LARGEST_BATCH``.

    Args:
        pixels: of all frames in a batch together.
        size: height and width of the frames.
        stroke_size: as in ``stroke_size.painted_size``.
    """
    height, width = painted_size(*size, stroke_size)
    # A frame counts by the pixels that are painted, but by a quarter of its own at least.
    own = max(height * width, size[0] * size[1] // 4)
    return min(LARGEST_BATCH, 2 ** int(math.log2(max(1.0, pixels / own))))
