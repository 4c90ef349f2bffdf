"""The objective of a style training: the targets measured on the painting, the weight of each loss, their sum."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.errors import ModelError, UsageError
from videostyle.network.architecture import Architecture
from videostyle.network.loss_network import LossNetwork, features, gram, project
from videostyle.network.perceptual import PAINTING_SIDE, half_size, resized, structure_loss, style_loss
from videostyle.network.sliced import Distribution, distribution, sliced_distance
from videostyle.network.style_network import forward, forward_neighbours
from videostyle.training import losses as loss

Tensor = Any

DEEP_SCALES = 2  # sizes at which large strokes are compared
TONE_CELLS = (2, 4, 8)  # sides of the cells of the local tone loss, pixels
INTERPOLATED = 0.6  # strength at which the interpolation loss paints: colours are furthest from the line there


@dataclass(frozen=True)
class LossWeights:
    """Weight of each loss in the sum that is minimised.

    Attributes:
        content: the scene's shapes stay readable, in any colour.
        style: the painting's small strokes and textures: Gram matrices of early layers, at several sizes.
        style_sliced: the same by sliced Wasserstein distance (``network.sliced``).
        deep: the painting's large strokes: Gram matrices of relu4_1 and relu5_1, at two sizes.
        deep_sliced: the same by sliced Wasserstein distance.
        tone: large areas keep their order from dark to light.
        local_tone: lightness keeps its order within neighbourhoods of 26, 52 and 104 pixels, so faces keep their
            features.
        colour: the distribution of the painting's colours.
        temporal: no flicker of the painted frames.
        temporal_feature: no flicker of the style network's deep features.
        total_variation: smoothness between neighbouring pixels.
        interpolation: at a strength below 1, colours of large areas lie between the scene's and the fully painted ones.
    """

    content: float = 8.0
    style: float = 40.0
    style_sliced: float = 20.0
    deep: float = 40.0
    deep_sliced: float = 40.0
    tone: float = 4.0
    local_tone: float = 14.0
    colour: float = 150.0
    temporal: float = 3000.0
    temporal_feature: float = 0.5
    total_variation: float = 0.3
    interpolation: float = 30.0


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
        fine: for each size (full, half, quarter) the targets of the style layers, by name.
        deep: for each size (full, half) those of the deep layers; none where the network has no such layers.
        painting: float32 ``[H, W, 3]``, RGB 0..1, at the size at which it was measured.
    """

    fine: tuple[dict[str, LayerTarget], ...]
    deep: tuple[dict[str, LayerTarget], ...]
    painting: NDArray[np.float32]


@dataclass(frozen=True)
class LayerTarget:
    """What is compared of one layer's features.

    Attributes:
        gram: Gram matrix ``[1, C, C]``.
        distribution: how the features are distributed.
    """

    gram: Tensor
    distribution: Distribution


def layer_targets(net: LossNetwork, picture: Tensor, layers: tuple[str, ...]) -> dict[str, LayerTarget]:
    """The targets of a painting ``[1, H, W, 3]`` for each of ``layers``."""
    found = features(net, picture, layers) if layers else {}
    return {n: LayerTarget(gram(net, n, found[n]), distribution(net, n, found[n])) for n in layers}


def smaller_and_smaller(pictures: Tensor, sizes: int) -> Iterator[Tensor]:
    """Pictures ``[N, H, W, 3]`` at full, half, quarter ... size."""
    for size in range(sizes):
        pictures = half_size(pictures) if size else pictures
        yield pictures


def features_of(
    net: LossNetwork, pictures: Tensor, targets: Sequence[Mapping[str, LayerTarget]]
) -> list[dict[str, Tensor]]:
    """For each size of pictures ``[N, H, W, 3]`` the features of the layers that have targets, by name."""
    sizes = smaller_and_smaller(pictures, len(targets))
    return [features(net, size, tuple(of)) if of else {} for size, of in zip(sizes, targets, strict=True)]


def mean_distances(
    net: LossNetwork, found: Sequence[Mapping[str, Tensor]], targets: Sequence[Mapping[str, LayerTarget]]
) -> tuple[Tensor, Tensor]:
    """How far pictures are from a painting.

    Args:
        net: the loss network.
        found: for each size the features ``[N, h, w, C]`` of layers, by name.
        targets: for each size those of the layers that are compared.

    Returns:
        Distance of Gram matrices and sliced Wasserstein distance, means over sizes and layers; 0 without layers.
    """
    pairs = [(n, of_size[n], target[n]) for of_size, target in zip(found, targets, strict=True) for n in target]
    grams = sum((style_loss(gram(net, n, x), target.gram) for n, x, target in pairs), ops.zeros(()))
    sliced = sum((sliced_distance(net, n, x, target.distribution) for n, x, target in pairs), ops.zeros(()))
    return grams / max(len(pairs), 1), sliced / max(len(pairs), 1)


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
    fine = [layer_targets(nets.fine, size, nets.fine.style_layers) for size in smaller_and_smaller(x, scales)]
    large = smaller_and_smaller(x, min(scales, DEEP_SCALES))
    deep = [layer_targets(nets.deep, size, nets.deep.deep_layers) for size in large]
    return Targets(tuple(fine), tuple(deep), np.asarray(ops.convert_to_numpy(x[0]), np.float32))


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
    large = targets.deep if weights.deep or weights.deep_sliced else ()
    # Colours are compared at every other pixel of the half size, which is enough for their distribution.
    quantiles = loss.colour_quantiles(targets.painting, (window // 4) ** 2)
    # As an array the weights are an input of JAX's program, so that styles with other weights have the same one.
    vector = np.array(list(asdict(weights).values()), np.float32)

    def function(arrays: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        previous, current, flow, mask = (batch[key] for key in ("previous", "current", "flow", "mask"))
        (now, deep), (before, deep_before) = forward_neighbours(
            arch, arrays, current, previous, batch["canvas"], batch["previous_canvas"]
        )
        seen = ops.cast(now, precision)
        original = features(nets.fine, ops.cast(current, precision), (content_layer,))[content_layer]
        fine = [features(nets.fine, size) for size in smaller_and_smaller(seen, len(targets.fine))]
        content = project(nets.fine, content_layer, fine[0][content_layer])
        style, style_sliced = mean_distances(nets.fine, fine, targets.fine)
        deep_style, deep_sliced = mean_distances(nets.deep, features_of(nets.deep, seen, large), large)
        values = {
            "content": structure_loss(content, project(nets.fine, content_layer, original)),
            "style": style,
            "style_sliced": style_sliced,
            "deep": deep_style,
            "deep_sliced": deep_sliced,
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
        stacked = ops.stack([ops.cast(values[name], "float32") for name in asdict(weights)])
        values["loss"] = ops.sum(vector * stacked) + 10.0 * outside
        return values

    return function
