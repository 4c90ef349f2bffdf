"""The objective of a style training: the targets measured on the painting, the weight of each loss, their sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.errors import ModelError, UsageError
from videostyle.network.architecture import Architecture
from videostyle.network.loss_network import LossNetwork, features, gram, project
from videostyle.network.perceptual import PAINTING_SIDE, half_size, resized, structure_loss, style_loss
from videostyle.network.style_network import forward, forward_neighbours
from videostyle.training import losses as loss

Tensor = Any

TONE_CELLS = (4, 8)  # sides of the cells of the local tone loss, pixels
INTERPOLATED = 0.6  # strength at which the interpolation loss paints: colours are furthest from the line there


@dataclass(frozen=True)
class LossWeights:
    """Weight of each loss in the sum that is minimised.

    Attributes:
        content: the scene's shapes stay readable, in any colour.
        style: the painting's small strokes and textures (early layers, at several sizes).
        deep: the painting's large strokes (relu4_1, relu5_1).
        tone: large areas keep their order from dark to light.
        local_tone: lightness keeps its order within neighbourhoods of 52 and 104 pixels, so faces keep their features.
        colour: the distribution of the painting's colours.
        temporal: no flicker of the painted frames.
        temporal_feature: no flicker of the style network's deep features.
        total_variation: smoothness between neighbouring pixels.
        interpolation: at a strength below 1, colours of large areas lie between the scene's and the fully painted ones.
    """

    content: float = 5.0
    style: float = 40.0
    deep: float = 40.0
    tone: float = 4.0
    local_tone: float = 5.0
    colour: float = 150.0
    temporal: float = 800.0
    temporal_feature: float = 0.5
    total_variation: float = 0.3
    interpolation: float = 20.0


LOSSES = ("loss", *asdict(LossWeights()))


@dataclass(frozen=True)
class LossNetworks:
    """The loss networks whose features are compared.

    Attributes:
        fine: gives the features of content and of small strokes.
        deep: gives those of large strokes (``deep_layers``). The same object as ``fine`` where one network gives both.
    """

    fine: LossNetwork
    deep: LossNetwork

    @classmethod
    def of(cls, chosen: LossNetwork, other: LossNetwork) -> LossNetworks:
        """``chosen`` for everything; where it has no deep layers, those of ``other``."""
        return cls(chosen, chosen if chosen.deep_layers else other)

    @property
    def name(self) -> str:
        """Their name in a style's card."""
        return self.fine.name if self.deep is self.fine else f"{self.fine.name} + {self.deep.name}"


@dataclass(frozen=True)
class Targets:
    """What is measured on the painting, and aimed at in training.

    Attributes:
        fine: for each size (full, half, quarter) the Gram matrices ``[1, C, C]`` of the style layers, by name.
        deep: Gram matrices ``[1, C, C]`` of the deep layers at full size, by name.
        painting: float32 ``[H, W, 3]``, RGB 0..1, at the size at which it was measured.
    """

    fine: tuple[dict[str, Tensor], ...]
    deep: dict[str, Tensor]
    painting: NDArray[np.float32]


