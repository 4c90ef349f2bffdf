"""The weights of frames whose style changes along the clip, interpolated on the device between folded weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.frames import Float32Array
from videostyle.inference.backends.current import backend
from videostyle.inference.shared_programs import Program, shared
from videostyle.inference.shot_weights import FoldedWeights, ShotWeights
from videostyle.network.precision import dtype_of


@shared
def mixing_program(device: str, precision: str) -> Program:
    """The program that mixes folded weights, given as a list, by their shares; compiled for each length of the list."""

    def mean(name: str, values: list[Any], parts: Any) -> Any:
        # In float64: in float32 the last bit depends on where the values lie in memory, and where it decides how one
        # is rounded to the precision, two workers would paint a frame differently.
        total = sum(parts[n] * ops.cast(one, parts.dtype) for n, one in enumerate(values))
        return ops.cast(total, dtype_of(precision, name))

    def mix(sets: list[FoldedWeights], parts: Any) -> FoldedWeights:
        return {name: mean(name, [one[name] for one in sets], parts) for name in sets[0]}

    return backend().compiled(mix)


class MixedWeights:
    """The weights of each frame: a weighted mean of those of a few styles, each with its own statistics.

    They depend on the number of the frame alone.

    Args:
        styles: the styles to mix, with their statistics, in float32.
        places: int ``[F, K]``: for each frame, which styles are mixed.
        shares: float32 ``[F, K]``: their shares, which sum to 1; styles of share 0 do not count.
        device: its name, as from ``choose_device``.
        precision: of the weights (``network.precision``).
    """

    def __init__(
        self,
        styles: Sequence[ShotWeights],
        places: NDArray[np.integer[Any]],
        shares: Float32Array,
        device: str,
        precision: str,
    ) -> None:
        self._styles, self._places, self._shares = list(styles), places, shares
        self._device = device
        self._mixed: dict[tuple[Any, ...], FoldedWeights] = {}  # those of the frames that were asked for last
        self._mix = mixing_program(device, precision)

    def of_frames(self, first: int, count: int) -> list[FoldedWeights]:
        """The weights of ``count`` frames from number ``first`` on; the same object where they are the same."""
        numbers = range(first, first + count)
        keys = [self._key(number) for number in numbers]
        folded = {
            style: self._styles[style].of_frames(first, count) for style in {s for key in keys for s, _, _ in key}
        }
        found: dict[tuple[Any, ...], FoldedWeights] = {}
        for place, key in enumerate(keys):
            if key not in found:
                sets = [folded[style][place] for style, _, _ in key]
                found[key] = self._mixed.get(key) or self._mean(sets, [share for _, _, share in key])
        self._mixed = found
        return [found[key] for key in keys]

    def alone(self, frame: int) -> bool:
        """Whether a frame has other weights than both of its neighbours."""
        key = self._key(frame)
        return key != self._key(frame - 1) and key != self._key(frame + 1)

    def _key(self, frame: int) -> tuple[tuple[int, tuple[int, float], float], ...]:
        """What the weights of a frame depend on: of each style its number, its place in the clip, and its share."""
        frame = min(max(frame, 0), len(self._places) - 1)
        pairs = zip(self._places[frame].tolist(), self._shares[frame].tolist(), strict=True)
        return tuple((style, self._styles[style].place_of(frame), share) for style, share in pairs if share > 0)

    def _mean(self, sets: list[FoldedWeights], shares: list[float]) -> FoldedWeights:
        with backend().on(self._device), backend().wide() as dtype:
            mixed = self._mix(sets, backend().to_device(np.array(shares, dtype)))
            backend().wait_for(next(reversed(mixed.values())))  # other threads compute with them
            return mixed

    def clear(self) -> None:
        """Frees the weights on the device."""
        self._mixed = {}
        for style in self._styles:
            style.clear()
