"""The random numbers of one training step, on any Keras backend.

They are a function of seed and step alone, and may be drawn in a compiled program in which seed and step are inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

DRAWS_OF_A_STEP = 1024  # at most; Keras counts draws, and steps must not share a count


class Draws:
    """Independent random numbers for each of ``count`` pairs.

    Args:
        generator: where they come from; see ``drawing``.
        count: N, the number of pairs.
    """

    def __init__(self, generator: keras.random.SeedGenerator, count: int) -> None:
        self._generator = generator
        self.count = count

    def uniform(self, low: Tensor, high: Tensor, shape: tuple[int, ...] = ()) -> Tensor:
        """float32 ``[N, *shape]`` from ``low`` to ``high``, numbers or tensors that fit this shape."""
        share = keras.random.uniform((self.count, *shape), seed=self._generator, dtype="float32")
        return low + share * (high - low)

    def normal(self, shape: tuple[int, ...] = ()) -> Tensor:
        """float32 ``[N, *shape]`` of mean 0 and deviation 1."""
        return keras.random.normal((self.count, *shape), seed=self._generator, dtype="float32")

    def whole(self, low: int, high: Tensor, shape: tuple[int, ...] = ()) -> Tensor:
        """Whole numbers ``[N, *shape]``, as float32, from ``low`` to ``high - 1``; ``high - low`` is below 2**20."""
        return ops.minimum(ops.floor(self.uniform(low, high, shape)), high - 1.0)

    def chance(self, probability: float) -> Tensor:
        """True with this probability, bool ``[N]``."""
        return self.uniform(0.0, 1.0) < probability

    def one_of(self, values: Sequence[float]) -> Tensor:
        """float32 ``[N]``, each one of ``values``."""
        return ops.take(np.asarray(values, np.float32), ops.cast(self.whole(0, len(values)), "int32"))


@contextmanager
def drawing(generator: keras.random.SeedGenerator, seed: Tensor, step: Tensor, count: int) -> Iterator[Draws]:
    """Within this context, the draws of one step. The generator's own state is neither used nor changed.

    Args:
        generator: any; made outside of compiled programs.
        seed: a whole number, 0 to 2**31 - 1, or a tensor of it.
        step: a whole number, 0 to 2**21 - 1, or a tensor of it.
        count: number of pairs.
    """
    state = generator.state
    start = ops.stack([ops.cast(seed, state.dtype), ops.cast(step, state.dtype) * DRAWS_OF_A_STEP])
    with keras.StatelessScope(state_mapping=[(state, start)]):
        yield Draws(generator, count)
