"""The losses a style is trained with: pure functions on tensors, in ``keras.ops``.

Pictures are float RGB 0..1, ``[N, H, W, 3]``. Every loss is a mean over pixels and channels (over the valid
ones, where there is a mask) or a ratio of energies, so that one set of weights serves every painting, every
size and every loss network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from videostyle.network.loss_network import LossNetwork, features, gram, project

Tensor = Any

LUMA = (0.2126, 0.7152, 0.0722)  # relative luminance of linear BT.709 RGB, as ReCoNet uses it
TINY = 1e-8


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


def style_loss(painted: Tensor, style: Tensor) -> Tensor:
    """Squared distance of Gram matrices over the energy of the style's, averaged over the pictures.

    Args:
        painted: Gram matrices ``[N, C, C]`` of the painted pictures.
        style: Gram matrix ``[1, C, C]`` of the painting.

    *Source:* Gatys et al. 2016, eq. 4, normalised by the style's own energy.
    """
    distance = ops.sum(ops.square(painted - style), axis=(1, 2)) / (ops.sum(ops.square(style)) + TINY)
    return ops.mean(distance)


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels, both directions. *Source:* Johnson et al. 2016, 3.2."""
    return ops.mean(ops.square(x[:, 1:] - x[:, :-1])) + ops.mean(ops.square(x[:, :, 1:] - x[:, :, :-1]))


def grid_loss(x: Tensor, period: int = 8, tile: int = 16) -> Tensor:
    """Energy of the pattern that repeats every ``period`` pixels: the trace of sub-pixel upsampling.

    In each ``tile`` x ``tile`` region the pixels, less their local mean, are averaged by their place within a
    period. A grid gives the same averages in neighbouring regions; a texture of the painting does not, as
    it has no fixed phase. So the products of neighbours' averages are counted, as far as they are positive.

    Args:
        x: ``[N, H, W, 3]``; H and W at least two tiles.
        period: pixels after which the suspected grid repeats (its divisors are found as well).
        tile: side of a region, a multiple of ``period``.

    Returns:
        Mean energy of the common pattern, in squared units of ``x``.
    """
    n, h, w, c = x.shape
    n = -1 if n is None else n
    x = x - _box_mean(x, period)
    rows, columns, cells = h // tile, w // tile, tile // period
    x = x[:, : rows * tile, : columns * tile]
    x = ops.reshape(x, (n, rows, cells, period, columns, cells, period, c))
    phases = ops.mean(x, axis=(2, 5))  # [N, rows, period, columns, period, C]
    phases = phases - ops.mean(phases, axis=(2, 4), keepdims=True)
    below = ops.mean(phases[:, 1:] * phases[:, :-1], axis=(2, 4, 5))
    beside = ops.mean(phases[:, :, :, 1:] * phases[:, :, :, :-1], axis=(2, 4, 5))
    return 0.5 * (ops.mean(ops.relu(below)) + ops.mean(ops.relu(beside)))


def _box_mean(x: Tensor, size: int) -> Tensor:
    return ops.average_pool(x, size, 1, padding="same")


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Samples ``x`` at each pixel's place plus its flow, bilinearly; places outside take the nearest edge.

    Args:
        x: ``[N, H, W, C]``, frame t-1.
        flow: float32 ``[N, H, W, 2]``, pixels (dx, dy): a pixel p of frame t was at p + flow in frame t-1.

    Returns:
        ``[N, H, W, C]``: frame t-1 as seen at time t.
    """
    _, h, w, c = x.shape
    column = ops.clip(flow[..., 0] + np.arange(w, dtype=np.float32)[None, None, :], 0.0, w - 1.0)
    row = ops.clip(flow[..., 1] + np.arange(h, dtype=np.float32)[None, :, None], 0.0, h - 1.0)
    left, top = ops.minimum(ops.floor(column), w - 2.0), ops.minimum(ops.floor(row), h - 2.0)
    right_share, lower_share = (column - left)[..., None], (row - top)[..., None]
    first = ops.cast(top, "int32") * w + ops.cast(left, "int32")
    first = first + ops.arange(ops.shape(x)[0], dtype="int32")[:, None, None] * (h * w)
    flat = ops.reshape(x, (-1, c))

    def corner(offset: int) -> Tensor:
        return ops.take(flat, first + offset, axis=0)

    upper = corner(0) * (1.0 - right_share) + corner(1) * right_share
    lower = corner(w) * (1.0 - right_share) + corner(w + 1) * right_share
    return upper * (1.0 - lower_share) + lower * lower_share


def temporal_output_loss(
    painted: Tensor, painted_before: Tensor, original: Tensor, original_before: Tensor, flow: Tensor, mask: Tensor
) -> Tensor:
    """What the painting changes by from one frame to the next, beyond its motion and the light.

    ``mean over valid pixels, channels of ((O_t - W(O_t-1))_c - (I_t - W(I_t-1))_Y)^2``. The luminance
    difference is averaged over 9x9 pixels: light changes smoothly, while the grain that changes from pixel to
    pixel is what the painting must not follow.

    Args:
        painted: O_t, ``[N, H, W, 3]``.
        painted_before: O_t-1.
        original: I_t.
        original_before: I_t-1.
        flow: as in ``warp``.
        mask: ``[N, H, W, 1]``, 1 where a pixel is visible in both frames.

    *Source:* Gao et al. 2018 (ReCoNet), eq. 5 and 6, divided by the valid pixels and channels.
    """
    luma = np.asarray(LUMA, np.float32)
    light = ops.sum((original - warp(original_before, flow)) * luma, axis=-1, keepdims=True)
    weight = _box_mean(mask, 9)
    light = _box_mean(light * mask, 9) / (weight + 1e-3)
    change = painted - warp(painted_before, flow) - light
    return ops.sum(mask * ops.square(change)) / (3.0 * ops.sum(mask) + 1.0)


def area_loss(painted: Tensor, wanted: Tensor, cells: int = 8) -> Tensor:
    """Mean squared difference of the mean colours of large areas, whatever is drawn in them.

    Args:
        painted: ``[N, H, W, 3]``, sides of at least ``cells`` pixels.
        wanted: of the same shape.
        cells: areas along the shorter side.
    """
    size = min(painted.shape[1:3]) // cells
    return ops.mean(ops.square(ops.average_pool(painted - wanted, size, size, "valid")))


def temporal_feature_loss(current: Tensor, before: Tensor, flow: Tensor, mask: Tensor) -> Tensor:
    """The same for features of the style network: squared change along the motion over the features' energy.

    Args:
        current: F_t, ``[N, h, w, C]``, at a fraction of the picture's size.
        before: F_t-1.
        flow: full-size flow as in ``warp``; averaged and scaled down to the features' size here.
        mask: full-size mask; a feature counts as far as its pixels are valid.

    *Source:* Gao et al. 2018, eq. 7, divided by the valid places and by the mean energy of F.
    """
    factor = flow.shape[1] // current.shape[1]
    flow = ops.average_pool(flow, factor, factor, padding="valid") / factor
    mask = ops.average_pool(mask, factor, factor, padding="valid")
    change = ops.square(current - warp(before, flow))
    energy = ops.mean(ops.square(current)) + TINY
    return ops.sum(mask * change) / ((ops.sum(mask) + 1.0) * current.shape[-1] * energy)


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
    """What the content of pictures ``[N, H, W, 3]`` is compared by, computed in ``dtype``: ``[N, h, w, C]``."""
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
