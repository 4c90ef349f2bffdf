"""Perceptual figures against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics.pictures import texture
from videostyle.frames import to_float
from videostyle.metrics.perceptual import PerceptualJudge, perceptual_distance
from videostyle.network.loss_network import LossNetwork


def numpy_features(net: LossNetwork, picture: np.ndarray) -> dict[str, np.ndarray]:
    """The embedded loss network in plain loops over kernel places; heads applied."""
    x, found = to_float(picture).astype(np.float64), {}
    for number, block in enumerate(net.blocks):
        if number:
            h, w = x.shape[0] // 2, x.shape[1] // 2
            x = x[: 2 * h, : 2 * w].reshape(h, 2, w, 2, -1).max(axis=(1, 3))
        for name in block:
            kernel = net.arrays[f"{name}/kernel"].astype(np.float64)
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            h, w = x.shape[:2]
            total = sum(padded[i : i + h, j : j + w] @ kernel[i, j] for i in range(3) for j in range(3))
            x = np.maximum(total + net.arrays[f"{name}/bias"], 0)
            layer = name.replace("conv", "relu")
            if f"head/{layer}/kernel" in net.arrays:
                found[layer] = x @ net.arrays[f"head/{layer}/kernel"] + net.arrays[f"head/{layer}/bias"]
    return found


def test_perceptual_figures_agree_with_numpy(net: LossNetwork) -> None:
    painted, original, painting = texture(40, 48, 1), texture(40, 48, 2), texture(384, 384, 3)
    f, g, s = ({k: numpy_features(net, p)[k] for k in net.style_layers} for p in (painted, original, painting))

    def gram(x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1])
        return flat.T @ flat / len(flat)

    style = np.mean([((gram(f[k]) - gram(s[k])) ** 2).sum() / (gram(s[k]) ** 2).sum() for k in f])
    deep = net.content_layer
    content = ((f[deep] - g[deep]) ** 2).mean() / g[deep].var(axis=(0, 1)).mean()

    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    distance = np.mean([((unit(f[k]) - unit(g[k])) ** 2).sum(-1).mean() for k in f])
    judge = PerceptualJudge.of(net, painting)
    assert judge.style(painted) == pytest.approx(style, rel=1e-4)
    assert judge.content(painted, original) == pytest.approx(content, rel=1e-4)
    assert perceptual_distance(net, painted, original) == pytest.approx(distance, rel=1e-4)


def test_perceptual_figures_of_the_same_picture_are_zero(net: LossNetwork) -> None:
    picture = texture(384, 400)
    assert PerceptualJudge.of(net, picture).style(picture) == pytest.approx(0, abs=1e-6)
    assert PerceptualJudge.of_painted(net, [picture, picture]).style(picture) == pytest.approx(0, abs=1e-6)
    assert PerceptualJudge.of(net, picture).content(picture, picture) == 0
    assert perceptual_distance(net, picture, picture) == pytest.approx(0, abs=1e-9)
