"""The style network: one small picture-to-picture network, written once as pure functions.

Inputs and outputs are float RGB in 0..1, ``[N, H, W, 3]``, H and W multiples of ``Architecture.stride``.

Shape::

    half size -> 3x3 conv, stride 2                  the trunk begins: C channels at quarter resolution
    trunk + 3x3 conv of the canvas                   noise in scene coordinates, where there is a canvas
    trunk + residual block                           local strokes
    trunk + resize(up(deep blocks(down(trunk))))     large strokes: D channels at eighth resolution
    trunk + residual block
    head: up 2, 3x3 conv; + 5x5 conv of the picture  half resolution, ReLU
    fine: up 2, 1x1 conv; + 5x5 conv of the picture  full resolution, ReLU
    out:  3x3 conv       ; + 5x5 conv of the picture  full resolution, RGB

The trunk carries the picture and nothing in it is normalised; instance normalisation (Ulyanov et al. 2016)
sits in the residual branches only, so that a network whose branches are silent reproduces its input and the
way from that base to a style is a straight line in weight space (deep network interpolation, Wang et al.
2019). Nine tenths of the parameters work at eighth resolution, where a weight costs a quarter of what it
costs at quarter resolution and reaches twice as far.

**The canvas.** Where a scene is even, the picture gives the network nothing to paint by. The second input is
noise at quarter resolution that stands on the scene (``network.canvas``); one convolution adds it to the trunk. The
kernel of that convolution is zero in the base, so a base reproduces its input with any canvas.

**Paint that cannot stick to the screen.** A network that upsamples by free sub-pixel kernels fills empty
areas with a texture locked to its own grid of 4 or 8 pixels; when the scene moves under it, that texture is
most of the flicker. Here every step up is interpolation followed by a convolution at the higher resolution, so
constant features give a constant picture, whatever the weights. The first step is bilinear; the second, behind a
ReLU, is a quadratic B-spline, which keeps a ReLU's creases from showing the grid they were computed on (under
shifts of 1 to 4 pixels the same paint changes by a third less than with a bilinear one). What is finer than the
trunk's cells comes from the picture itself, through kernels of mean zero, which move with the picture exactly.
Both are linear, so they are written into one 3x3 convolution of the lower resolution with four times the channels
(``_interleaved``): the cost is that of sub-pixel upsampling, only its freedom to paint a grid is gone. The steps
down look through a low-pass for the same reason (``_halved``, ``_antialiased``).

Every convolution mirrors its input at the border (symmetric padding). With zeros there, a network under
training learns to see where the frame ends, and paints a frame of its own round it.

Everything is ``keras.ops`` on a mapping of plain arrays: training wraps the arrays in variables, the device
program in constants, and neither needs another copy of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from videostyle.network.canvas import CHANNELS as CANVAS_CHANNELS

Tensor = Any  # whatever the Keras backend calls its tensors
Weights = Mapping[str, Tensor]
Statistics = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]  # layer -> (mean, variance), each [C]

# Added to variances: a picture may have channels without contrast. Smaller values let a black frame's gradients grow
# by a factor of hundreds in every layer, and paint the noise of an even one.
EPSILON = 1e-3
COLOUR_EPSILON = np.float32(1e-4)  # the same for painted colours, which hardly differ along two of their axes
STEPS_UP = ("head", "fine", "out")
# Lightness, red against green, blue against both; orthonormal. Colours are measured and kept along these axes: in
# red, green and blue each at its own contrast, greens and pinks may still come up where neither end has any.
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]], np.float32).T / np.sqrt(np.array([3, 2, 6], np.float32))


@dataclass(frozen=True)
class Architecture:
    """Sizes of a style network; kept in style files, where they must match the arrays.

    Attributes:
        channels: width of the trunk at quarter resolution.
        blocks: residual blocks at quarter resolution, half of them (rounded up) before the deep branch.
        deep_channels: width of the deep branch at eighth resolution.
        deep_blocks: residual blocks of the deep branch.
        head_channels: width at half resolution on the way up.
        fine_channels: width at full resolution.
        canvas_channels: channels of the canvas.
    """

    channels: int = 32
    blocks: int = 2
    deep_channels: int = 64
    deep_blocks: int = 3
    head_channels: int = 16
    fine_channels: int = 6
    canvas_channels: int = CANVAS_CHANNELS

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
        quarter = 1 + 2 * self.blocks + 1  # stem (the canvas reaches no further), blocks, head
        deep = 1 + 2 * self.deep_blocks + 1  # down, blocks, up
        return 4 * quarter + 8 * deep + 2 * 2 + self.stride  # fine and out see one half-size pixel further

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array of the network, in a fixed order."""
        c, d, h, f = self.channels, self.deep_channels, self.head_channels, self.fine_channels
        shapes: dict[str, tuple[int, ...]] = {"stem/kernel": (3, 3, 3, c), "stem/bias": (c,)}

        def block(name: str, width: int) -> None:
            for part in ("a", "b"):
                shapes[f"{name}/{part}/kernel"] = (3, 3, width, width)
                shapes[f"{name}/{part}/gamma"] = (width,)
                shapes[f"{name}/{part}/beta"] = (width,)

        shapes["canvas/kernel"] = (3, 3, self.canvas_channels, c)
        for i in range(self.blocks):
            block(f"block{i}", c)
        shapes["down/kernel"] = (3, 3, c, d)
        shapes["down/gamma"] = (d,)
        shapes["down/beta"] = (d,)
        for i in range(self.deep_blocks):
            block(f"deep{i}", d)
        shapes["up/kernel"] = (3, 3, d, c)
        shapes["up/bias"] = (c,)
        for name, width, into in (("head", c, h), ("fine", h, f), ("out", f, 3)):
            shapes[f"{name}/kernel"] = (1, 1, width, into) if name == "fine" else (3, 3, width, into)
            shapes[f"{name}/detail"] = (5, 5, 3, into)
            shapes[f"{name}/bias"] = (into,)
        return shapes

    def deepens(self, other: Architecture) -> bool:
        """Whether this is ``other``, or ``other`` with more of the deep blocks that it has."""
        same = replace(other, deep_blocks=self.deep_blocks) == self
        return same and (self == other or self.deep_blocks > other.deep_blocks > 0)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(shape)) for shape in self.shapes().values())

    def convolutions(self) -> list[tuple[tuple[int, ...], int]]:
        """Of every convolution as it is computed: shape of its kernel, and how many pixels one place covers."""
        h, f = self.head_channels, self.fine_channels
        cells = {"canv": 16, "bloc": 16, "deep": 64, "up/k": 64}
        plain = [(s, cells[n[:4]]) for n, s in self.shapes().items() if n.endswith("kernel") and n[:4] in cells]
        steps = [((3, 3, self.channels + 12, 4 * h), 16), ((3, 3, h + 12, 4 * f), 4), ((3, 3, 4 * f + 12, 12), 4)]
        down = [((6, 6, 3, self.channels), 16), ((6, 6, self.channels, self.deep_channels), 64)]
        return [*plain, ((3, 3, 12, 3), 4), *down, *steps]

    def multiplications(self, height: int, width: int) -> int:
        """Multiply-adds of the convolutions for one frame of ``height`` x ``width`` pixels."""
        return sum(int(np.prod(shape)) * height * width // cell for shape, cell in self.convolutions())


# The sizes of network that styles can be trained in. There is a base for each (``gallery.base``).
NETWORKS = {
    "small": Architecture(channels=24, deep_channels=48, deep_blocks=2, head_channels=12),
    "medium": Architecture(deep_blocks=4),
    "large": Architecture(deep_blocks=5),
}

# The sizes of the bases that ship with the package. That of a deeper network is one of them with silent blocks.
BASES = {"small": NETWORKS["small"], "medium": Architecture()}


def initial_weights(arch: Architecture, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights to start a base from.

    He-normal kernels; the last normalisation of each residual branch starts small; the picture's own detail
    passes the last step as it is.
    """
    rng = np.random.default_rng(seed)
    weights: dict[str, NDArray[np.float32]] = {}
    for name, shape in arch.shapes().items():
        if name == "canvas/kernel":
            value = np.zeros(shape)
        elif name.endswith("kernel"):
            fan_in = shape[0] * shape[1] * shape[2]
            gain = np.sqrt((1.0 if name.startswith(("stem", "out", "up")) else 2.0) / fan_in)
            value = rng.normal(0.0, gain, shape)
        elif name.endswith("detail"):
            value = rng.normal(0.0, 0.02, shape)
        elif name.endswith("gamma"):
            value = np.full(shape, 0.1 if "/b/" in name else 1.0)
        else:
            value = np.zeros(shape)
        weights[name] = value.astype(np.float32)
    weights["up/kernel"] *= 0.1
    weights["out/bias"] += np.float32(0.5)
    weights["out/detail"][2, 2] += np.eye(3, dtype=np.float32)
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


def _taps(size: int) -> NDArray[np.float32]:
    """Where the taps of a 1-D kernel of full resolution fall in cells of two pixels.

    Returns:
        ``[2, 3, 2, size]``: 1 where, for output phase p, the tap t reads phase q of the cell at offset s - 1.
    """
    table = np.zeros((2, 3, 2, size), np.float32)
    for p in range(2):
        for t in range(size):
            cell, q = divmod(p + t - size // 2, 2)
            table[p, cell + 1, q, t] = 1.0
    return table


def _interpolated_taps() -> NDArray[np.float32]:
    """Where the taps of a 1-D kernel of 3 fall in the lower resolution, after bilinear upsampling by 2.

    Returns:
        ``[2, 3, 3]``: weight of the place at offset s - 1 for output phase p and tap t. A pixel of the higher
        resolution is three quarters of the one it lies in and a quarter of the nearest neighbour.
    """
    share = np.array([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]], np.float32)  # [phase, offset + 1]
    table = np.zeros((2, 3, 3), np.float32)
    for p in range(2):
        for t in range(3):
            cell, q = divmod(p + t - 1, 2)
            for offset in range(3):
                if share[q, offset]:
                    table[p, cell + offset, t] += share[q, offset]
    return table


def _spline_taps() -> NDArray[np.float32]:
    """As ``_interpolated_taps`` for a quadratic B-spline (three places wide) and a kernel of 1: ``[2, 3, 1]``.

    *Source:* Unser 1999, Splines: a perfect fit for signal and image processing.
    """
    at = np.array([-0.25, 0.25], np.float32)  # of both phases, from the centre of the place they lie in
    return np.stack([0.5 * (0.5 - at) ** 2, 0.75 - at**2, 0.5 * (0.5 + at) ** 2], axis=1)[..., None]


def _interleaved(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    """One step of the way up as a 3x3 convolution of the lower resolution: its kernel and bias.

    The input is the features, then the picture in 2x2 phases (12 channels); the output is in 2x2 phases.
    "out" keeps the resolution: its features come in phases as well.

    Returns:
        Kernel ``[3, 3, in + 12, 4 * out]`` and bias ``[4 * out]``.
    """
    kernel, detail = weights[f"{name}/kernel"], weights[f"{name}/detail"]
    width, into = kernel.shape[2], kernel.shape[3]
    # Mean zero over the places: the picture's even colours come from the trunk, not past it.
    detail = detail - ops.mean(detail, axis=(0, 1), keepdims=True)
    if name == "out":
        rows = _taps(3)
        main = ops.einsum("ayit,bxju,tucd->yxijcabd", rows, rows, kernel)
        main = ops.reshape(main, (3, 3, 4 * width, 4 * into))
    else:
        rows = _spline_taps() if name == "fine" else _interpolated_taps()
        main = ops.reshape(ops.einsum("ayt,bxu,tucd->yxcabd", rows, rows, kernel), (3, 3, width, 4 * into))
    rows = _taps(5)
    fine = ops.reshape(ops.einsum("ayit,bxju,tucd->yxijcabd", rows, rows, detail), (3, 3, 12, 4 * into))
    return ops.concatenate([main, fine], axis=2), ops.tile(weights[f"{name}/bias"], 4)


def _flipped(groups: tuple[int, ...], axis: int) -> NDArray[np.int32]:
    """Order of channels that swaps phases along an axis (0 rows, 1 columns) in all groups but the first."""
    order, start = [np.arange(groups[0])], groups[0]
    for size in groups[1:]:
        order.append(np.flip(start + np.arange(size).reshape(2, 2, -1), axis).ravel())
        start += size
    return np.concatenate(order).astype(np.int32)


def _mirrored(x: Tensor, groups: tuple[int, ...] = (), reach: int = 1) -> Tensor:
    """Pads ``[N, H, W, C]`` by ``reach`` places of its mirror image.

    Args:
        x: features.
        groups: channels that are places of their own, then the channels of each group of 2x2 phases, which
            change sides in the mirror; all are places of their own where empty.
        reach: places to add on each side.
    """
    # Joining slices does what a symmetric pad does, in two thirds of its time (TensorFlow, CPU).
    for axis in (1, 2):
        first, last = (x[:, :reach], x[:, -reach:]) if axis == 1 else (x[:, :, :reach], x[:, :, -reach:])
        if reach > 1:
            first, last = ops.flip(first, axis), ops.flip(last, axis)
        if groups:
            order = _flipped(groups, axis - 1)
            first, last = ops.take(first, order, axis=-1), ops.take(last, order, axis=-1)
        x = ops.concatenate([first, x, last], axis=axis)
    return x


def _antialiased(kernel: Tensor) -> Tensor:
    """A 3x3 kernel behind a low-pass of 1 3 3 1 in both directions, as one of 6x6: for a stride of 2.

    Without the low-pass, what the wide branch sees depends on how the picture lies on its grid, and large
    strokes change places while the scene moves by less than a cell (Zhang 2019). An even kernel also keeps the
    centre of a cell where bilinear upsampling looks for it.
    """
    blur = np.zeros((6, 3), np.float32)
    for tap in range(3):
        blur[tap : tap + 4, tap] = np.array([1, 3, 3, 1]) / 8
    return ops.einsum("at,bu,tucd->abcd", blur, blur, kernel)


def _halved(phases: Tensor) -> Tensor:
    """The picture at half its size, seen through 1 3 3 1 in both directions: from 12 channels of phases to 3."""
    taps = np.array([[0, 1], [3, 3], [1, 0]], np.float32) / 8  # [cell, phase]
    kernel = np.einsum("yi,xj,cd->yxijcd", taps, taps, np.eye(3, dtype=np.float32)).reshape(3, 3, 12, 3)
    return ops.conv(_mirrored(phases, (0, 12)), ops.cast(kernel, phases.dtype), padding="valid")


def _as_computed(weights: Weights) -> dict[str, Tensor]:
    """The arrays as the convolutions use them: steps down and up are expanded from what is trained."""
    expanded = {name: value for name, value in weights.items() if not name.endswith("/detail")}
    for name in ("stem", "down"):
        expanded[f"{name}/kernel"] = _antialiased(weights[f"{name}/kernel"])
    for name in STEPS_UP:
        expanded[f"{name}/kernel"], expanded[f"{name}/bias"] = _interleaved(weights, name)
    return expanded


def _convolve(weights: Weights, name: str, x: Tensor, strides: int = 1) -> Tensor:
    """A convolution: 3x3, or 6x6 where ``strides`` is 2."""
    return ops.conv(_mirrored(x, reach=strides), weights[f"{name}/kernel"], strides=strides, padding="valid")


def _biased(weights: Weights, name: str, x: Tensor, strides: int = 1) -> Tensor:
    return _convolve(weights, name, x, strides) + weights[f"{name}/bias"]


def _run(
    arch: Architecture, weights: Weights, phases: Tensor, canvas: Tensor | None, conv_norm: ConvNorm
) -> tuple[Tensor, Tensor]:
    """The network itself, on a picture in 2x2 phases.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors as ``_as_computed`` gives them.
        phases: the picture after ``space_to_depth`` by 2, ``[N, H/2, W/2, 12]``.
        canvas: ``[N, H/4, W/4, canvas_channels]``; None is a canvas of zeros.
        conv_norm: a convolution with its normalisation.

    Returns:
        The painted picture before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``, and the deep branch's last
        features ``[N, H/8, W/8, D]``.
    """

    def block(name: str, trunk: Tensor) -> Tensor:
        branch = ops.relu(conv_norm(f"{name}/a", trunk, 1))
        return trunk + conv_norm(f"{name}/b", branch, 1)

    def step(name: str, below: Tensor, picture: Tensor) -> Tensor:
        x = _mirrored(ops.concatenate([below, picture], axis=-1), _groups(arch, name))
        return ops.conv(x, weights[f"{name}/kernel"], padding="valid") + weights[f"{name}/bias"]

    small = _halved(phases)
    trunk = _biased(weights, "stem", small, 2)
    if canvas is not None:
        trunk = trunk + _convolve(weights, "canvas", ops.cast(canvas, trunk.dtype))
    early = (arch.blocks + 1) // 2
    for i in range(early):
        trunk = block(f"block{i}", trunk)
    deep = ops.relu(conv_norm("down", trunk, 2))
    for i in range(arch.deep_blocks):
        deep = block(f"deep{i}", deep)
    trunk = trunk + resize_up(_biased(weights, "up", deep))
    for i in range(early, arch.blocks):
        trunk = block(f"block{i}", trunk)
    half = depth_to_space(ops.relu(step("head", trunk, space_to_depth(small, 2))), 2)
    fine = ops.relu(step("fine", half, phases))
    return step("out", fine, phases), deep


def _groups(arch: Architecture, name: str) -> tuple[int, ...]:
    """Of a step's input: channels that are places of their own, then those of each group of 2x2 phases."""
    head, fine = (arch.channels, 12), (arch.head_channels, 12)
    return {"head": head, "fine": fine, "out": (0, 4 * arch.fine_channels, 12)}[name]


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each picture's channels, ``[N, 1, 1, C]``, in float32."""
    x = ops.cast(x, "float32")
    return ops.mean(x, axis=(1, 2), keepdims=True), ops.var(x, axis=(1, 2), keepdims=True)


Moments = Callable[[str, Tensor], tuple[Tensor, Tensor]]  # (layer, features) -> mean and variance to normalise with


def _normalised(
    arch: Architecture, weights: Weights, x: Tensor, canvas: Tensor | None, moments: Moments
) -> tuple[Tensor, Tensor]:
    """Paints ``x`` as ``forward`` does, every layer normalised with what ``moments`` answers for it.

    Returns:
        The painted pictures, and the deep features ``[N, H/8, W/8, D]``.
    """
    expanded = _as_computed(weights)

    def conv_norm(name: str, h: Tensor, strides: int) -> Tensor:
        h = _convolve(expanded, name, h, strides)
        mean, variance = moments(name, h)
        scale = ops.rsqrt(variance + EPSILON) * ops.cast(weights[f"{name}/gamma"], "float32")
        shift = ops.cast(weights[f"{name}/beta"], "float32") - mean * scale
        return h * ops.cast(scale, h.dtype) + ops.cast(shift, h.dtype)

    out, deep = _run(arch, expanded, space_to_depth(x - 0.5, 2), canvas, conv_norm)
    return depth_to_space(out, 2), deep


def forward(arch: Architecture, weights: Weights, x: Tensor, canvas: Tensor | None = None) -> Tensor:
    """Paints each picture with its own statistics (instance normalisation): the form that is trained.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors named and shaped as ``arch.shapes()``.
        x: float ``[N, H, W, 3]``, RGB 0..1, H and W multiples of ``arch.stride``.
        canvas: float ``[N, H/4, W/4, arch.canvas_channels]``, zero mean, unit variance (``network.canvas``); None
            paints without one.

    Returns:
        ``[N, H, W, 3]``, RGB, about 0..1, not clipped.
    """
    return _normalised(arch, weights, x, canvas, lambda _, h: _moments(h))[0]


def forward_neighbours(
    arch: Architecture,
    weights: Weights,
    x: Tensor,
    neighbour: Tensor,
    canvas: Tensor | None = None,
    neighbour_canvas: Tensor | None = None,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Paints pictures as ``forward``, and others of the same scenes with the same statistics, as in a shot.

    With statistics of its own the neighbour would be painted in other colours wherever something enters the
    picture or the light changes, which no render does: a training that counts such a change tries to unlearn
    what it cannot.

    Args:
        arch: sizes of the network.
        weights: as in ``forward``.
        x: as in ``forward``.
        neighbour: of the shape of ``x``; no gradient comes back from it.
        canvas: of ``x``, as in ``forward``.
        neighbour_canvas: of ``neighbour``.

    Returns:
        For ``x`` and for ``neighbour`` the painted pictures and the deep features ``[N, H/8, W/8, D]``.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}

    def own(name: str, h: Tensor) -> tuple[Tensor, Tensor]:
        statistics[name] = _moments(h)
        return statistics[name]

    painted = _normalised(arch, weights, x, canvas, own)
    fixed = {name: ops.stop_gradient(ops.convert_to_tensor(value)) for name, value in weights.items()}
    same = {name: (ops.stop_gradient(mean), ops.stop_gradient(var)) for name, (mean, var) in statistics.items()}
    beside, deep = _normalised(arch, fixed, neighbour, neighbour_canvas, lambda name, _: same[name])
    return painted, (ops.stop_gradient(beside), ops.stop_gradient(deep))


def measure(
    arch: Architecture,
    weights: Weights,
    x: Tensor,
    colour: bool = False,
    beside: Tensor | None = None,
    share: Tensor | float = 0.0,
    canvas: Tensor | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Statistics of every normalised layer, averaged over the pictures ``x`` (shape as in ``forward``).

    The pictures are normalised by their common statistics while they pass, so the answer is consistent
    layer by layer: ``fold`` with it changes nothing for these pictures taken as one.

    Args:
        arch: sizes of the network.
        weights: as in ``forward``.
        x: as in ``forward``.
        colour: whether to measure the painted pictures too, as the layer "out" with three channels (``OPPONENT``).
        beside: pictures of another scene, ``[M, H, W, 3]``, to measure as if both were parts of one.
        share: how much of the one scene they are, 0..1.
        canvas: of all the pictures, those ``beside`` last, as in ``forward``.

    Returns:
        For each normalised layer its mean and variance, float32 ``[C]``.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}
    count = x.shape[0]

    def average(h: Tensor) -> Tensor:
        if beside is None:
            return ops.mean(h, axis=(0, 1, 2))
        own, others = (ops.mean(part, axis=(0, 1, 2)) for part in (h[:count], h[count:]))
        return (1.0 - share) * own + share * others

    def common(name: str, h: Tensor) -> tuple[Tensor, Tensor]:
        h = ops.cast(h, "float32")
        mean = average(h)
        statistics[name] = (mean, average(ops.square(h - mean)))
        return statistics[name]

    painted, _ = _normalised(arch, weights, x if beside is None else ops.concatenate([x, beside]), canvas, common)
    if colour:
        common("out", ops.matmul(ops.cast(painted, "float32"), OPPONENT))
    return statistics


def expand(weights: Weights) -> dict[str, NDArray[np.float32]]:
    """The arrays as the convolutions use them, steps down and up written out: what ``fold`` puts statistics into."""
    return {name: np.array(ops.convert_to_numpy(x), np.float32) for name, x in _as_computed(weights).items()}


def fold(
    arch: Architecture,
    weights: Mapping[str, NDArray[np.float32]],
    statistics: Statistics,
    white: float = 1.0,
    kernels: Mapping[str, NDArray[np.float32]] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Writes a shot's statistics into the convolutions: kernels and biases only, nothing left to normalise.

    Args:
        arch: sizes of the network.
        weights: the style's arrays.
        statistics: for every normalised layer mean and variance, as ``measure`` gives them; where there is
            a "line", the colours painted, whose statistics along ``OPPONENT`` are "out", get those of "line" instead.
        white: the value of white in the pictures that will be painted: 1, or 255 for bytes.
        kernels: ``expand(weights)``, from those who fold the same weights again and again: it is nearly all of the
            work.

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
    # The network wants its input centred on 0. As borders are mirrored, not zero, a bias does that everywhere.
    folded["stem/bias"] = folded["stem/bias"] - np.float32(0.5) * folded["stem/kernel"].sum(axis=(0, 1, 2))
    folded["stem/kernel"] = folded["stem/kernel"] / np.float32(white)
    for layer in STEPS_UP:
        folded[f"{layer}/kernel"][:, :, -12:] /= np.float32(white)
    if "line" in statistics:
        (mean, variance), (line, spread) = statistics["out"], statistics["line"]
        gain = np.sqrt((spread + COLOUR_EPSILON) / (variance + COLOUR_EPSILON))
        turn = (OPPONENT * gain) @ OPPONENT.T  # to opponent colours, each by its gain, and back
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
    """``forward_folded`` without its first and last step, for callers that rearrange bytes rather than floats.

    Args:
        arch: sizes of the network.
        folded: weights from ``fold``.
        phases: pictures after ``space_to_depth`` by 2, ``[N, H/2, W/2, 12]``.
        canvas: as in ``forward``.

    Returns:
        Pictures before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``.
    """

    def conv_bias(name: str, h: Tensor, strides: int) -> Tensor:
        return _convolve(folded, name, h, strides) + folded[f"{name}/bias"]

    return _run(arch, folded, phases, canvas, conv_bias)[0]


def padded_size(height: int, width: int, stride: int = 8) -> tuple[int, int]:
    """The size to pad a picture to: the next multiples of ``stride``."""
    return -(-height // stride) * stride, -(-width // stride) * stride
