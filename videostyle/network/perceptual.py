"""Content and style of pictures by the features of a loss network: what a training lowers and an evaluation reports.

Pure functions on tensors, in ``keras.ops``. Pictures are float RGB 0..1, ``[N, H, W, 3]``. Every loss is a mean or a
ratio of energies, so that one set of weights serves every painting, every size and every loss network.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from videostyle.network.loss_network import LossNetwork, features, gram, project

Tensor = Any

PAINTING_SIDE = 384  # short side of the painting, pixels, at which its strokes have their ordinary size
TINY = 1e-8


def resized(picture: Tensor, short_side: float) -> Tensor:
    """A picture ``[1, H, W, 3]`` at another size, its shape kept, sides multiples of 16 for the loss network."""
    height, width = picture.shape[1:3]
    factor = short_side / min(height, width)
    size = tuple(max(32, round(side * factor / 16) * 16) for side in (height, width))
    return ops.image.resize(picture, size, interpolation="bicubic", antialias=True)


def content_loss(painted: Tensor, original: Tensor, energy: Tensor | float = 0.0) -> Tensor:
    """How far the painted features are from the original's: squared distance over the energy of both.

    Args:
        painted: features of the painted pictures, ``[N, h, w, C]``.
        original: the same features of the unpainted pictures.
        energy: mean square of the painting's features. Without it an empty sky, whose own energy is next to
            nothing, would count for more than everything else in a training.

    *Source:* Johnson et al. 2016, eq. 2, normalised. 0 = the same, 1 = features that have nothing in common
    (without ``energy``: as far as a black picture's features).
    """
    painted, original = ops.cast(painted, "float32"), ops.cast(original, "float32")
    return ops.mean(ops.square(painted - original)) / (ops.mean(ops.square(original)) + energy + TINY)


def structure_loss(painted: Tensor, original: Tensor) -> Tensor:
    """How far the painted features are from the original's, each channel of each picture normalised first.

    What is compared is where a channel answers, not how strongly: structure survives, colours and contrast are free.

    Args:
        painted: features of the painted pictures, ``[N, h, w, C]``.
        original: the same features of the unpainted pictures.

    Returns:
        Mean squared distance: 0 = the same structure, 2 = none in common.

    *Source:* Johnson et al. 2016, eq. 2, on features after instance normalisation (Huang and Belongie 2017).
    """

    def normalised(z: Tensor) -> Tensor:
        z = ops.cast(z, "float32")
        variance = ops.var(z, axis=(1, 2), keepdims=True)
        # A channel that hardly answers is held down, or its noise would count like a form.
        floor = 1e-2 * ops.mean(variance) + TINY
        return (z - ops.mean(z, axis=(1, 2), keepdims=True)) * ops.rsqrt(variance + floor)

    return ops.mean(ops.square(normalised(painted) - normalised(original)))


def style_loss(painted: Tensor, style: Tensor) -> Tensor:
    """Squared distance of Gram matrices over the energy of the style's, averaged over the pictures.

    Args:
        painted: Gram matrices ``[N, C, C]`` of the painted pictures.
        style: Gram matrix ``[1, C, C]`` of the painting.

    *Source:* Gatys et al. 2016, eq. 4, normalised by the style's own energy.
    """
    distance = ops.sum(ops.square(painted - style), axis=(1, 2)) / (ops.sum(ops.square(style)) + TINY)
    return ops.mean(distance)


def half_size(x: Tensor) -> Tensor:
    """Pictures at half their size, by averaging 2x2 pixels."""
    return ops.average_pool(x, 2, 2, padding="valid")


def style_targets(net: LossNetwork, painting: Tensor, scales: int) -> list[dict[str, Tensor]]:
    """Gram matrices of the painting, for each scale and style layer: what ``perceptual_losses`` aims at.

    Args:
        net: the loss network.
        painting: ``[1, H, W, 3]`` at the size at which its strokes should appear in the picture.
        scales: 1 for full size only, 2 with half size, 3 with quarter size.
    """
    targets = []
    for scale in range(scales):
        found = features(net, painting, net.style_layers)
        targets.append({layer: gram(net, layer, found[layer]) for layer in net.style_layers})
        if scale + 1 < scales:
            painting = half_size(painting)
    return targets


def content_features(net: LossNetwork, pictures: Tensor, dtype: str = "float32") -> Tensor:
    """Features by which the content of pictures ``[N, H, W, 3]`` is compared, in ``dtype``: ``[N, h, w, C]``."""
    layer = net.content_layer
    return project(net, layer, features(net, ops.cast(pictures, dtype), (layer,))[layer])


def perceptual_losses(
    net: LossNetwork,
    painted: Tensor,
    reference: Tensor,
    targets: list[dict[str, Tensor]],
    dtype: str = "float32",
) -> tuple[Tensor, Tensor]:
    """Content loss at full size and style loss averaged over layers and scales.

    Args:
        net: the loss network.
        painted: ``[N, H, W, 3]``.
        reference: ``content_features`` of the same pictures unpainted.
        targets: from ``style_targets``.
        dtype: in which the loss network is computed; distances are in float32 whatever it is.

    Returns:
        Content loss and style loss, scalars.
    """
    layer = net.content_layer
    painted = ops.cast(painted, dtype)
    found = features(net, painted)
    energy = ops.trace(targets[0][layer][0]) / targets[0][layer].shape[-1] if layer in targets[0] else 0.0
    content = content_loss(project(net, layer, found[layer]), reference, energy)
    style = 0.0
    for scale, target in enumerate(targets):
        if scale:
            painted = half_size(painted)
            found = features(net, painted, net.style_layers)
        style = style + sum(style_loss(gram(net, name, found[name]), target[name]) for name in net.style_layers)
    return content, style / (len(targets) * len(net.style_layers))
