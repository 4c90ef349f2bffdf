"""Trains one style: a painting and some pictures go in, a style comes out.

Nothing here reads files of pictures or shows progress: pictures come as arrays, reports go to an observer.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from videostyle.errors import Interrupted, ModelError, UsageError
from videostyle.styles.card import Style, StyleCard, arrays_sha256
from videostyle.training.checkpoint import Checkpoint, TrainingState
from videostyle.training.objective import Objective
from videostyle.training.style_objective import LOSSES, LossNetworks, LossWeights, style_objective, targets_of


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes:
        steps: optimisation steps.
        minutes: stop after this time even if steps are left (the learning rate falls in time); None = no limit.
        learning_rate: at its peak (``Objective``); it falls to a fiftieth along a cosine.
        stroke: size of the painting's strokes in the picture, relative to its ordinary one.
        scales: sizes at which small strokes are compared (1 full, 2 half as well, 3 a quarter as well).
        seed: of everything random.
        patience: stop when the smoothed loss has not fallen for this many steps; None = never.
        checkpoint_every: steps between checkpoints; one is written where a training stops, too.
        precision: dtype in which the loss network is computed, "float32" or "bfloat16"; weights, gradients of
            weights and distances are float32.
        weights: weight of each loss.
    """

    steps: int = 1400
    minutes: float | None = None
    learning_rate: float = 3e-3
    stroke: float = 1.0
    scales: int = 3
    seed: int = 0
    patience: int | None = None
    checkpoint_every: int = 100
    precision: str = "float32"
    weights: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if self.steps < 1 or self.scales not in (1, 2, 3) or not 0.25 <= self.stroke <= 4.0 or self.learning_rate <= 0:
            raise UsageError(
                "cannot train with these settings",
                "steps >= 1, scales 1..3, stroke 0.25..4, rate > 0 are needed",
                hint="give values in these ranges",
            )
        limited = self.minutes is None or 0 < self.minutes < math.inf
        if self.seed < 0 or not limited or (self.patience is not None and self.patience < 1):
            raise UsageError(
                "cannot train with these settings",
                "seed >= 0, minutes > 0, patience >= 1 are needed",
                hint="give values in these ranges",
            )
        if self.precision not in ("float32", "bfloat16"):
            raise UsageError(f"no training in {self.precision!r}", hint="use float32 or bfloat16")
        if any(not value >= 0 or math.isinf(value) for value in asdict(self.weights).values()):
            raise UsageError("a loss weight is negative or no number", hint="give 0 or more")


class Sampler(Protocol):
    """Where pairs of frames come from (``pairs.PairSampler``)."""

    @property
    def window(self) -> int:
        """Side of the pairs, pixels."""

    def batch(self, step: int) -> Mapping[str, NDArray[np.float32]]:
        """Frames, flow and mask of one step; the same for the same step."""

    def identity(self) -> Mapping[str, Any]:
        """What the batches depend on, by name, as JSON knows it: two samplers with the same give the same."""


@dataclass(frozen=True)
class Progress:
    """What an observer is told after each step.

    Attributes:
        step: steps done.
        steps: steps planned.
        expected: steps that there will be in all, as far as the time allows.
        losses: the losses of this step, by name.
        seconds_left: an estimate.
        style: gives the style as it is now, for previews.
    """

    step: int
    steps: int
    expected: int
    losses: dict[str, float]
    seconds_left: float
    style: Callable[[], Style]


Observer = Callable[[Progress], None]


def learning_rate(peak: float, progress: float) -> float:
    """Short warm-up, then a cosine down to a fiftieth; ``progress`` in 0..1."""
    warm = min(1.0, (progress + 0.002) / 0.03)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0))))


