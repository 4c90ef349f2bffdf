"""The training loop: from a painting, pairs of frames and a style to start from to a new style.

Nothing here reads pictures from files or shows progress: pictures come as arrays, and an observer is called after each
step.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import Interrupted, ModelError, UsageError
from videostyle.resources import usable_cores
from videostyle.styles.card import Style, StyleCard, arrays_sha256
from videostyle.training.checkpoint import Checkpoint, TrainingState
from videostyle.training.device.loop import DeviceLoop, Steps
from videostyle.training.device.pairs import DevicePairs
from videostyle.training.objective import LossFunction, Objective
from videostyle.training.style_objective import LOSSES, LossNetworks, LossWeights, style_objective, targets_of

log = logging.getLogger("videostyle")

FEW = 30  # steps after which a style shows little of its painting
FINISH = 5.0  # seconds from the last step to the kept style, about


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes:
        steps: number of optimisation steps, at least 1.
        minutes: end after this time even if steps are left; the learning rate then follows the time. None = no limit.
            What counts beside the steps: see ``began`` of ``train_style``.
        learning_rate: peak of the learning rate, above 0 (``learning_rate_at``).
        stroke: size of the strokes in painted pictures, relative to their ordinary size, 0.25 to 4.
        scales: sizes at which small strokes are compared: 1 full, 2 half as well, 3 a quarter as well.
        seed: seed of all randomness, at least 0.
        patience: end when the smoothed loss has not fallen for this many steps; None = never.
        checkpoint_every: steps between checkpoints. One more is written when the training ends or is interrupted.
        precision: dtype of the loss networks, "float32" or "bfloat16"; weights, their gradients and distances are
            always float32.
        weights: weight of each loss.

    Raises:
        UsageError: if a value is out of range.
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
            raise UsageError("a loss weight is not a number of at least 0", hint="give 0 or more")


class Sampler(Protocol):
    """A source of batches of pairs (``pairs.PairSampler``)."""

    @property
    def window(self) -> int:
        """Side of the pairs, pixels."""

    def batch(self, step: int) -> Mapping[str, NDArray[np.float32]]:
        """The batch of a step: the fields of ``pairs.Pair`` by name, ``[N, ...]``. A function of the step alone."""

    def identity(self) -> Mapping[str, Any]:
        """What the batches depend on, by name, as JSON values: samplers of equal identity give equal batches."""


@dataclass(frozen=True)
class Progress:
    """What an observer gets after each step, or after each call of many steps.

    Attributes:
        step: number of steps done.
        steps: number of steps planned.
        expected: estimate of the number of steps in all, which is lower than ``steps`` where the time ends earlier.
        losses: the losses of this step, by name; their means where a call makes many.
        seconds_left: estimate of the time left.
        style: returns the current style, for previews.
    """

    step: int
    steps: int
    expected: int
    losses: dict[str, float]
    seconds_left: float
    style: Callable[[], Style]


Observer = Callable[[Progress], None]


def learning_rate_at(progress: float, peak: float) -> float:
    """The learning rate at ``progress`` 0..1: a short warm-up to ``peak``, then a cosine down to a fiftieth of it."""
    warm = min(1.0, (progress + 0.002) / 0.03)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0))))


def _prefetched(sampler: Sampler, first: int, last: int) -> Generator[Mapping[str, NDArray[np.float32]], None, None]:
    """The batches of steps ``first`` to ``last``, in order. The next ones are made while a step is computed.

    Half of the usable cores make batches: a GPU needs several, and without a GPU the step needs the rest.
    """
    makers = max(1, min(8, usable_cores() // 2))
    with ThreadPoolExecutor(makers, thread_name_prefix="pairs") as pool:
        following = deque(pool.submit(sampler.batch, step) for step in range(first, min(first + makers, last + 1)))
        for step in range(first, last + 1):
            batch = following.popleft().result()
            if step + makers <= last:
                following.append(pool.submit(sampler.batch, step + makers))
            yield batch


@contextmanager
def _steps(
    objective: Objective, function: LossFunction, sampler: Sampler, loop: DeviceLoop | None, first: int, last: int
) -> Iterator[tuple[int, Steps]]:
    """What makes steps ``first`` to ``last``, as in ``DeviceLoop.steps``, and how many of them it makes in a call."""
    if isinstance(sampler, DevicePairs):
        loop = loop or DeviceLoop()
        yield loop.most, loop.steps(objective, function, sampler, LOSSES)
        return
    with closing(_prefetched(sampler, first, last)) as batches:
        yield 1, lambda _, rates: [objective.step(next(batches), rate) for rate in rates]


def _seconds_for_steps(minutes: float | None, began: float | None) -> float:
    """Seconds that are left for steps, at least one; see ``train_style``."""
    if minutes is None or began is None:
        return math.inf if minutes is None else 60.0 * minutes
    gone = time.monotonic() - began
    left = 60.0 * minutes - gone - FINISH
    if left < gone:
        log.warning("to get ready took %.0f s of %g minutes: the style learns little in the rest", gone, minutes)
    return max(1.0, left)


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
    loop: DeviceLoop | None = None,
    began: float | None = None,
) -> Style:
    """Trains a style on a painting.

    Args:
        painting: uint8 ``[H, W, 3]``, RGB.
        sampler: gives pairs of frames, ``[N, S, S, ...]`` with S a multiple of 32. With ``DevicePairs`` many steps
            are one call.
        start: the style to begin with: the base, or a style trained from it.
        nets: the loss networks.
        settings: how to train.
        card: description of the new style; architecture, loss weights, figures and base are filled in here.
        base: the base of the style; ``start`` itself where None.
        checkpoint: file to keep the state in. If it exists, the training resumes from it.
        observer: called after each step, or after each call of many; may raise to stop the training. After
            ``Interrupted`` a checkpoint is written.
        loop: makes the calls of many steps; trainings with the same loop share compiled programs. A new one where None.
        began: ``time.monotonic()`` of when the user's wait began. All of the wait then counts into
            ``settings.minutes``: what came before the first step, and ``FINISH``. None = the steps alone count.

    Returns:
        The style after the last step.

    Raises:
        ModelError: if the painting cannot be used, the checkpoint belongs to another training, or the losses stop being
            finite.
        OutputError: if the checkpoint cannot be written.
    """
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
            "optimiser": "muon",  # the state of another optimiser has other arrays
        }
        keep = Checkpoint(checkpoint, identity)
        state = keep.load(objective)

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

    saved, patience = state.step, settings.patience or math.inf
    with _steps(objective, function, sampler, loop, state.step + 1, settings.steps) as (most, make_steps):
        limit = _seconds_for_steps(settings.minutes, began)
        first_step = time.monotonic() - state.seconds  # without compiling, which is not training
        # Whether to go on is asked of what a checkpoint holds: a training whose time is over never starts again.
        while state.step < settings.steps and state.step - state.best_step < patience and state.seconds < limit:
            pace = max(state.seconds, 1e-6) / max(state.step, 1)
            count = min(most, settings.steps - state.step)
            if keep is not None:
                count = min(count, settings.checkpoint_every - state.step % settings.checkpoint_every)
            if limit < math.inf:
                count = min(count, max(1, int((limit - state.seconds) / pace))) if state.step else 1
            ahead = [max((state.step + i) / settings.steps, (state.seconds + i * pace) / limit) for i in range(count)]
            rates = [learning_rate_at(fraction, settings.learning_rate) for fraction in ahead]
            values = make_steps(state.step + 1, rates)
            for losses in values:
                state.step += 1
                if not math.isfinite(losses["loss"]):
                    raise ModelError(
                        "the training diverged",
                        f"the loss at step {state.step} is not finite",
                        "train again with a lower `learning_rate`",
                    )
                state.add(losses)
            state.seconds = time.monotonic() - first_step
            if observer is not None:
                of_a_step = state.seconds / state.step
                left = min(of_a_step * (settings.steps - state.step), max(0.0, limit - state.seconds))
                expected = min(settings.steps, state.step + round(left / of_a_step))
                mean = {name: sum(losses[name] for losses in values) / count for name in LOSSES}
                try:
                    observer(Progress(state.step, settings.steps, expected, mean, left, snapshot))
                except Interrupted:
                    if keep is not None:
                        keep.save(objective, state)
                    raise
            if keep is not None and state.step % settings.checkpoint_every == 0:
                keep.save(objective, state)
                saved = state.step
    if keep is not None and state.step > saved:
        keep.save(objective, state)
    if settings.minutes is not None and state.step < min(FEW, settings.steps):
        text = "%d steps were done in %g minutes, which is few: the style has learned little; give it more `minutes`"
        log.warning(text, state.step, settings.minutes)
    return snapshot()
