"""Painting a shot with fixed statistics, which are measured once and folded into the convolutions.

``measure`` gives the statistics of a shot, ``fold`` puts them into kernels and biases, and ``forward_folded`` paints
with these: it consists of convolutions and ReLUs only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.network.architecture import Architecture
from videostyle.network.resampling import STEPS_UP, Tensor, Weights, depth_to_space, expand_weights, space_to_depth
from videostyle.network.statistics import Statistics
from videostyle.network.style_network import EPSILON, convolve, normalised, run

COLOUR_EPSILON = np.float32(1e-4)  # as EPSILON, for painted colours, which vary little along two of their axes
# Lightness, red against green, blue against yellow; orthonormal. Colours are corrected along these axes: corrected in
# R, G and B separately, greens and pinks could appear that none of the mixed styles paints.
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float32).T / np.sqrt(np.array([3, 2, 6], np.float32))


def measure(
    arch: Architecture,
    weights: Weights,
    x: Tensor,
    colour: bool = False,
    reference: Tensor | None = None,
    reference_weight: Tensor | float = 0.0,
    canvas: Tensor | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Statistics of every normalised layer, averaged over the pictures ``x``.

    Each layer is normalised by these common statistics before the next one is measured. Painting with the result
    folded in therefore equals instance normalisation of all these pictures as one.

    Args:
        arch: sizes of the network.
        weights: as in ``forward``.
        x: as in ``forward``.
        colour: whether to measure the painted colours too, as a layer "out" with three channels (``OPPONENT``).
        reference: other pictures to include in the average, ``[M, H, W, 3]``.
        reference_weight: their weight in it, 0..1; that of ``x`` is the rest.
        canvas: of all the pictures, those of ``reference`` last, as in ``forward``.

    Returns:
        For each normalised layer its mean and variance, float32 ``[C]``.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}
    count = x.shape[0]

    def average(h: Tensor) -> Tensor:
        if reference is None:
            return ops.mean(h, axis=(0, 1, 2))
        own, other = (ops.mean(pictures, axis=(0, 1, 2)) for pictures in (h[:count], h[count:]))
        return (1.0 - reference_weight) * own + reference_weight * other

    def common(name: str, h: Tensor) -> tuple[Tensor, Tensor]:
        h = ops.cast(h, "float32")
        mean = average(h)
        statistics[name] = (mean, average(ops.square(h - mean)))
        return statistics[name]

    pictures = x if reference is None else ops.concatenate([x, reference])
    painted, _ = normalised(arch, weights, pictures, canvas, common)
    if colour:
        common("out", ops.matmul(ops.cast(painted, "float32"), OPPONENT))
    return statistics


def expand(weights: Weights) -> dict[str, NDArray[np.float32]]:
    """``expand_weights`` as NumPy arrays: the kernels that ``fold`` puts statistics into."""
    expanded = expand_weights({name: ops.convert_to_tensor(value) for name, value in weights.items()})
    return {name: np.array(ops.convert_to_numpy(x), np.float32) for name, x in expanded.items()}


def fold(
    weights: Mapping[str, NDArray[np.float32]],
    statistics: Statistics,
    white: float = 1.0,
    kernels: Mapping[str, NDArray[np.float32]] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Folds a shot's statistics into the convolutions, so that nothing is left to normalise.

    Args:
        weights: the style's arrays.
        statistics: mean and variance of every normalised layer, from ``measure``. If there is a layer "line", painted
            colours are corrected linearly, so that their statistics along ``OPPONENT`` change from "out" to "line".
        white: value of white in the pictures that will be painted: 1, or 255 for bytes.
        kernels: ``expand(weights)``, to save most of the work where the same weights are folded several times.

    Returns:
        Arrays for ``forward_folded``: ``NAME/kernel`` and ``NAME/bias`` for every convolution.
    """
    folded: dict[str, NDArray[np.float32]] = {}
    for name, value in (kernels or expand(weights)).items():
        layer, kind = name.rsplit("/", 1)
        if kind == "kernel" and f"{layer}/gamma" in weights:
            mean, variance = statistics[layer]
            scale = weights[f"{layer}/gamma"] / np.sqrt(variance + np.float32(EPSILON))
            folded[name] = (value * scale).astype(np.float32)
            folded[f"{layer}/bias"] = (weights[f"{layer}/beta"] - mean * scale).astype(np.float32)
        elif kind in ("kernel", "bias"):
            folded[name] = value.copy()
    # The network takes input centred on 0. A bias can do that, because borders are mirrored and not padded with zeros.
    folded["stem/bias"] = folded["stem/bias"] - np.float32(0.5) * folded["stem/kernel"].sum(axis=(0, 1, 2))
    folded["stem/kernel"] = folded["stem/kernel"] / np.float32(white)
    for layer in STEPS_UP:
        folded[f"{layer}/kernel"][:, :, -12:] /= np.float32(white)
    if "line" in statistics:
        (mean, variance), (line, spread) = statistics["out"], statistics["line"]
        gain = np.sqrt((spread + COLOUR_EPSILON) / (variance + COLOUR_EPSILON))
        turn = (OPPONENT * gain) @ OPPONENT.T  # to opponent colours, times the gain of each, and back
        shift = OPPONENT @ (line - mean * gain)
        bias, kernel = folded["out/bias"].reshape(4, 3), folded["out/kernel"]
        folded["out/bias"] = np.asarray(bias @ turn + shift, np.float32).ravel()
        turned = kernel.reshape(*kernel.shape[:3], 4, 3) @ turn
        folded["out/kernel"] = np.asarray(turned.reshape(kernel.shape), np.float32)
    folded["out/kernel"] *= np.float32(white)
    folded["out/bias"] *= np.float32(white)
    return folded


def forward_folded(arch: Architecture, folded: Weights, x: Tensor, canvas: Tensor | None = None) -> Tensor:
    """Paints with folded weights: convolutions and ReLUs only. Arguments and result as in ``forward``."""
    return depth_to_space(forward_phases(arch, folded, space_to_depth(x, 2), canvas), 2)


def forward_phases(arch: Architecture, folded: Weights, phases: Tensor, canvas: Tensor | None = None) -> Tensor:
    """``forward_folded`` on pictures in 2x2 phases, for callers that rearrange pixels as bytes rather than floats.

    Args:
        arch: sizes of the network.
        folded: weights from ``fold``.
        phases: pictures after ``space_to_depth`` by 2, ``[N, H/2, W/2, 12]``.
        canvas: as in ``forward``.

    Returns:
        Pictures before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``.
    """

    def conv_bias(name: str, h: Tensor, strides: int) -> Tensor:
        return convolve(folded, name, h, strides) + folded[f"{name}/bias"]

    return run(arch, folded, phases, canvas, conv_bias)[0]
