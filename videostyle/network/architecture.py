"""Sizes of the style network: its layers, the shapes of its arrays, the cost of its convolutions. Pure NumPy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videostyle.network.canvas import CHANNELS as CANVAS_CHANNELS


@dataclass(frozen=True)
class Architecture:
    """Sizes of a style network. A style file holds them, and its arrays must match them.

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
        """Distance in pixels over which an input pixel influences the output: the overlap that exact tiles need."""
        quarter = 1 + 2 * self.blocks + 1  # stem (the canvas reaches no further), blocks, head
        deep = 1 + 2 * self.deep_blocks + 1  # down, blocks, up
        return 4 * quarter + 8 * deep + 2 * 2 + self.stride  # fine and out read one half-size pixel further

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
        """Whether this is ``other``, or differs from it only in having more deep blocks (and ``other`` has some)."""
        same = replace(other, deep_blocks=self.deep_blocks) == self
        return same and (self == other or self.deep_blocks > other.deep_blocks > 0)

    @property
    def parameters(self) -> int:
        """Number of trained values."""
        return sum(int(np.prod(shape)) for shape in self.shapes().values())

    def convolutions(self) -> list[tuple[tuple[int, ...], int]]:
        """For every convolution that is computed: its shape, and the pixels for each output position."""
        h, f = self.head_channels, self.fine_channels
        cells = {"canv": 16, "bloc": 16, "deep": 64, "up/k": 64}
        plain = [(s, cells[n[:4]]) for n, s in self.shapes().items() if n.endswith("kernel") and n[:4] in cells]
        steps = [((3, 3, self.channels + 12, 4 * h), 16), ((3, 3, h + 12, 4 * f), 4), ((3, 3, 4 * f + 12, 12), 4)]
        down = [((6, 6, 3, self.channels), 16), ((6, 6, self.channels, self.deep_channels), 64)]
        return [*plain, ((3, 3, 12, 3), 4), *down, *steps]

    def multiplications(self, height: int, width: int) -> int:
        """Multiply-adds of the convolutions for one frame of ``height`` x ``width`` pixels."""
        return sum(int(np.prod(shape)) * height * width // cell for shape, cell in self.convolutions())


# The network sizes that styles can be trained in. There is a base for each (``gallery.base``).
NETWORKS = {
    "small": Architecture(channels=24, deep_channels=48, deep_blocks=2, head_channels=12),
    "medium": Architecture(deep_blocks=4),
    "large": Architecture(deep_blocks=5),
}

# The sizes of the bases that ship with the package. A deeper network has one of these as its base, with added blocks
# whose output is zero (``styles.interpolation.expand_depth``).
BASES = {"small": NETWORKS["small"], "medium": Architecture()}


def initial_weights(arch: Architecture, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Random weights to start a base from.

    Kernels are He-normal. The last normalisation of each residual branch starts small. The detail kernel of the last
    step starts as the identity, so the fine detail of the input passes unchanged.
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


def padded_size(height: int, width: int, stride: int = 8) -> tuple[int, int]:
    """The size to pad a picture to: the next multiples of ``stride``."""
    return -(-height // stride) * stride, -(-width // stride) * stride
