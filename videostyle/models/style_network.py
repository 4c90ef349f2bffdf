"""The style network: one small picture-to-picture network, written once as pure functions.

Inputs and outputs are float RGB in 0..1, ``[N, H, W, 3]``, H and W multiples of ``Architecture.stride``.

Shape::

    space-to-depth 4 -> 3x3 conv                     the trunk begins: C channels at quarter resolution
    trunk + residual block                           local strokes
    trunk + resize(up(deep blocks(down(trunk))))     large strokes: D channels at eighth resolution
    trunk + residual block
    3x3 conv -> depth-to-space 2 -> ReLU             half resolution
    3x3 conv -> depth-to-space 2                     full resolution, RGB

The trunk carries the picture and nothing in it is normalised; instance normalisation (Ulyanov et al. 2016)
sits in the residual branches only, so that a network whose branches are silent reproduces its input and the
way from that base to a style is a straight line in weight space (deep network interpolation, Wang et al.
2019). Nine tenths of the parameters work at eighth resolution, where a weight costs a quarter of what it
costs at quarter resolution and reaches twice as far. They come back by bilinear resizing: with sub-pixel
upsampling there, a trained network filled empty areas with dots 8 pixels apart.

Every convolution mirrors its input at the border (symmetric padding). With zeros there, a network under
training learns to see where the frame ends, and paints a frame of its own round it.

Everything is ``keras.ops`` on a mapping of plain arrays: training wraps the arrays in variables, the device
program in constants, and neither needs another copy of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

Tensor = Any  # whatever the Keras backend calls its tensors
Weights = Mapping[str, Tensor]
Statistics = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]  # layer -> (mean, variance), each [C]

EPSILON = 1e-5  # added to variances, as a picture may have a channel without contrast


@dataclass(frozen=True)
class Architecture:
    """Sizes of a style network; kept in style files, where they must match the arrays.

    Attributes:
        channels: width of the trunk at quarter resolution.
        blocks: residual blocks at quarter resolution, half of them (rounded up) before the deep branch.
        deep_channels: width of the deep branch at eighth resolution.
        deep_blocks: residual blocks of the deep branch.
        head_channels: width at half resolution on the way up.
    """

    channels: int = 32
    blocks: int = 2
    deep_channels: int = 64
    deep_blocks: int = 3
    head_channels: int = 16

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            low = 0 if name in ("blocks", "deep_blocks") else 1
            if not isinstance(value, int) or not low <= value <= 512:
                raise ValueError(f"architecture: {name} must be a whole number from {low} to 512, not {value!r}")

    @property
    def stride(self) -> int:
        """Height and width must be multiples of this many pixels."""
        return 8

    @property
    def receptive_radius(self) -> int:
        """How far, in pixels, an input pixel reaches in the output: the halo of an exact tile."""
        quarter = 1 + 2 * self.blocks + 1  # stem, blocks, head
        deep = 1 + 2 * self.deep_blocks + 1  # down, blocks, up
        return 4 * quarter + 8 * deep + 2 + self.stride

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array of the network, in a fixed order."""
        c, d, h = self.channels, self.deep_channels, self.head_channels
        shapes: dict[str, tuple[int, ...]] = {"stem/kernel": (3, 3, 48, c), "stem/bias": (c,)}

        def block(name: str, width: int) -> None:
            for part in ("a", "b"):
                shapes[f"{name}/{part}/kernel"] = (3, 3, width, width)
                shapes[f"{name}/{part}/gamma"] = (width,)
                shapes[f"{name}/{part}/beta"] = (width,)

        for i in range(self.blocks):
            block(f"block{i}", c)
        shapes["down/kernel"] = (3, 3, c, d)
        shapes["down/gamma"] = (d,)
        shapes["down/beta"] = (d,)
        for i in range(self.deep_blocks):
            block(f"deep{i}", d)
        shapes["up/kernel"] = (3, 3, d, c)
        shapes["up/bias"] = (c,)
        shapes["head/kernel"] = (3, 3, c, 4 * h)
        shapes["head/bias"] = (4 * h,)
        shapes["out/kernel"] = (3, 3, h, 12)
        shapes["out/bias"] = (12,)
        return shapes

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(shape)) for shape in self.shapes().values())

    def convolutions(self) -> list[tuple[tuple[int, ...], int]]:
        """Of every convolution: shape of its kernel, and how many pixels of the frame one of its places covers."""
        cells = {"stem": 16, "bloc": 16, "down": 64, "deep": 64, "up/k": 64, "head": 16, "out/": 4}
        return [(shape, cells[name[:4]]) for name, shape in self.shapes().items() if name.endswith("kernel")]

    def multiplications(self, height: int, width: int) -> int:
        """Multiply-adds of the convolutions for one frame of ``height`` x ``width`` pixels."""
        return sum(int(np.prod(shape)) * height * width // cell for shape, cell in self.convolutions())


def initial_weights(arch: Architecture, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights to start a base from.

    He-normal kernels; the two sub-pixel kernels repeat one kernel over the pixels they make (ICNR, Aitken et
    al. 2017), else every trained network keeps a trace of the grid it began with; the last normalisation of
    each residual branch starts small.
    """
    rng = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32]] = {}
    for name, shape in arch.shapes().items():
        if name.endswith("kernel"):
            fan_in = shape[0] * shape[1] * shape[2]
            gain = np.sqrt((1.0 if name.startswith(("stem", "out", "up")) else 2.0) / fan_in)
            if name.startswith(("head", "out")):
                value = np.repeat(rng.normal(0.0, gain, (*shape[:3], shape[3] // 4)), 4, axis=3)
                value = value.reshape(*shape[:3], shape[3] // 4, 4)
                # depth_to_space orders channels (row, column, channel).
                value = np.moveaxis(value, 4, 3).reshape(shape)
            else:
                value = rng.normal(0.0, gain, shape)
        elif name.endswith("gamma"):
            value = np.full(shape, 0.1 if "/b/" in name else 1.0)
        else:
            value = np.zeros(shape)
        weights[name] = value.astype(np.float32)
    weights["up/kernel"] *= 0.1
    weights["out/bias"] += np.float32(0.5)
    return weights


def space_to_depth(x: Tensor, block: int) -> Tensor:
    """``[N, H, W, C]`` to ``[N, H/block, W/block, block * block * C]``, channels ordered (row, column, channel)."""
    n, h, w, c = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    n = -1 if n is None else n
    x = ops.reshape(x, (n, h // block, block, w // block, block, c))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h // block, w // block, block * block * c))


def depth_to_space(x: Tensor, block: int) -> Tensor:
    """The inverse of ``space_to_depth``."""
    n, h, w, c = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    n = -1 if n is None else n
    c //= block * block
    x = ops.reshape(x, (n, h, w, block, block, c))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h * block, w * block, c))


def resize_up(x: Tensor) -> Tensor:
    """``[N, H, W, C]`` to ``[N, 2H, 2W, C]``, bilinear with pixel centres aligned."""
    height, width = x.shape[1], x.shape[2]
    if height is None or width is None:
        raise ValueError("the network needs a fixed height and width")
    return ops.image.resize(x, (2 * height, 2 * width), interpolation="bilinear", data_format="channels_last")


ConvNorm = Callable[[str, Tensor, int], Tensor]  # (layer, features, strides): a convolution and its normalisation


def _convolve(weights: Weights, name: str, x: Tensor, strides: int = 1) -> Tensor:
    # With a stride of 2 and even sides the windows begin at the first pixel and end one past the last.
    # Joining slices does what a symmetric pad by 1 does, in two thirds of its time (TensorFlow, CPU).
    x = ops.concatenate([x[:, :1], x, x[:, -1:]] if strides == 1 else [x, x[:, -1:]], axis=1)
    x = ops.concatenate([x[:, :, :1], x, x[:, :, -1:]] if strides == 1 else [x, x[:, :, -1:]], axis=2)
    return ops.conv(x, weights[f"{name}/kernel"], strides=strides, padding="valid")


def _biased(weights: Weights, name: str, x: Tensor) -> Tensor:
    return _convolve(weights, name, x) + weights[f"{name}/bias"]


def _run(arch: Architecture, weights: Weights, cells: Tensor, conv_norm: ConvNorm) -> tuple[Tensor, Tensor]:
    """The network itself, on cells.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors.
        cells: the picture after ``space_to_depth`` by 4, ``[N, H/4, W/4, 48]``.
        conv_norm: a convolution with its normalisation.

    Returns:
        The picture before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``, and the deep branch's last features
        ``[N, H/8, W/8, D]``.
    """

    def block(name: str, trunk: Tensor) -> Tensor:
        branch = ops.relu(conv_norm(f"{name}/a", trunk, 1))
        return trunk + conv_norm(f"{name}/b", branch, 1)

    trunk = _biased(weights, "stem", cells)
    early = (arch.blocks + 1) // 2
    for i in range(early):
        trunk = block(f"block{i}", trunk)
    deep = ops.relu(conv_norm("down", trunk, 2))
    for i in range(arch.deep_blocks):
        deep = block(f"deep{i}", deep)
    trunk = trunk + resize_up(_biased(weights, "up", deep))
    for i in range(early, arch.blocks):
        trunk = block(f"block{i}", trunk)
    half = ops.relu(depth_to_space(_biased(weights, "head", trunk), 2))
    return _biased(weights, "out", half), deep


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each picture's channels, ``[N, 1, 1, C]``, in float32."""
    x = ops.cast(x, "float32")
    return ops.mean(x, axis=(1, 2), keepdims=True), ops.var(x, axis=(1, 2), keepdims=True)


def forward(arch: Architecture, weights: Weights, x: Tensor) -> Tensor:
    """Paints each picture with its own statistics (instance normalisation): the form that is trained.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors named and shaped as ``arch.shapes()``.
        x: float ``[N, H, W, 3]``, RGB 0..1, H and W multiples of ``arch.stride``.

    Returns:
        ``[N, H, W, 3]``, RGB, about 0..1, not clipped.
    """
    return forward_with_features(arch, weights, x)[0]


def forward_with_features(arch: Architecture, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    """As ``forward``, and the deep features ``[N, H/8, W/8, D]`` as well, for the temporal feature loss."""

    def conv_norm(name: str, h: Tensor, strides: int) -> Tensor:
        h = _convolve(weights, name, h, strides)
        mean, variance = _moments(h)
        scale = ops.rsqrt(variance + EPSILON) * ops.cast(weights[f"{name}/gamma"], "float32")
        shift = ops.cast(weights[f"{name}/beta"], "float32") - mean * scale
        return h * ops.cast(scale, h.dtype) + ops.cast(shift, h.dtype)

    out, deep = _run(arch, weights, space_to_depth(x - 0.5, 4), conv_norm)
    return depth_to_space(out, 2), deep


def measure(arch: Architecture, weights: Weights, x: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Statistics of every normalised layer, averaged over the pictures ``x`` (shape as in ``forward``).

    The pictures are normalised by their common statistics while they pass, so the answer is consistent
    layer by layer: ``fold`` with it changes nothing for these pictures taken as one.

    Returns:
        For each normalised layer its mean and variance, float32 ``[C]``.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}

    def conv_norm(name: str, h: Tensor, strides: int) -> Tensor:
        h = _convolve(weights, name, h, strides)
        h32 = ops.cast(h, "float32")
        mean, variance = ops.mean(h32, axis=(0, 1, 2)), ops.var(h32, axis=(0, 1, 2))
        statistics[name] = (mean, variance)
        scale = ops.rsqrt(variance + EPSILON) * ops.cast(weights[f"{name}/gamma"], "float32")
        shift = ops.cast(weights[f"{name}/beta"], "float32") - mean * scale
        return h * ops.cast(scale, h.dtype) + ops.cast(shift, h.dtype)

    _run(arch, weights, space_to_depth(x - 0.5, 4), conv_norm)
    return statistics


def fold(
    arch: Architecture, weights: Mapping[str, NDArray[np.float32]], statistics: Statistics
) -> dict[str, NDArray[np.float32]]:
    """Writes a shot's statistics into the convolutions: kernels and biases only, nothing left to normalise.

    Args:
        arch: sizes of the network.
        weights: the style's arrays.
        statistics: for every normalised layer mean and variance, as ``measure`` gives them.

    Returns:
        Arrays for ``forward_folded``: ``NAME/kernel`` and ``NAME/bias`` for every convolution.
    """
    folded: dict[str, NDArray[np.float32]] = {}
    for name, value in weights.items():
        layer, kind = name.rsplit("/", 1)
        if kind == "kernel" and f"{layer}/gamma" in weights:
            mean, variance = statistics[layer]
            scale = weights[f"{layer}/gamma"] / np.sqrt(variance + np.float32(EPSILON))
            folded[name] = (value * scale).astype(np.float32)
            folded[f"{layer}/bias"] = (weights[f"{layer}/beta"] - mean * scale).astype(np.float32)
        elif kind in ("kernel", "bias"):
            folded[name] = value
    # The network wants its input centred on 0. As borders are mirrored, not zero, a bias does that everywhere.
    folded["stem/bias"] = folded["stem/bias"] - np.float32(0.5) * folded["stem/kernel"].sum(axis=(0, 1, 2))
    return folded


def forward_folded(arch: Architecture, folded: Weights, x: Tensor) -> Tensor:
    """Paints with folded weights: convolutions and ReLUs only. Arguments and result as in ``forward``."""
    return depth_to_space(forward_cells(arch, folded, space_to_depth(x, 4)), 2)


def forward_cells(arch: Architecture, folded: Weights, cells: Tensor) -> Tensor:
    """``forward_folded`` without its first and last step, for callers that rearrange bytes rather than floats.

    Args:
        arch: sizes of the network.
        folded: weights from ``fold``.
        cells: pictures after ``space_to_depth`` by 4, ``[N, H/4, W/4, 48]``.

    Returns:
        Pictures before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``.
    """

    def conv_bias(name: str, h: Tensor, strides: int) -> Tensor:
        return _convolve(folded, name, h, strides) + folded[f"{name}/bias"]

    return _run(arch, folded, cells, conv_bias)[0]


def padded_size(height: int, width: int, stride: int = 8) -> tuple[int, int]:
    """The size to pad a picture to: the next multiples of ``stride``."""
    return -(-height // stride) * stride, -(-width // stride) * stride
