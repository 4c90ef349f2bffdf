"""A run of canvas meshes as bytes: about a kilobyte for each frame of a moving camera, next to nothing for a still one.

Coordinates are rounded to ``STEP`` and predicted from the frame before: the layer moves as an affine map says
whose coefficients are stored, and each vertex may go on as it did. What is left is stored as differences and
compressed. What is nowhere seen of a layer is not stored; it comes back as predicted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import InputError
from videostyle.frames import CanvasMesh
from videostyle.motion.grid_offsets import camera_move, grid_offsets
from videostyle.motion.layers import dilated
from videostyle.motion.mesh import middle

STEP = 4 / 1080 / 64  # heights: 1/64 of a cell of the canvas (4 pixels) on a frame of 1080 lines
SHARES = 255  # steps of the share from 0 to 1
LONGEST = 240  # frames of a run
MOST_MOVE = 30000  # steps that a camera moves in a frame at most: 1.7 heights
_HEAD = struct.Struct("<4sHHHb")  # mark, frames, rows, columns, octaves that STEP is made finer
_MARK = b"VSM1"
_MARGIN = 2  # vertices around what is seen that are stored as well, for interpolation with splines

Whole = NDArray[np.int32]


def pack(meshes: Sequence[CanvasMesh]) -> bytes:
    """A run of at most ``LONGEST`` meshes of one shape, as bytes for ``unpack``.

    Raises:
        ValueError: if there are none, too many, or of several shapes.
    """
    if not 0 < len(meshes) <= LONGEST or len({mesh.share.shape for mesh in meshes}) != 1:
        raise ValueError(f"{len(meshes)} meshes, or of several shapes; 1 to {LONGEST} of one shape are stored")
    rows, columns = meshes[0].share.shape
    finer = max(_finer(mesh) for mesh in meshes)
    step = STEP / 2**finer
    predictor = _Predictor(rows, columns)
    slopes, modes, left, shares = [], [], [], []
    share_before = np.zeros((rows, columns), np.uint8)
    for mesh in meshes:
        share = np.rint(mesh.share * SHARES).astype(np.uint8)
        shares.append(share - share_before)  # modulo 256
        share_before = share
        seen = _seen(share)
        for layer in (0, 1):
            whole = np.rint(mesh.places[layer].astype(np.float64) / step).astype(np.int32)
            slope, mode, rest = predictor.rest(layer, whole, seen[layer])
            slopes.append(slope)
            modes.append(mode)
            left.append(rest)
    # The sign goes to the lowest bit and the bytes into planes, so that small numbers leave planes of zeros.
    numbers = np.stack(left)
    zigzag = ((numbers << 1) ^ (numbers >> 31)).astype("<u4")
    planes = np.ascontiguousarray(zigzag.reshape(-1).view(np.uint8).reshape(-1, 4).T)
    body = b"".join(
        (
            np.stack(slopes).astype("<f4").tobytes(),
            np.array(modes, np.uint8).tobytes(),
            np.stack(shares).tobytes(),
            planes.tobytes(),
        )
    )
    # Small numbers in no order, and runs of zeros: looking for other repetitions takes four times as long for nothing.
    packer = zlib.compressobj(6, strategy=zlib.Z_RLE)
    packed = packer.compress(body) + packer.flush()
    return _HEAD.pack(_MARK, len(meshes), rows, columns, finer) + packed


def unpack(data: bytes) -> list[CanvasMesh]:
    """The meshes that ``pack`` made bytes of, to within half a step.

    Raises:
        InputError: if it is something else, or damaged.
    """
    try:
        mark, frames, rows, columns, finer = _HEAD.unpack_from(data)
        if mark != _MARK or not 0 < frames <= LONGEST:
            raise ValueError("not a run of meshes")
        size = rows * columns
        lengths = np.cumsum([2 * frames * 24, 2 * frames, frames * size, 2 * frames * size * 2 * 4])
        inflate = zlib.decompressobj()
        body = inflate.decompress(data[_HEAD.size :], int(lengths[-1]) + 1)
        if len(body) != lengths[-1] or not inflate.eof:
            raise ValueError("of another length")
    except (ValueError, struct.error, zlib.error) as error:
        raise InputError("stored canvas meshes cannot be read", str(error), "plan the render anew") from error
    parts = np.split(np.frombuffer(body, np.uint8), lengths[:-1])
    slopes = parts[0].view("<f4").reshape(frames, 2, 2, 3)
    modes = parts[1].reshape(frames, 2)
    shares = np.cumsum(parts[2].reshape(frames, rows, columns), axis=0, dtype=np.uint8)
    zigzag = np.ascontiguousarray(parts[3].reshape(4, -1).T).view("<u4").reshape(frames, 2, rows, columns, 2)
    left = (zigzag >> 1).astype(np.int32) ^ -(zigzag & 1).astype(np.int32)
    predictor, step = _Predictor(rows, columns), STEP / 2**finer
    meshes = []
    for frame in range(frames):
        whole = [predictor.whole(k, slopes[frame, k], int(modes[frame, k]), left[frame, k]) for k in (0, 1)]
        places = (np.stack(whole) * step).astype(np.float32)
        meshes.append(CanvasMesh(places, shares[frame].astype(np.float32) / np.float32(SHARES)))
    return meshes


class _Predictor:
    """Knows the frame before and predicts the next from it; packing and unpacking run the same one."""

    def __init__(self, rows: int, columns: int) -> None:
        self._x = np.linspace(-1, 1, columns)[None, :]
        self._y = np.linspace(-1, 1, rows)[:, None]
        terms = np.stack(np.broadcast_arrays(np.ones((rows, columns)), self._x, self._y), axis=-1).reshape(-1, 3)
        self._fit = np.linalg.pinv(terms)
        self._before = np.zeros((2, rows, columns, 2), np.int32)
        self._own = np.zeros((2, rows, columns, 2), np.int32)  # how each vertex moved beside the affine map

    def rest(self, layer: int, whole: Whole, seen: NDArray[np.bool_]) -> tuple[NDArray[np.float32], int, Whole]:
        """Slope ``[2, 3]``, mode and what is left to store, ``[rows, columns, 2]``, of the next frame of a layer.

        The mode says whether vertices go on as they did (2) and whether differences to neighbours are stored (1).
        """
        moved = whole - self._before[layer]
        slope = (self._fit @ moved.reshape(-1, 2)).T.astype(np.float32)
        carried = self._carried(layer, slope)
        if not seen.any():
            nothing = np.zeros_like(whole)
            self._before[layer], self._own[layer] = carried, nothing
            return slope, 0, nothing
        candidates = []
        for goes_on in (0, 1):
            own = np.where(seen[..., None], whole - carried, goes_on * self._own[layer])
            rest = own - goes_on * self._own[layer]
            candidates += [(2 * goes_on, rest, own), (2 * goes_on + 1, _differences(rest), own)]
        mode, numbers, own = min(candidates, key=lambda candidate: _bits(candidate[1]))
        self._before[layer], self._own[layer] = carried + own, own
        return slope, mode, numbers

    def whole(self, layer: int, slope: NDArray[np.float32], mode: int, rest: Whole) -> Whole:
        """The next frame of a layer, from what ``rest`` gave."""
        if mode % 2:
            rest = np.cumsum(np.cumsum(rest, axis=0, dtype=np.int32), axis=1, dtype=np.int32)
        own = rest + self._own[layer] if mode >= 2 else rest
        self._before[layer], self._own[layer] = self._carried(layer, slope) + own, own
        return self._before[layer].copy()

    def _carried(self, layer: int, slope: NDArray[np.float32]) -> Whole:
        # Sums of products in double precision, element by element: the same on every machine.
        s = slope.astype(np.float64)
        moved = [np.rint(s[c, 0] + s[c, 1] * self._x + s[c, 2] * self._y) for c in (0, 1)]
        return self._before[layer] + np.stack(moved, axis=-1).astype(np.int32)


def _differences(rest: Whole) -> Whole:
    """Differences along rows and columns; two running sums undo them."""
    down = rest.copy()
    down[1:] -= rest[:-1]
    across = down.copy()
    across[:, 1:] -= down[:, :-1]
    return across


def _bits(numbers: Whole) -> float:
    """About how many bits numbers take."""
    sizes = np.abs(numbers, dtype=np.float32, casting="unsafe")
    sizes += 1
    return float(np.log2(sizes, out=sizes).sum())


def _seen(share: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which vertices of the two layers are needed to paint: those seen, and ``_MARGIN`` around them."""
    return dilated(share < SHARES, _MARGIN), dilated(share > 0, _MARGIN)


