"""The canvases of consecutive frames, and where these lie on the network's grid.

A canvas is sampled once where it stands, else in several threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from videostyle.frames import AnyArray, CanvasMesh, Float32Array
from videostyle.inference.canvas_sampling import CanvasSettings, same_mesh, sample_canvas, still_mesh
from videostyle.inference.program import FrameInputs
from videostyle.inference.tiling import frame_margins, moving_margins

MeshOf = Callable[[int], CanvasMesh]  # frame number -> mesh
OffsetsAt = Callable[[int], NDArray[np.int32]]  # painted height -> [F, 2], ``motion.grid_offsets``


class FrameCanvases:
    """Makes the inputs of the device program for frames of one painted size after another.

    Args:
        stride: of the network, which frames are padded to.
        pool: where canvases are sampled.
    """

    def __init__(self, stride: int, pool: Executor) -> None:
        self._stride, self._pool = stride, pool
        self._mesh_of: MeshOf | None = None
        self._offsets_at: OffsetsAt | None = None
        # Offsets of all frames of the clip at one painted size; None = the scene does not move on the grid.
        self._offsets: dict[tuple[int, int], NDArray[np.int32] | None] = {}
        # The canvas that was sampled last, and what it was sampled from.
        self._last: tuple[_Place, CanvasSettings, Float32Array] | None = None

    def use(self, mesh_of: MeshOf | None, offsets_at: OffsetsAt | None) -> None:
        """Sets where canvas and grid are at each frame; arguments as of ``StyleProcessor.use_meshes``."""
        self._mesh_of, self._offsets_at = mesh_of, offsets_at
        self._offsets = {}

    def forget(self) -> None:
        """Forgets the last canvas, which had another size."""
        self._last = None

    def inputs(
        self,
        frames: AnyArray,
        first: int,
        size: tuple[int, int],
        settings: CanvasSettings,
        amounts: Float32Array | None,
    ) -> FrameInputs:
        """What the device program gets of frames.

        Args:
            frames: ``[B, H, W, 3]``, uint8 or uint16.
            first: number of the first one in the clip.
            size: height and width at which they are painted.
            settings: amount and seed of the canvas.
            amounts: float32 ``[F]``, of each frame of the clip, to multiply the canvas by; None = 1.
        """
        numbers = range(first, first + len(frames))
        offsets = self._offsets_of(numbers, size)
        canvas = self._canvases([self._place(*one, size) for one in zip(numbers, offsets, strict=True)], size, settings)
        if amounts is not None:
            canvas *= amounts[first : first + len(frames), None, None, None]
        return FrameInputs(frames, canvas, None if None in offsets else np.array(offsets, np.int32))

    def _offsets_of(self, numbers: range, size: tuple[int, int]) -> list[tuple[int, int]] | list[None]:
        """Where frames lie on the grid, (x, y); None for each if all of the clip lie alike."""
        if size not in self._offsets:
            # The mirrored margins of a tiny frame would be larger than the frame.
            places = self._offsets_at if min(size) >= 2 * self._stride else None
            found = places(size[0]) % self._stride if places else np.zeros(2, np.int32)
            self._offsets = {size: found if found.any() else None}
        of_clip = self._offsets[size]
        if of_clip is None:
            return [None] * len(numbers)
        chosen = of_clip[np.minimum(numbers, len(of_clip) - 1)]
        return [(int(x), int(y)) for x, y in chosen]

    def _canvases(self, places: list[_Place], size: tuple[int, int], settings: CanvasSettings) -> Float32Array:
        """The canvases of consecutive frames: ``FrameInputs.canvas``."""
        # Where the canvas stands, neighbouring frames share one.
        new = [n for n, place in enumerate(places) if n == 0 or not _same(places[n - 1], place)]
        last = self._last
        kept = [last[2]] if last and last[1] == settings and _same(last[0], places[0]) else []

        def sample(n: int) -> Float32Array:
            mesh, margins = places[n]
            return sample_canvas(mesh, *size, settings, margins)

        canvases = kept + list(self._pool.map(sample, new[len(kept) :]))
        self._last = places[-1], settings, canvases[-1]
        return np.repeat(np.stack(canvases), np.diff([*new, len(places)]), axis=0)

    def _place(self, number: int, offset: tuple[int, int] | None, size: tuple[int, int]) -> _Place:
        mesh = self._mesh_of(number) if self._mesh_of else still_mesh(*size)
        if offset is None:
            return mesh, frame_margins(*size, self._stride)
        return mesh, moving_margins(*size, self._stride, offset)


_Place = tuple[CanvasMesh, tuple[int, int, int, int]]  # a frame's mesh, and the margins that it is padded with


def _same(one: _Place, other: _Place) -> bool:
    return one[1] == other[1] and same_mesh(one[0], other[0])
