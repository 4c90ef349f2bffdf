"""Style and content losses of frames, measured with a loss network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import ops

from videostyle.frames import UInt8Array, to_float
from videostyle.network.loss_network import LossNetwork, features, gram, project
from videostyle.network.perceptual import PAINTING_SIDE, resized, style_loss


@dataclass(frozen=True)
class PerceptualJudge:
    """Compares frames with one painting.

    Attributes:
        net: the loss network.
        grams: Gram matrices of the painting, short side ``PAINTING_SIDE``, for each layer that is compared.
    """

    net: LossNetwork
    grams: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, net: LossNetwork, painting: UInt8Array, layers: tuple[str, ...] | None = None) -> PerceptualJudge:
        """The judge for a painting uint8 ``[H, W, 3]`` RGB, at some layers; None = the style layers."""
        layers = layers or net.style_layers
        x = ops.clip(resized(ops.convert_to_tensor(to_float(painting)[None]), PAINTING_SIDE), 0.0, 1.0)
        found = features(net, x, layers)
        return cls(net, {layer: gram(net, layer, found[layer]) for layer in layers})

    @classmethod
    def of_painted(cls, net: LossNetwork, pictures: Sequence[UInt8Array]) -> PerceptualJudge:
        """The judge for the mean of some painted pictures uint8 ``[H, W, 3]``, at their own size."""
        sums: dict[str, Any] = {}
        for picture in pictures:
            found = features(net, ops.convert_to_tensor(to_float(picture)[None]), net.style_layers)
            for layer in net.style_layers:
                sums[layer] = sums.get(layer, 0.0) + gram(net, layer, found[layer]) / float(len(pictures))
        return cls(net, sums)

    def style_by_layer(self, painted: UInt8Array) -> dict[str, float]:
        """Style loss of one frame uint8 ``[H, W, 3]`` for each layer; 0 = equal to the painting."""
        found = features(self.net, ops.convert_to_tensor(to_float(painted)[None]), tuple(self.grams))
        return {
            layer: float(style_loss(gram(self.net, layer, found[layer]), self.grams[layer])) for layer in self.grams
        }

    def style(self, painted: UInt8Array) -> float:
        """Style loss of one frame: mean over layers of ``|G - G_s|^2 / |G_s|^2``."""
        return float(np.mean(list(self.style_by_layer(painted).values())))

    def content(self, painted: UInt8Array, original: UInt8Array) -> float:
        """Content loss of one frame: ``mean (F(O) - F(I))^2 / var F(I)`` at the content layer, F centred per channel.

        The divisor is the variance over positions, averaged over channels. An unrelated picture with the same
        statistics gives 2.
        """
        layer = self.net.content_layer
        pair = ops.convert_to_tensor(np.stack([to_float(painted), to_float(original)]))
        both = np.asarray(project(self.net, layer, features(self.net, pair, (layer,))[layer]))
        return float(((both[0] - both[1]) ** 2).mean() / (both[1].var(axis=(0, 1)).mean() + 1e-8))


def perceptual_distance(net: LossNetwork, a: UInt8Array, b: UInt8Array) -> float:
    """An LPIPS-like distance of two pictures uint8 ``[H, W, 3]``: unit-normalised features, squared, averaged.

    Mean over the style layers of the mean over places of ``|f_a/|f_a| - f_b/|f_b||^2``; 0 for equal pictures,
    2 for features at right angles everywhere.

    *Source:* Zhang et al. 2018, eq. 1, with all channel weights equal.
    """
    pair = ops.convert_to_tensor(np.stack([to_float(a), to_float(b)]))
    total = 0.0
    for layer, value in features(net, pair, net.style_layers).items():
        f = np.asarray(project(net, layer, value))
        f = f / (np.linalg.norm(f, axis=-1, keepdims=True) + 1e-8)
        total += float(((f[0] - f[1]) ** 2).sum(axis=-1).mean())
    return total / len(net.style_layers)
