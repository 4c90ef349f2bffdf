"""The style network: a small picture-to-picture network, written as pure functions.

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

The trunk carries the picture and is never normalised; only the residual branches have instance normalisation (Ulyanov
et al. 2016). A network whose branches give zero can therefore reproduce its input: that is the base. Weights on the
straight line from the base to a style paint at every strength in between (deep network interpolation, Wang et al.
2019). Nine tenths of the parameters are at eighth resolution, where a weight costs a quarter of what it costs at
quarter resolution and reaches twice as far.

**The canvas.** Where a scene is even (sky, wall, water), the picture has no structure that strokes could follow.
The second input is noise at quarter resolution that moves with the scene (``network.canvas``); one convolution
adds it to the trunk. The kernel of that convolution is zero in the base, so a base reproduces its input with any
canvas.

**No texture that is fixed to the screen.** A network that upsamples with free sub-pixel kernels fills empty areas with
a texture fixed to its own grid of 4 or 8 pixels. When the scene moves under that texture, it causes most of the
flicker. Here every step up is an interpolation followed by a convolution at the higher resolution, so constant features
give a constant picture, whatever the weights. The first step is bilinear. The second follows a ReLU and is a quadratic
B-spline: bilinear interpolation would show the creases of the ReLU on its grid (when the input shifts by 1 to 4 pixels,
the painting changes by a third less with the spline). Detail finer than the trunk's cells comes from the picture
itself, through kernels of mean zero, which move exactly with the picture. Interpolation and kernels are linear, so they
are combined into one 3x3 convolution at the lower resolution with four times the channels (``resampling.interleaved``).
It costs as much as sub-pixel upsampling, but cannot paint a grid. Steps down apply a low-pass first, for the same
reason (``resampling.halved``, ``resampling.antialiased``).

Every convolution mirrors its input at the border (symmetric padding). With zero padding a network learns in training
where the picture ends, and paints a border along its edges.

Everything is ``keras.ops`` on a mapping of arrays, so training (variables) and the device program (constants) share
this code.
"""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from videostyle.network.architecture import Architecture
from videostyle.network.resampling import (
    Tensor,
    Weights,
    depth_to_space,
    expand_weights,
    halved,
    mirrored,
    resize_up,
    space_to_depth,
)

# Added to variances, because a channel may have no contrast. With a smaller value, the gradients of a black frame grow
# by a factor of hundreds in every layer, and the noise of an even frame is painted.
EPSILON = 1e-3

ConvNorm = Callable[[str, Tensor, int], Tensor]  # (layer, features, strides): a convolution and its normalisation
Moments = Callable[[str, Tensor], tuple[Tensor, Tensor]]  # (layer, features) -> mean and variance to normalise with


def forward(arch: Architecture, weights: Weights, x: Tensor, canvas: Tensor | None = None) -> Tensor:
    """Paints each picture with its own statistics (instance normalisation), as in training.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors named and shaped as ``arch.shapes()``.
        x: float ``[N, H, W, 3]``, RGB 0..1, H and W multiples of ``arch.stride``.
        canvas: float ``[N, H/4, W/4, arch.canvas_channels]``, zero mean, unit variance (``network.canvas``); None
            is a canvas of zeros.

    Returns:
        ``[N, H, W, 3]``, RGB, about 0..1, not clipped.
    """
    return normalised(arch, weights, x, canvas, lambda _, h: _moments(h))[0]