def _prefetched(sampler: Sampler, first: int, last: int) -> Iterator[Mapping[str, NDArray[np.float32]]]:
    """The batches of steps ``first`` to ``last``; the next ones are made while a step is computed.

    Half of the cores make batches. An accelerator takes several of them to keep up with.
    """
    makers = max(1, min(8, (os.cpu_count() or 1) // 2))
    with ThreadPoolExecutor(makers, thread_name_prefix="pairs") as pool:
        following = deque(pool.submit(sampler.batch, step) for step in range(first, min(first + makers, last + 1)))
        for step in range(first, last + 1):
            batch = following.popleft().result()
            if step + makers <= last:
                following.append(pool.submit(sampler.batch, step + makers))
            yield batch


def train_style(
    painting: NDArray[np.uint8],
    sampler: Sampler,
    start: Style,
    nets: LossNetworks,
    settings: TrainingSettings,
    card: StyleCard,
    *,
    base: Style | None = None,
    checkpoint: Path | None = None,
    observer: Observer | None = None,
) -> Style:
    """Trains ``start`` towards the painting.

    Args:
        painting: uint8 ``[H, W, 3]``, RGB.
        sampler: pairs of frames, ``[N, S, S, ...]`` with S a multiple of 32.
        start: the base, or a style to go on from.
        nets: what style and content are compared by.
        settings: how to train.
        card: what the style says of itself; architecture, weights, figures and base are filled in here.
        base: the base that the style is a child of; ``start`` itself where None.
        checkpoint: file to save the state in, and to go on from if it is of this very training.
        observer: told after each step; may raise to stop the training.

    Raises:
        ModelError: if the painting cannot be used, or the losses stop being finite.
    """
    keras.utils.set_random_seed(settings.seed)
    arch = start.architecture
    targets = targets_of(nets, painting, settings.stroke, settings.scales)
    base = base or start
    function = style_objective(arch, nets, targets, settings.weights, sampler.window, settings.precision, base.weights)
    objective = Objective(start.weights, function, LOSSES, settings.learning_rate)
    base_hash = arrays_sha256(base.weights)
    state, keep = TrainingState(), None
    if checkpoint is not None:
        own = asdict(settings)
        weights = own.pop("weights")
        del own["checkpoint_every"]
        identity = {
            **own,
            **{f"weight of {name}": value for name, value in weights.items()},
            **sampler.identity(),
            "painting": arrays_sha256({"painting": painting}),
            "start": arrays_sha256(start.weights),
            "base": base_hash,
            "loss network": nets.name,
            "optimiser": "muon",  # the state of another one does not fit
        }
        keep = Checkpoint(checkpoint, identity)
        state = keep.load(objective)
    first, began = state.step, time.monotonic() - state.seconds
    patience = settings.patience or math.inf
    stopped = state.step - state.best_step >= patience

    def snapshot() -> Style:
        figures = {name: round(value, 5) for name, value in state.smooth.items()}
        filled = replace(
            card,
            architecture=arch,
            loss_network=nets.name,
            loss_weights=asdict(settings.weights),
            figures={**figures, **card.figures, "steps": state.step},
            base_sha256=base_hash,
        )
        return Style(filled, objective.arrays())

    saved = first
    for step, batch in enumerate(_prefetched(sampler, first + 1, first if stopped else settings.steps), first + 1):
        state.seconds = time.monotonic() - began
        fraction = (step - 1) / settings.steps
        if settings.minutes is not None:
            fraction = max(fraction, state.seconds / (60.0 * settings.minutes))
            if fraction >= 1.0:
                break
        values = objective.step(batch, learning_rate(settings.learning_rate, fraction))
        if not math.isfinite(values["loss"]):
            raise ModelError(
                "the training broke down",
                f"the loss at step {step} is not finite",
                "try again with a lower --learning-rate",
            )
        state.step, state.seconds = step, time.monotonic() - began
        state.add(values)
        if observer is not None:
            of_a_step = state.seconds / step
            left = of_a_step * (settings.steps - step)
            if settings.minutes is not None:
                left = max(0.0, min(left, 60.0 * settings.minutes - state.seconds))
            expected = min(settings.steps, step + round(left / of_a_step))
            try:
                observer(Progress(step, settings.steps, expected, values, left, snapshot))
            except Interrupted:
                if keep is not None:
                    keep.save(objective, state)
                raise
        if keep is not None and step % settings.checkpoint_every == 0:
            keep.save(objective, state)
            saved = step
        if step - state.best_step >= patience:
            break
    if keep is not None and state.step > saved:
        keep.save(objective, state)
    return snapshot()
