"""Loss networks: the early layers of a frozen classifier, whose features describe content and style of a picture.

``load`` finds one by name: the small **embedded** network that ships with the package, distilled from VGG features; a
classifier of ``keras.applications`` (``network.applications``); or a file of weights (``network.vgg``). Pictures are
float RGB 0..1, ``[N, H, W, 3]``.

Style layers respond to texture of up to about 40 pixels, deep layers to large strokes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from keras import ops

from videostyle.errors import ModelError
from videostyle.network import applications
from videostyle.network.vgg import from_arrays, read_arrays

Tensor = Any

ASSET = Path(__file__).resolve().parent.parent / "assets" / "loss_network.safetensors"


class LossNetwork(Protocol):
    """A frozen network whose features are compared."""

    @property
    def name(self) -> str:
        """Its name in style cards."""

    @property
    def style_layers(self) -> tuple[str, ...]:
        """Features of fine texture, finest first, whose Gram matrices are compared; at least one."""

    @property
    def deep_layers(self) -> tuple[str, ...]:
        """Features of large strokes, whose Gram matrices are compared too; empty if the network ends before them.

        No layer is both a style layer and a deep layer.
        """

    @property
    def content_layer(self) -> str:
        """The feature that is compared position by position."""

    def extract(self, x: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """Features ``[N, h, w, C]`` of pictures ``[N, H, W, 3]`` RGB 0..1, by layer, in the dtype of the pictures.

        Raises:
            ModelError: if there is no such layer.
        """

    def head(self, layer: str) -> tuple[Tensor, Tensor] | None:
        """Kernel ``[C, out]`` and bias ``[out]`` that map a layer's features to those compared; None = unchanged."""


def features(net: LossNetwork, x: Tensor, layers: tuple[str, ...] | None = None) -> dict[str, Tensor]:
    """Features of some layers, after their activations.

    Args:
        net: the network.
        x: float ``[N, H, W, 3]``, RGB 0..1.
        layers: names such as "relu2_2"; the style and content layers where None.

    Returns:
        ``[N, h, w, C]`` for each layer, in the dtype of ``x``, before its head (``project`` applies a head).
    """
    return net.extract(x, tuple(dict.fromkeys(layers or (*net.style_layers, net.content_layer))))


def project(net: LossNetwork, layer: str, x: Tensor) -> Tensor:
    """Applies the head of ``layer``, if it has one, to its features ``x``."""
    head = net.head(layer)
    return x if head is None else ops.matmul(x, ops.cast(head[0], x.dtype)) + ops.cast(head[1], x.dtype)


def gram(net: LossNetwork, layer: str, x: Tensor, weights: Tensor | None = None) -> Tensor:
    """Gram matrix of the features ``x``, averaged over positions, head applied: float32 ``[N, C, C]``.

    Args:
        net: the network.
        layer: the layer of ``x``.
        x: ``[N, h, w, C]``.
        weights: weight of each position, at least 0, float32 ``[N, h, w]``; None = all equal.

    *Source:* Gatys et al. 2016, eq. 3, divided by the number of positions. With a head ``y = W^T f + b`` the
    matrix of ``y`` is ``V^T G V`` where ``G`` is the Gram matrix of ``(f, 1)`` and ``V`` is ``W`` over ``b``.
    """
    n, h, w, c = x.shape
    flat = ops.reshape(x, (-1 if n is None else n, h * w, c))
    counted = flat
    if weights is not None:
        share = weights / ops.maximum(ops.mean(weights, axis=(1, 2), keepdims=True), 1e-8)
        counted = flat * ops.cast(ops.reshape(share, (-1 if n is None else n, h * w, 1)), flat.dtype)
    raw = ops.cast(ops.matmul(ops.transpose(flat, (0, 2, 1)), counted), "float32") / float(h * w)
    head = net.head(layer)
    if head is None:
        return raw
    kernel, bias = ops.cast(head[0], "float32"), ops.cast(head[1], "float32")
    cross = ops.matmul(ops.transpose(kernel), ops.transpose(ops.mean(ops.cast(counted, "float32"), axis=1)))  # [Ct, N]
    cross = ops.transpose(cross)[:, :, None] * bias[None, None, :]
    lifted = ops.matmul(ops.matmul(ops.transpose(kernel), raw), kernel)
    return lifted + cross + ops.transpose(cross, (0, 2, 1)) + bias[:, None] * bias[None, :]


def load(name: str = "embedded") -> LossNetwork:
    """A loss network by name.

    Args:
        name: "embedded"; a classifier of ``keras.applications`` such as "vgg16" or "InceptionV3", in any case; or the
            path of a file of weights.

    Raises:
        ModelError: if it cannot be loaded; the message says which file to download and where to put it.
    """
    if name == "embedded":
        return from_arrays(read_arrays(ASSET), "embedded")
    if not Path(name).suffix and applications.find(name):
        return applications.load(name)
    if not Path(name).suffix and not Path(name).exists():
        raise ModelError(
            f"no loss network '{name}'",
            "it is neither embedded, nor a classifier of keras.applications, nor a file",
            "give embedded, a name such as VGG19 or InceptionV3, or the path of an .npz or .safetensors file",
        )
    return from_arrays(read_arrays(Path(name)), Path(name).stem)
