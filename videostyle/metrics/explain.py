"""A contact sheet of the loss network's responses to the painting, the scene and the painted scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from videostyle.frames import Float32Array, UInt8Array, to_float
from videostyle.media.drawing import draw_text
from videostyle.media.opencv import load_cv2
from videostyle.media.writers.images import write_png
from videostyle.metrics.perceptual import PerceptualJudge
from videostyle.network.loss_network import LossNetwork, features
from videostyle.network.perceptual import content_features, structure_loss

CHANNELS = 6  # responses shown for each layer
CELL = 150  # height of a picture on the sheet, pixels


def _strongest(net: LossNetwork, layer: str, picture: UInt8Array) -> list[int]:
    """The channels whose response varies most over the picture."""
    response = np.asarray(features(net, to_float(picture)[None], (layer,))[layer])[0]
    return list(np.argsort(-response.std(axis=(0, 1)))[:CHANNELS])


def _maps(net: LossNetwork, layer: str, picture: UInt8Array, channels: list[int]) -> list[Float32Array]:
    response = np.asarray(features(net, to_float(picture)[None], (layer,))[layer])[0]
    return [np.asarray(response[..., c], np.float32) for c in channels]


def explain(
    net: LossNetwork,
    scene: UInt8Array,
    painted: UInt8Array,
    painting: UInt8Array | None,
    weights: Mapping[str, float],
    output: Path,
) -> dict[str, dict[str, float]]:
    """Writes the sheet and measures each layer's part in the loss.

    For each style layer and deep layer the sheet has one row for the painting (if given), one for the scene and one
    for the painted scene: the picture, then the channels that respond most strongly to the painting (or to the painted
    scene).

    Args:
        net: the loss network.
        scene: uint8 ``[H, W, 3]`` RGB.
        painted: the scene as the style paints it, of the same shape.
        painting: uint8 ``[h, w, 3]`` RGB, or None.
        weights: weights of the losses "style", "deep" and "content" in the training of the style; a missing one is 0.
        output: PNG to write.

    Returns:
        Nothing without a painting. With it, for each of these layers "scene" and "painted", the style loss of the
        unpainted and of the painted scene against the painting, and "share", its part in the weighted sum of style,
        deep and content losses, of 1; the same for "content", whose "painted" is the content loss.

    Raises:
        OutputError: if the sheet cannot be written.
    """
    cv2 = load_cv2()
    rows: list[tuple[str, UInt8Array]] = [("scene", scene), ("painted", painted)]
    if painting is not None:
        scale = scene.shape[0] / painting.shape[0]
        size = (max(16, round(painting.shape[1] * scale)), scene.shape[0])
        rows.insert(0, ("painting", np.asarray(cv2.resize(painting, size, interpolation=cv2.INTER_AREA), np.uint8)))

    def cell(picture: UInt8Array) -> UInt8Array:
        width = round(scene.shape[1] * CELL / scene.shape[0])
        return np.asarray(cv2.resize(picture, (width, CELL), interpolation=cv2.INTER_AREA), np.uint8)

    lines = []
    for layer in (*net.style_layers, *net.deep_layers):
        channels = _strongest(net, layer, rows[0][1] if painting is not None else painted)
        maps = {name: _maps(net, layer, picture, channels) for name, picture in rows}
        # One brightness scale for all three: what is bright in one is as strong in the others.
        tops = [max(float(np.quantile(maps[name][i], 0.99)) for name, _ in rows) + 1e-6 for i in range(len(channels))]
        for name, picture in rows:
            cells = [cell(picture)]
            for response, top in zip(maps[name], tops, strict=True):
                grey = (np.clip(response / top, 0, 1) * 255).astype(np.uint8)
                cells.append(cell(np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8)))
            line = np.ascontiguousarray(np.concatenate(cells, axis=1))
            draw_text(line, f"{layer} {name}", (6, 16), 0.45)
            lines.append(line)
    write_png(output, np.concatenate(lines, axis=0))
    if painting is None:
        return {}
    judge = PerceptualJudge.of(net, painting, (*net.style_layers, *net.deep_layers))
    before, after = judge.style_by_layer(scene), judge.style_by_layer(painted)
    content = float(structure_loss(*(content_features(net, to_float(x)[None]) for x in (painted, scene))))
    parts = {
        layer: weights.get(loss, 0.0) * after[layer] / len(layers)
        for loss, layers in (("style", net.style_layers), ("deep", net.deep_layers))
        for layer in layers
    }
    parts["content"] = weights.get("content", 0.0) * content
    losses = {layer: {"scene": before[layer], "painted": after[layer]} for layer in after}
    losses["content"] = {"scene": 0.0, "painted": content}
    return {name: {**values, "share": parts[name] / sum(parts.values())} for name, values in losses.items()}
