"""The network that most programs paint with, with random weights: its speed is what ours is compared with.

*Source:* Johnson et al. 2016, "Perceptual losses for real-time style transfer and super-resolution", with instance
normalisation (Ulyanov et al. 2016), as in the published networks: 1.68 million parameters.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from videostyle.frames import UInt8Array
from videostyle.inference.backends.current import backend

CHANNELS = (32, 64, 128)
BLOCKS = 5


def classic_network(precision: str) -> Any:
    """A Keras model from frames ``[B, H, W, 3]`` to painted ones, 0..255; H and W are multiples of 4.

    Args:
        precision: dtype of weights and computation.
    """
    first, second, third = CHANNELS

    def convolution(x: Any, channels: int, size: int, stride: int = 1) -> Any:
        return layers.Conv2D(channels, size, stride, padding="same", dtype=precision)(x)

    def normalised(x: Any) -> Any:
        return layers.GroupNormalization(groups=-1, dtype=precision)(x)

    frames = keras.Input((None, None, 3), dtype=precision)
    x = frames
    for channels, size, stride in ((first, 9, 1), (second, 3, 2), (third, 3, 2)):
        x = layers.ReLU(dtype=precision)(normalised(convolution(x, channels, size, stride)))
    for _ in range(BLOCKS):
        branch = layers.ReLU(dtype=precision)(normalised(convolution(x, third, 3)))
        x = layers.Add(dtype=precision)([x, normalised(convolution(branch, third, 3))])
    for channels in (second, first):
        x = layers.Conv2DTranspose(channels, 3, 2, padding="same", dtype=precision)(x)
        x = layers.ReLU(dtype=precision)(normalised(x))
    painted = layers.Activation("tanh", dtype=precision)(convolution(x, 3, 9))
    return keras.Model(frames, layers.Rescaling(127.5, 127.5, dtype="float32")(painted))


class ClassicPainter:
    """Paints frames with it, one in a call, and as many calls side by side as ``workers``.

    Args:
        precision: dtype of the computation.
        device: its name, as from ``choose_device``.
        workers: calls side by side.
    """

    def __init__(self, precision: str, device: str, workers: int) -> None:
        self._device, self._pool = device, ThreadPoolExecutor(workers, thread_name_prefix="classic")
        with backend().on(device):
            network = classic_network(precision)

        def paint(frame: Any) -> Any:
            painted = network(ops.cast(frame, precision), training=False)
            return ops.cast(ops.clip(painted + 0.5, 0, 255), "uint8")

        self._program = backend().compiled(paint)

    def __call__(self, frames: UInt8Array) -> list[UInt8Array]:
        """Painted frames, each ``[1, H, W, 3]``, of frames uint8 ``[B, H, W, 3]``."""
        return list(self._pool.map(self._paint, (frames[n : n + 1] for n in range(len(frames)))))

    def _paint(self, frame: UInt8Array) -> UInt8Array:
        with backend().on(self._device):
            painted = backend().to_host(self._program(backend().to_device(frame)))
            return np.asarray(painted, np.uint8)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
