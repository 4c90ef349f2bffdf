"""Paints small pictures without compiling anything, to see how much a step between two styles changes the picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from keras import ops

from videostyle.frames import Float32Array, UInt8Array
from videostyle.inference.canvas_sampling import CanvasSettings, still_canvas
from videostyle.inference.program import symmetric_pad
from videostyle.network.architecture import Architecture, padded_size
from videostyle.network.folding import fold, forward_folded
from videostyle.network.statistics import Statistics
from videostyle.styles.card import Style, has_canvas


def sketches(
    along: Sequence[tuple[Style, Statistics, float]], between: int, picture: UInt8Array, seed: int
) -> Iterator[Float32Array]:
    """A picture painted at steps of a change of style, as a render paints it there (``mixed_weights``).

    Args:
        along: styles along the change, two or more, each with the statistics of the scene for it, and the amount of
            canvas, 0..1.
        between: steps from each of these to the next.
        picture: uint8 ``[H, W, 3]``; it takes seconds if it is wider than about 256 pixels.
        seed: of the canvas; the scene does not move.

    Yields:
        Painted pictures, float32 ``[h, w, 3]``, 0..255, a little larger than what was given: padded to what the network
        takes.
    """
    folded = [fold(style.weights, statistics) for style, statistics, _ in along]
    architecture, on_canvas = along[0][0].architecture, any(has_canvas(style.weights) for style, _, _ in along)
    for number in range(between * (len(along) - 1) + 1):
        first = min(number // between, len(along) - 2)
        share = np.float32(number / between - first)
        weights = {name: value + share * (folded[first + 1][name] - value) for name, value in folded[first].items()}
        amount = (1 - share) * along[first][2] + share * along[first + 1][2] if on_canvas else 0.0
        yield _painted(architecture, weights, picture, CanvasSettings(min(1.0, float(amount)), seed))


def _painted(
    architecture: Architecture, weights: Mapping[str, Float32Array], picture: UInt8Array, canvas: CanvasSettings
) -> Float32Array:
    size = padded_size(picture.shape[0], picture.shape[1], architecture.stride)
    x = symmetric_pad(picture[None].astype(np.float32) / np.float32(255), *size)
    noise = None
    tensors = {name: ops.convert_to_tensor(value) for name, value in weights.items()}
    if canvas.amount:
        noise = still_canvas(picture.shape[0], picture.shape[1], architecture.stride, canvas)[None]
    painted = ops.convert_to_numpy(forward_folded(architecture, tensors, ops.convert_to_tensor(x), noise))
    return np.clip(np.float32(255) * painted[0].astype(np.float32), 0, 255)