def forward_neighbours(
    arch: Architecture,
    weights: Weights,
    x: Tensor,
    neighbour: Tensor,
    canvas: Tensor | None = None,
    neighbour_canvas: Tensor | None = None,
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Paints pictures as ``forward`` does, and neighbouring frames with the same statistics, as a render does.

    With its own statistics the neighbour would get other colours whenever something enters the picture or the light
    changes. A render never does that, so a temporal loss must not count it.

    Args:
        arch: sizes of the network.
        weights: as in ``forward``.
        x: as in ``forward``.
        neighbour: a neighbouring frame of each picture, of the shape of ``x``; it gets no gradient.
        canvas: of ``x``, as in ``forward``.
        neighbour_canvas: of ``neighbour``.

    Returns:
        For ``x`` and for ``neighbour`` the painted pictures and the deep features ``[N, H/8, W/8, D]``.
    """
    statistics: dict[str, tuple[Tensor, Tensor]] = {}

    def own(name: str, h: Tensor) -> tuple[Tensor, Tensor]:
        statistics[name] = _moments(h)
        return statistics[name]

    painted = normalised(arch, weights, x, canvas, own)
    fixed = {name: ops.stop_gradient(ops.convert_to_tensor(value)) for name, value in weights.items()}
    same = {name: (ops.stop_gradient(mean), ops.stop_gradient(var)) for name, (mean, var) in statistics.items()}
    other, deep = normalised(arch, fixed, neighbour, neighbour_canvas, lambda name, _: same[name])
    return painted, (ops.stop_gradient(other), ops.stop_gradient(deep))


def normalised(
    arch: Architecture, weights: Weights, x: Tensor, canvas: Tensor | None, moments: Moments
) -> tuple[Tensor, Tensor]:
    """Paints ``x`` as ``forward`` does, but normalises every layer with the mean and variance from ``moments``.

    Args:
        arch: as in ``forward``.
        weights: as in ``forward``.
        x: as in ``forward``.
        canvas: as in ``forward``.
        moments: maps the name of a layer and its features ``[N, h, w, C]`` to mean and variance.

    Returns:
        The painted pictures, and the deep features ``[N, H/8, W/8, D]``.
    """
    expanded = expand_weights(weights)

    def conv_norm(name: str, h: Tensor, strides: int) -> Tensor:
        h = convolve(expanded, name, h, strides)
        mean, variance = moments(name, h)
        scale = ops.rsqrt(variance + EPSILON) * ops.cast(weights[f"{name}/gamma"], "float32")
        shift = ops.cast(weights[f"{name}/beta"], "float32") - mean * scale
        return h * ops.cast(scale, h.dtype) + ops.cast(shift, h.dtype)

    out, deep = run(arch, expanded, space_to_depth(x - 0.5, 2), canvas, conv_norm)
    return depth_to_space(out, 2), deep


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each picture's channels, ``[N, 1, 1, C]``, in float32."""
    x = ops.cast(x, "float32")
    return ops.mean(x, axis=(1, 2), keepdims=True), ops.var(x, axis=(1, 2), keepdims=True)


def run(
    arch: Architecture, weights: Weights, phases: Tensor, canvas: Tensor | None, conv_norm: ConvNorm
) -> tuple[Tensor, Tensor]:
    """The network itself, on a picture in 2x2 phases.

    Args:
        arch: sizes of the network.
        weights: arrays or tensors as ``expand_weights`` gives them.
        phases: the picture after ``space_to_depth`` by 2, ``[N, H/2, W/2, 12]``.
        canvas: ``[N, H/4, W/4, canvas_channels]``; None is a canvas of zeros.
        conv_norm: a convolution with its normalisation.

    Returns:
        The painted picture before ``depth_to_space`` by 2, ``[N, H/2, W/2, 12]``, and the deep branch's last
        features ``[N, H/8, W/8, D]``.
    """

    def block(name: str, trunk: Tensor) -> Tensor:
        branch = ops.relu(conv_norm(f"{name}/a", trunk, 1))
        return trunk + ops.cast(conv_norm(f"{name}/b", branch, 1), trunk.dtype)

    def step(name: str, below: Tensor, picture: Tensor) -> Tensor:
        kernel = weights[f"{name}/kernel"]
        parts = [ops.cast(part, kernel.dtype) for part in (below, picture)]
        x = mirrored(ops.concatenate(parts, axis=-1), _groups(arch, name))
        return ops.conv(x, kernel, padding="valid") + weights[f"{name}/bias"]

    small = halved(phases)
    trunk = _biased(weights, "stem", small, 2)
    if canvas is not None:
        trunk = trunk + convolve(weights, "canvas", canvas)
    early = (arch.blocks + 1) // 2
    for i in range(early):
        trunk = block(f"block{i}", trunk)
    deep = ops.cast(ops.relu(conv_norm("down", trunk, 2)), trunk.dtype)
    for i in range(arch.deep_blocks):
        deep = block(f"deep{i}", deep)
    trunk = trunk + resize_up(ops.cast(_biased(weights, "up", deep), trunk.dtype))
    for i in range(early, arch.blocks):
        trunk = block(f"block{i}", trunk)
    half = depth_to_space(ops.relu(step("head", trunk, space_to_depth(small, 2))), 2)
    fine = ops.relu(step("fine", half, phases))
    return step("out", fine, phases), deep


def _groups(arch: Architecture, name: str) -> tuple[int, ...]:
    """Numbers of channels in a step's input: without phases, then of each group of 2x2 phases (``mirrored``)."""
    head, fine = (arch.channels, 12), (arch.head_channels, 12)
    return {"head": head, "fine": fine, "out": (0, 4 * arch.fine_channels, 12)}[name]


def convolve(weights: Weights, name: str, x: Tensor, strides: int = 1) -> Tensor:
    """A convolution without bias, in the dtype of its kernel: 3x3, or 6x6 where ``strides`` is 2."""
    kernel = weights[f"{name}/kernel"]
    return ops.conv(mirrored(ops.cast(x, kernel.dtype), reach=strides), kernel, strides=strides, padding="valid")


def _biased(weights: Weights, name: str, x: Tensor, strides: int = 1) -> Tensor:
    return convolve(weights, name, x, strides) + weights[f"{name}/bias"]