def _finer(mesh: CanvasMesh) -> int:
    """Octaves by which a mesh's coordinates are to be stored finer: where a scene is seen enlarged, so is an error."""
    height = 1 / (mesh.share.shape[0] - 1)
    slopes = np.abs(mesh.places[:, 1:] - mesh.places[:, :-1])
    slope = middle(np.maximum(slopes[..., 0], slopes[..., 1])) / height
    return int(np.clip(np.rint(-np.log2(max(slope, 1e-6))), 0, 12))


class MeshTrack:
    """The meshes of a clip, kept as bytes; any frame's is at hand without those before its run.

    Args:
        runs: what ``pack`` made of each ``LONGEST`` frames in order.
        moves: int16 ``[F, 2]``, how far the camera has moved since the frame before (``camera_move``), in ``STEP``.

    Attributes:
        runs: as given.
        moves: as given.
    """

    def __init__(self, runs: Sequence[bytes], moves: NDArray[np.int16]) -> None:
        self.runs, self.moves = tuple(runs), moves
        # Frames come in order, from several threads at once.
        self._unpacked = lru_cache(maxsize=2)(lambda number: unpack(self.runs[number]))

    def __call__(self, frame: int) -> CanvasMesh:
        """The mesh of a frame by its number; the last one where the clip is longer than it was."""
        number = min(frame // LONGEST, len(self.runs) - 1)
        meshes = self._unpacked(number)
        return meshes[min(frame - number * LONGEST, len(meshes) - 1)]

    def offsets(self, height: int) -> Whole:
        """Where each frame of the clip, painted ``height`` pixels high, lies on the grid (``grid_offsets``)."""
        return grid_offsets(self.moves * STEP, height)


class MeshRecorder:
    """Collects the meshes of a clip, frame by frame, and holds no more than a run of them unpacked."""

    def __init__(self) -> None:
        self._runs: list[bytes] = []
        self._meshes: list[CanvasMesh] = []
        self._moves: list[NDArray[np.int16]] = []
        self._last: CanvasMesh | None = None

    def add(self, mesh: CanvasMesh) -> None:
        """Takes the mesh of the next frame."""
        before, self._last = self._last, mesh
        same = before is not None and before.share.shape == mesh.share.shape
        move = camera_move(before, mesh) if before is not None and same else np.zeros(2)
        # A camera that moves further than this in a frame shows something else.
        self._moves.append(np.clip(np.rint(move / STEP), -MOST_MOVE, MOST_MOVE).astype(np.int16))
        self._meshes.append(mesh)
        if len(self._meshes) == LONGEST:
            self._end_run()

    def track(self) -> MeshTrack:
        """All that was collected."""
        if self._meshes:
            self._end_run()
        return MeshTrack(self._runs, np.array(self._moves, np.int16).reshape(-1, 2))

    def _end_run(self) -> None:
        self._runs.append(pack(self._meshes))
        self._meshes = []
