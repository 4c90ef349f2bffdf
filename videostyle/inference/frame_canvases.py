"""The canvases of consecutive frames: sampled once where the canvas stands, else in several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np

from videostyle.frames import CanvasMesh, Float32Array
from videostyle.inference.canvas_sampling import CanvasSettings, same_mesh, sample_canvas, still_mesh
from videostyle.inference.tiling import frame_margins

MeshOf = Callable[[int], CanvasMesh]  # frame number -> mesh


class FrameCanvases:
    """Canvases for frames of one painted size after another.

    Args:
        stride: of the network, which frames are padded to.
        pool: where canvases are sampled.

    Attributes:
        mesh_of: maps the number of a frame to its mesh; None = the canvas is fixed to the screen.
    """

    def __init__(self, stride: int, pool: Executor) -> None:
        self.mesh_of: MeshOf | None = None
        self._stride, self._pool = stride, pool
        # The canvas that was sampled last, and what it was sampled from.
        self._last: tuple[CanvasMesh, CanvasSettings, Float32Array] | None = None

    def forget(self) -> None:
        """Forgets the last canvas, which had another size."""
        self._last = None

    def of_frames(
        self, first: int, count: int, size: tuple[int, int], settings: CanvasSettings, amounts: Float32Array | None
    ) -> Float32Array:
        """The canvases of ``count`` frames from number ``first`` on.

        Args:
            first: number of the first frame.
            count: of the frames.
            size: painted height and width of a frame.
            settings: amount and seed.
            amounts: float32 ``[F]``, of each frame of the clip, to multiply the canvas by; None = 1.

        Returns:
            ``FrameInputs.canvas``.
        """
        height, width = size
        margins = frame_margins(height, width, self._stride)
        meshes = [
            self.mesh_of(number) if self.mesh_of else still_mesh(height, width)
            for number in range(first, first + count)
        ]
        # Where the canvas stands, neighbouring frames share one.
        new = [n for n, mesh in enumerate(meshes) if n == 0 or not same_mesh(meshes[n - 1], mesh)]
        last = self._last
        kept = [last[2]] if last and last[1] == settings and same_mesh(last[0], meshes[0]) else []
        sample = partial(sample_canvas, height=height, width=width, settings=settings, margins=margins)
        canvases = kept + list(self._pool.map(sample, [meshes[n] for n in new[len(kept) :]]))
        self._last = meshes[-1], settings, canvases[-1]
        found: Float32Array = np.repeat(np.stack(canvases), np.diff([*new, count]), axis=0)
        if amounts is not None:
            found *= amounts[first : first + count, None, None, None]
        return found