def grams(net: LossNetwork, pictures: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
    """Gram matrices ``[N, C, C]`` of pictures ``[N, H, W, 3]`` for each of ``layers``."""
    found = features(net, pictures, layers)
    return {layer: gram(net, layer, found[layer]) for layer in layers}


def targets_of(nets: LossNetworks, painting: NDArray[np.uint8], stroke: float = 1.0, scales: int = 3) -> Targets:
    """Measures the targets on a painting.

    Args:
        nets: the loss networks.
        painting: uint8 ``[H, W, 3]`` RGB.
        stroke: size of the strokes in painted pictures, relative to their ordinary size (``PAINTING_SIDE``).
        scales: number of sizes at which small strokes are compared, 1 to 3.

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
    x = ops.clip(resized(x, PAINTING_SIDE * stroke), 0.0, 1.0)
    fine, smaller = [], x
    for scale in range(scales):
        smaller = half_size(smaller) if scale else x
        fine.append(grams(nets.fine, smaller, nets.fine.style_layers))
    deep = grams(nets.deep, x, nets.deep.deep_layers)
    return Targets(tuple(fine), deep, np.asarray(ops.convert_to_numpy(x[0]), np.float32))


def style_objective(
    arch: Architecture,
    nets: LossNetworks,
    targets: Targets,
    weights: LossWeights,
    window: int,
    precision: str = "float32",
    base: Mapping[str, Tensor] | None = None,
) -> Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], dict[str, Tensor]]:
    """The function that is minimised: from the network's arrays and a batch of pairs to the losses by name.

    Losses on features look at the later frame of each pair only: the earlier one looks the same, and the loss
    networks are most of the cost of a step. No gradient goes through the earlier frame. Pairs run forwards as often as
    backwards, so the gradient is half of the full one on average, at two thirds of the network's cost and without the
    cost of a backward warp.

    Args:
        arch: sizes of the style network.
        nets: the loss networks.
        targets: from ``targets_of``.
        weights: of the losses.
        window: side of the pairs, pixels, a multiple of 32.
        precision: dtype of the loss networks; distances are always float32.
        base: arrays of the base, for the interpolation loss.

    Returns:
        A function of the network's arrays and a batch (the fields of ``pairs.Pair``, each ``[N, ...]``) that returns
        scalars: every loss by its name in ``LossWeights``, and their weighted sum as "loss".

    Raises:
        UsageError: if the interpolation loss has a weight and ``base`` is None.
    """
    if weights.interpolation and base is None:
        raise UsageError("the interpolation loss needs the arrays of the base", hint="give base=, or the weight 0")
    origin = base or {}
    content_layer = nets.fine.content_layer
    # Colours are compared at every other pixel of the half size, which is enough for their distribution.
    quantiles = loss.colour_quantiles(targets.painting, (window // 4) ** 2)

    def style(painted: Tensor) -> tuple[Tensor, Tensor]:
        """The style loss over all sizes, and the content features at full size."""
        total, content = 0.0, None
        for scale, target in enumerate(targets.fine):
            painted = half_size(painted) if scale else painted
            found = features(nets.fine, painted, None if not scale else nets.fine.style_layers)
            content = found[content_layer] if not scale else content
            total = total + sum(style_loss(gram(nets.fine, n, found[n]), target[n]) for n in target)
        return total / (len(targets.fine) * len(targets.fine[0])), project(nets.fine, content_layer, content)

    def function(arrays: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        previous, current, flow, mask = (batch[key] for key in ("previous", "current", "flow", "mask"))
        (now, deep), (before, deep_before) = forward_neighbours(
            arch, arrays, current, previous, batch["canvas"], batch["previous_canvas"]
        )
        seen = ops.cast(now, precision)
        original = features(nets.fine, ops.cast(current, precision), (content_layer,))[content_layer]
        fine, content = style(seen)
        large = grams(nets.deep, seen, tuple(targets.deep)) if weights.deep else {}
        values = {
            "content": structure_loss(content, project(nets.fine, content_layer, original)),
            "style": fine,
            "deep": sum(style_loss(large[n], targets.deep[n]) for n in large) / max(len(large), 1),
            "tone": loss.tone_loss(now, current),
            "local_tone": sum(loss.local_tone_loss(now, current, cell) for cell in TONE_CELLS) / len(TONE_CELLS),
            "colour": loss.colour_loss(half_size(now)[:, ::2, ::2], quantiles),
            "temporal": loss.temporal_output_loss(now, before, current, previous, flow, mask),
            "temporal_feature": loss.temporal_feature_loss(deep, deep_before, flow, mask),
            "total_variation": loss.total_variation(now),
            "interpolation": ops.zeros(()),
        }
        if weights.interpolation:
            between = {name: origin[name] + INTERPOLATED * (value - origin[name]) for name, value in arrays.items()}
            # At half size, which is a quarter of the cost: only the colours of large areas are compared.
            small, painted = half_size(current), ops.stop_gradient(half_size(now))
            line = small + INTERPOLATED * (painted - small)
            values["interpolation"] = loss.area_loss(forward(arch, between, small), line)
        # Values outside 0..1 are clipped when a frame is written, so the other losses must not be lowered by them.
        outside = ops.mean(ops.square(now - ops.clip(now, 0.0, 1.0)))
        values["loss"] = sum(value * values[name] for name, value in asdict(weights).items()) + 10.0 * outside
        return values

    return function
