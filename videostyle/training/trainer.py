"""Trains one style: a painting and some pictures go in, a style comes out.

Nothing here reads files of pictures or shows progress: pictures come as arrays, reports go to an observer.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from videostyle.errors import Interrupted, ModelError, OutputError, UsageError
from videostyle.network.loss_network import LossNetwork, features, project
from videostyle.network.perceptual import PAINTING_SIDE, resized
from videostyle.network.style_network import Architecture, forward, forward_neighbours, with_contrast
from videostyle.styles.style_file import Style, StyleCard, arrays_sha256
from videostyle.training import losses as loss
from videostyle.training.objective import Objective

Tensor = Any
NAMES = ("loss", "content", "style", "temporal", "temporal_feature", "total_variation", "grid", "detail", "walk")
WHOLE = 8  # pictures that the contrast of the paint is set by
GAINS = (0.99, 1.02, 1.05)  # of contrast that are tried on them
GAIN_RANGE = (0.95, 1.08)  # that is believed of the parabola through what they give
WALKED = 0.6  # strength at which the way from the base is looked at: where it leaves the straight line most


@dataclass(frozen=True)
class LossWeights:
    """Weight of each loss in the sum that is minimised; what each does to the picture is in the README.

    Attributes:
        content: keeps what the picture shows readable.
        style: strength of strokes, colours and textures of the painting.
        temporal: stillness of the painted frames.
        temporal_feature: the same for the network's own deep features.
        total_variation: smoothness between neighbouring pixels.
        grid: absence of patterns that repeat every 4 or 8 pixels. The network cannot paint them in even places
            whatever its weights are, so this is for experiments.
        detail: small texture of the content (0 lets it be smoothed away).
        walk: at a strength below 1 large areas have colours between the scene's and the painted ones. Without it they
            leave the line by 46 levels of 255 (Great Wave), with it by 10; full strength is painted as well.
    """

    content: float = 10.0
    style: float = 50.0
    temporal: float = 800.0
    temporal_feature: float = 0.5
    total_variation: float = 1.0
    grid: float = 0.0
    detail: float = 0.0
    walk: float = 20.0


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        steps: optimisation steps.
        minutes: stop after this time even if steps are left (the learning rate falls in time); None = no limit.
        learning_rate: at its peak (``Objective``); it falls to a fiftieth along a cosine.
        stroke: size of the painting's strokes in the picture, relative to its ordinary one.
        scales: sizes at which style is compared (1 full, 2 half as well, 3 a quarter as well). More bring large
            areas of the painting's colours, and strokes that run over faces.
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
    scales: int = 1
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
    """Where pairs of frames come from (``data.PairSampler``)."""

    def batch(self, step: int) -> Mapping[str, NDArray[np.float32]]:
        """Frames, flow and mask of one step; the same for the same step."""

    def identity(self) -> Mapping[str, Any]:
        """What the batches depend on, by name, as JSON knows it: two samplers with the same give the same."""

    def whole(self, count: int) -> Sequence[NDArray[np.float32]]:
        """At most so many whole pictures ``[H, W, 3]``, sides multiples of 32, such as will be painted."""


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


def painting_targets(net: LossNetwork, painting: NDArray[np.uint8], settings: Settings) -> list[dict[str, Tensor]]:
    """Gram matrices to aim at, from a painting uint8 ``[H, W, 3]`` RGB.

    Raises:
        ModelError: if the painting is too small or of one colour.
    """
    if painting.ndim != 3 or painting.shape[2] != 3 or min(painting.shape[:2]) < 32:
        raise ModelError(
            "the painting cannot be used",
            f"it is {painting.shape}; at least 32 x 32 pixels of colour are needed",
            hint="give a larger picture",
        )
    if float(painting.std()) < 1.0:
        raise ModelError(
            "the painting cannot be used",
            "it is of one colour: there is no style to learn",
            hint="give a picture of a painting",
        )
    x = ops.convert_to_tensor(painting[None].astype(np.float32) / 255.0)
    return loss.style_targets(net, ops.clip(resized(x, PAINTING_SIDE * settings.stroke), 0.0, 1.0), settings.scales)


def style_objective(
    arch: Architecture,
    net: LossNetwork,
    targets: list[dict[str, Tensor]],
    weights: LossWeights,
    precision: str = "float32",
    base: Mapping[str, Tensor] | None = None,
) -> Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]]:
    """The function that is minimised: from the network's arrays and a batch of pairs to the named losses.

    Style and content are read from the later frame of each pair only: the earlier one looks the same, and
    the loss network is most of the cost of a step. No gradient goes through the earlier frame either: pairs are
    as likely one way round as the other, so the gradient is half of the whole one on average, for two thirds of
    the network's cost and without that of the warp.

    Raises:
        UsageError: if the loss "walk" is asked for without the arrays of the ``base``.
    """
    if weights.walk and base is None:
        raise UsageError("the loss 'walk' looks at the way from the base, and there is none", hint="give base=")
    origin = base or {}

    def function(arrays: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        previous, current, flow, mask = (batch[key] for key in ("previous", "current", "flow", "mask"))
        (now, deep), (before, deep_before) = forward_neighbours(arch, arrays, current, previous)
        reference = loss.content_features(net, current, precision)
        content, style = loss.perceptual_losses(net, now, reference, targets, precision)
        values = {
            "content": content,
            "style": style,
            "temporal": loss.temporal_output_loss(now, before, current, previous, flow, mask),
            "temporal_feature": loss.temporal_feature_loss(deep, deep_before, flow, mask),
            "total_variation": loss.total_variation(now),
            "grid": loss.grid_loss(now) if weights.grid else ops.zeros(()),
            "detail": ops.zeros(()),
            "walk": ops.zeros(()),
        }
        if weights.detail:
            layer = net.style_layers[0]
            fine, wanted = (project(net, layer, features(net, x, (layer,))[layer]) for x in (now, current))
            values["detail"] = loss.content_loss(fine, wanted)
        if weights.walk:
            between = {name: origin[name] + WALKED * (value - origin[name]) for name, value in arrays.items()}
            # At half size: a quarter of the cost, and large areas are all that is looked at.
            small, painted = loss.half_size(current), ops.stop_gradient(loss.half_size(now))
            line = small + WALKED * (painted - small)
            values["walk"] = loss.area_loss(forward(arch, between, small), line)
        # Values outside 0..1 are clipped on the way to the screen; the losses must not count on them.
        outside = ops.mean(ops.square(now - ops.clip(now, 0.0, 1.0)))
        values["loss"] = sum(value * values[name] for name, value in asdict(weights).items()) + 10.0 * outside
        return values

    return function


def learning_rate(peak: float, progress: float) -> float:
    """Short warm-up, then a cosine down to a fiftieth; ``progress`` in 0..1."""
    warm = min(1.0, (progress + 0.002) / 0.03)
    return peak * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0))))


def _ahead(sampler: Sampler, first: int, last: int) -> Iterator[Mapping[str, NDArray[np.float32]]]:
    """The batches of steps ``first`` to ``last``; the next ones are made while this one is learnt from.

    On two cores one at a time is made. Where an accelerator learns, it takes several cores to keep up with it.
    """
    makers = max(1, min(8, (os.cpu_count() or 1) // 2))
    with ThreadPoolExecutor(makers, thread_name_prefix="pairs") as pool:
        following = deque(pool.submit(sampler.batch, step) for step in range(first, min(first + makers, last + 1)))
        for step in range(first, last + 1):
            batch = following.popleft().result()
            if step + makers <= last:
                following.append(pool.submit(sampler.batch, step + makers))
            yield batch


@dataclass
class _Journey:
    """How far a training is, beside weights and optimiser: what a resumed one has to know as well.

    Attributes:
        step: steps done.
        seconds: that they took, over all runs.
        smooth: the losses, each a running mean.
        best: lowest smoothed loss so far.
        best_step: when it was reached.
    """

    step: int = 0
    seconds: float = 0.0
    smooth: dict[str, float] = field(default_factory=dict)
    best: float = math.inf
    best_step: int = 0

    def add(self, losses: Mapping[str, float]) -> None:
        """Takes the losses of the step that was just done."""
        for name, value in losses.items():
            self.smooth[name] = 0.97 * self.smooth[name] + 0.03 * value if name in self.smooth else value
        now = self.smooth["loss"]
        if not math.isfinite(self.best) or now < self.best - 1e-4 * abs(self.best):
            self.best, self.best_step = now, self.step


@dataclass(frozen=True)
class _Checkpoint:
    """A file with the state of one training, which goes on from there and from no other.

    Attributes:
        path: of the file.
        identity: what the training depends on, by name.
    """

    path: Path
    identity: Mapping[str, Any]

    def save(self, objective: Objective, journey: _Journey) -> None:
        variables = objective.optimizer.variables
        state = {f"state/{i}": np.asarray(ops.convert_to_numpy(v)) for i, v in enumerate(variables)}
        state.update({f"weights/{name}": value for name, value in objective.arrays().items()})
        temporary = self.path.with_name(self.path.name + ".part")
        try:
            save_file(state, temporary, {"journey": json.dumps(asdict(journey)), "identity": json.dumps(self.identity)})
            os.replace(temporary, self.path)
        except (OSError, SafetensorError) as error:
            raise OutputError(
                f"cannot write the checkpoint '{self.path}'", str(error), hint="choose another place with --checkpoint"
            ) from error

    def load(self, objective: Objective) -> _Journey:
        """Restores weights and optimiser; a journey that has not begun where there is no file."""
        if not self.path.is_file():
            return _Journey()
        what, hint = f"cannot go on from the checkpoint '{self.path}'", "delete it to start anew, or name another file"
        try:
            state = load_file(self.path)
            with safe_open(self.path, "numpy") as file:
                metadata = file.metadata() or {}
            identity = json.loads(metadata["identity"])
            journey = _Journey(**json.loads(metadata["journey"]))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelError(what, f"{type(error).__name__}: {error}", hint) from error
        wanted = json.loads(json.dumps(self.identity))
        if identity != wanted:
            names = sorted(name for name in {*identity, *wanted} if identity.get(name) != wanted.get(name))
            raise ModelError(what, f"it is of another training, which differs in: {', '.join(names)}", hint)
        prefix = "weights/"
        objective.set_arrays({n.removeprefix(prefix): value for n, value in state.items() if n.startswith(prefix)})
        for i, variable in enumerate(objective.optimizer.variables):
            variable.assign(state[f"state/{i}"])
        return journey


def contrast_for_whole_pictures(
    arch: Architecture,
    arrays: Mapping[str, NDArray[np.float32]],
    net: LossNetwork,
    targets: list[dict[str, Tensor]],
    weights: LossWeights,
    pictures: Sequence[NDArray[np.float32]],
    temporal: float,
    precision: str = "float32",
) -> dict[str, NDArray[np.float32]]:
    """Sets the contrast of the paint, about its mean colour, to what the losses like best on whole pictures.

    Gram matrices of small windows scatter: one shows nothing but sky. A squared distance to the painting's is
    smallest, in the mean, when all are somewhat too small, and so a training on windows ends in pale paint. Whole
    frames scatter less. Two or three percent more contrast take a seventh of the Great Wave's style loss.

    Args:
        arch: sizes of the network.
        arrays: its arrays.
        net: the loss network.
        targets: from ``painting_targets``.
        weights: of the losses; those of content, style and temporal count.
        pictures: float32 ``[H, W, 3]`` RGB 0..1, sides multiples of 32; with none nothing is changed.
        temporal: the temporal loss as the arrays are; it grows with the square of the contrast.
        precision: dtype in which the loss network is computed.

    Returns:
        The arrays, those of the last step scaled.
    """
    if not pictures:
        return dict(arrays)
    scenes = [ops.convert_to_tensor(picture[None]) for picture in pictures]
    painted = [ops.clip(forward(arch, arrays, scene), 0.0, 1.0) for scene in scenes]
    references = [loss.content_features(net, scene, precision) for scene in scenes]
    mean = np.mean([ops.convert_to_numpy(ops.mean(paint, axis=(0, 1, 2))) for paint in painted], axis=0)

    def total(gain: float) -> float:
        found = weights.temporal * temporal * gain**2
        for reference, paint in zip(references, painted, strict=True):
            harder = ops.clip(mean + gain * (paint - mean), 0.0, 1.0)
            content, style = loss.perceptual_losses(net, harder, reference, targets, precision)
            found += float(weights.content * content + weights.style * style) / len(scenes)
        return found

    totals = [total(gain) for gain in GAINS]
    second, first, _ = np.polyfit(GAINS, totals, 2)
    lowest = -first / (2 * second) if second > 0 else GAINS[int(np.argmin(totals))]
    return with_contrast(arrays, np.clip(lowest, *GAIN_RANGE), mean)


def train_style(
    painting: NDArray[np.uint8],
    sampler: Sampler,
    start: Style,
    net: LossNetwork,
    settings: Settings,
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
        net: the loss network.
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
    targets = painting_targets(net, painting, settings)
    base = base or start
    function = style_objective(arch, net, targets, settings.weights, settings.precision, base.weights)
    objective = Objective(start.weights, function, NAMES, settings.learning_rate)
    base_hash = arrays_sha256(base.weights)
    journey, keep = _Journey(), None
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
            "loss network": net.name,
            "optimiser": "muon",  # the state of another one does not fit
        }
        keep = _Checkpoint(checkpoint, identity)
        journey = keep.load(objective)
    first, began = journey.step, time.monotonic() - journey.seconds
    patience = settings.patience or math.inf
    stopped = journey.step - journey.best_step >= patience

    def snapshot() -> Style:
        figures = {name: round(value, 5) for name, value in journey.smooth.items()}
        filled = replace(
            card,
            architecture=arch,
            loss_network=net.name,
            loss_weights=asdict(settings.weights),
            figures={**figures, **card.figures, "steps": journey.step},
            base_sha256=base_hash,
        )
        return Style(filled, objective.arrays())

    saved = first
    for step, batch in enumerate(_ahead(sampler, first + 1, first if stopped else settings.steps), first + 1):
        journey.seconds = time.monotonic() - began
        fraction = (step - 1) / settings.steps
        if settings.minutes is not None:
            fraction = max(fraction, journey.seconds / (60.0 * settings.minutes))
            if fraction >= 1.0:
                break
        values = objective.step(batch, learning_rate(settings.learning_rate, fraction))
        if not math.isfinite(values["loss"]):
            raise ModelError(
                "the training broke down",
                f"the loss at step {step} is not finite",
                "try again with a lower --learning-rate",
            )
        journey.step, journey.seconds = step, time.monotonic() - began
        journey.add(values)
        if observer is not None:
            of_a_step = journey.seconds / step
            left = of_a_step * (settings.steps - step)
            if settings.minutes is not None:
                left = max(0.0, min(left, 60.0 * settings.minutes - journey.seconds))
            expected = min(settings.steps, step + round(left / of_a_step))
            try:
                observer(Progress(step, settings.steps, expected, values, left, snapshot))
            except Interrupted:
                if keep is not None:
                    keep.save(objective, journey)
                raise
        if keep is not None and step % settings.checkpoint_every == 0:
            keep.save(objective, journey)
            saved = step
        if step - journey.best_step >= patience:
            break
    if keep is not None and journey.step > saved:
        keep.save(objective, journey)
    trained = snapshot()
    if not journey.step:
        return trained
    pictures, temporal = sampler.whole(WHOLE), journey.smooth["temporal"]
    arrays = contrast_for_whole_pictures(
        arch, trained.weights, net, targets, settings.weights, pictures, temporal, settings.precision
    )
    return replace(trained, weights=arrays)


def nearest_start(
    base: Style,
    styles: Iterable[Style],
    net: LossNetwork,
    targets: list[dict[str, Tensor]],
    pictures: Sequence[NDArray[np.float32]],
) -> Style:
    """The style whose paint is nearest to the targets already; the base where none comes nearer.

    Args:
        base: the base.
        styles: candidates, children of the base.
        net: the loss network.
        targets: from ``painting_targets``.
        pictures: a few float32 ``[S, S, 3]`` RGB 0..1 pictures of one size to paint.
    """
    x = ops.convert_to_tensor(np.stack(pictures))
    reference = loss.content_features(net, x)

    def distance(style: Style) -> float:
        if style.architecture != base.architecture:
            return math.inf
        painted = forward(style.architecture, style.weights, x)
        _, value = loss.perceptual_losses(net, ops.clip(painted, 0.0, 1.0), reference, targets)
        return float(value)

    return min([base, *styles], key=distance)
