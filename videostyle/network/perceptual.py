"""Content and style losses on the features of a loss network: training lowers them, evaluation reports them.

Pure functions on tensors, in ``keras.ops``. Pictures are float RGB 0..1, ``[N, H, W, 3]``. Every loss is a mean or a
ratio of energies, so the same loss weights suit every painting, picture size and loss network.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from videostyle.network.loss_network import LossNetwork, features, gram, project

Tensor = Any

PAINTING_SIDE = 384  # short side in pixels to which paintings are scaled: strokes then have their ordinary size
TINY = 1e-8


def resized(picture: Tensor, short_side: float) -> Tensor:
    """A picture ``[1, H, W, 3]`` scaled to a short side; its proportions stay, sides become multiples of 16."""
    height, width = picture.shape[1:3]
    factor = short_side / min(height, width)
    size = tuple(max(32, round(side * factor / 16) * 16) for side in (height, width))
    return ops.image.resize(picture, size, interpolation="bicubic", antialias=True)


def content_loss(painted: Tensor, original: Tensor, energy: Tensor | float = 0.0) -> Tensor:
    """Squared distance of the painted features from the original's, over the energy of both.

    Args:
        painted: features of the painted pictures, ``[N, h, w, C]``.
        original: the same features of the unpainted pictures.
        energy: mean square of the painting's features. Without it, an empty sky, whose own energy is almost zero,
            would outweigh everything else.

    Returns:
        A scalar: 0 = the same features, 1 = unrelated ones (without ``energy``: as distant as those of a black
        picture).

    *Source:* Johnson et al. 2016, eq. 2, normalised.
    """
    painted, original = ops.cast(painted, "float32"), ops.cast(original, "float32")
    return ops.mean(ops.square(painted - original)) / (ops.mean(ops.square(original)) + energy + TINY)


def structure_loss(painted: Tensor, original: Tensor) -> Tensor:
    """Squared distance of the painted features from the original's after normalising each channel of each picture.

    It compares where a channel responds, not how strongly: structure is kept, colours and contrast are free.

    Args:
        painted: features of the painted pictures, ``[N, h, w, C]``.
        original: the same features of the unpainted pictures.

    Returns:
        A scalar: 0 = the same structure, 2 = unrelated.

    *Source:* Johnson et al. 2016, eq. 2, on features after instance normalisation (Huang and Belongie 2017).
    """

    def normalised(z: Tensor) -> Tensor:
        z = ops.cast(z, "float32")
        variance = ops.var(z, axis=(1, 2), keepdims=True)
        # The floor keeps the noise of a channel that hardly responds from counting as structure.
        floor = 1e-2 * ops.mean(variance) + TINY
        return (z - ops.mean(z, axis=(1, 2), keepdims=True)) * ops.rsqrt(variance + floor)

    return ops.mean(ops.square(normalised(painted) - normalised(original)))


def style_loss(painted: Tensor, style: Tensor) -> Tensor:
    """Squared distance of Gram matrices over the energy of the painting's, averaged over the pictures.

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
    """Gram matrices of the painting for each scale and style layer, the target of ``perceptual_losses``.

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


def content_features(net: LossNetwork, pictures: Tensor) -> Tensor:
    """Content features of pictures ``[N, H, W, 3]``: float32 ``[N, h, w, C]``."""
    layer = net.content_layer
    return project(net, layer, features(net, ops.cast(pictures, "float32"), (layer,))[layer])


def perceptual_losses(
    net: LossNetwork,
    painted: Tensor,
    reference: Tensor,
    targets: list[dict[str, Tensor]],
) -> tuple[Tensor, Tensor]:
    """Content loss at full size and style loss averaged over layers and scales.

    Args:
        net: the loss network.
        painted: ``[N, H, W, 3]``.
        reference: ``content_features`` of the same pictures unpainted.
        targets: from ``style_targets``.

    Returns:
        Content loss and style loss, scalars.
    """
    layer = net.content_layer
    painted = ops.cast(painted, "float32")
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
