"""Loss networks that are 3x3 convolutions in blocks, as VGG is: the embedded one, VGG itself, files of weights.

Layers are named as in VGG (Simonyan and Zisserman 2015): ``relu3_2`` follows the second convolution of the third block.

The embedded network has fewer channels than VGG, and a linear head for each layer that is compared. A head maps its
channels to the larger number of its teacher, VGG. Gram matrices are mapped through the head (``W^T G W``) instead of
being computed from mapped features, which costs very little.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from videostyle.errors import ModelError

Tensor = Any
Arrays = dict[str, NDArray[np.float32]]

LARGEST = 200_000_000  # bytes of unpacked weights; VGG-19 to its last convolution has 80 million
BGR_MEAN = (103.939, 116.779, 123.68)  # of ImageNet, as the original VGG was trained
STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3")  # Johnson et al. 2016, as far as a picture of 40 pixels shows them
DEEP_LAYERS = ("relu4_1", "relu5_1")  # Gatys et al. 2016; Li et al. 2017 (WCT)


@dataclass(frozen=True)
class VGGNetwork:
    """A frozen chain of convolutions, as a ``LossNetwork``.

    Attributes:
        name: its name in style cards.
        blocks: names of the convolutions, block by block, with 2x2 pooling between blocks.
        arrays: ``NAME/kernel`` ``[kh, kw, in, out]`` and ``NAME/bias`` ``[out]``, float32; heads are
            ``head/LAYER/kernel`` ``[in, out]`` and ``head/LAYER/bias``.
        style_layers: features of fine texture, finest first, whose Gram matrices are compared.
        content_layer: feature that is compared position by position.
        bgr_mean: whether the network takes BGR 0..255 less the ImageNet mean (otherwise RGB 0..1).
        reflect: whether convolutions pad by reflection (otherwise with zeros).
        deep_layers: features of large strokes, whose Gram matrices are compared too; empty if the network ends
            before block 4. No layer is both a style layer and a deep layer.
    """

    name: str
    blocks: tuple[tuple[str, ...], ...]
    arrays: Arrays = field(repr=False)
    style_layers: tuple[str, ...] = STYLE_LAYERS
    content_layer: str = "relu3_3"
    bgr_mean: bool = False
    reflect: bool = False
    deep_layers: tuple[str, ...] = ()

    def multiplications(self, last: str | None = None) -> float:
        """Multiply-adds of the convolutions per input pixel, up to the layer ``last`` (to the end where None)."""
        total, scale = 0.0, 1.0
        for block in self.blocks:
            for name in block:
                total += scale * float(self.arrays[f"{name}/kernel"].size)
                if _layer(name) == last:
                    return total
            scale /= 4
        return total

    def extract(self, x: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """See ``LossNetwork.extract``; the dtype is that of ``x``."""
        wanted, found, dtype = set(layers), {}, x.dtype
        if self.bgr_mean:
            x = ops.flip(x, axis=-1) * 255.0 - ops.cast(np.asarray(BGR_MEAN, np.float32), dtype)
        if "conv0/kernel" in self.arrays:
            x = ops.conv(x, ops.cast(self.arrays["conv0/kernel"], dtype), padding="valid")
            x = x + ops.cast(self.arrays["conv0/bias"], dtype)
        for number, block in enumerate(self.blocks):
            if number:
                x = ops.max_pool(x, 2, 2, padding="valid")
            for name in block:
                x = self._convolve(name, x)
                if _layer(name) in wanted:
                    found[_layer(name)] = x
                if wanted <= set(found):
                    return found
        raise ModelError(
            f"the loss network {self.name} has no layer {', '.join(sorted(wanted - set(found)))}",
            hint="choose another `loss_network`",
        )

    def head(self, layer: str) -> tuple[Tensor, Tensor] | None:
        """See ``LossNetwork.head``."""
        if f"head/{layer}/kernel" not in self.arrays:
            return None
        return self.arrays[f"head/{layer}/kernel"], self.arrays[f"head/{layer}/bias"]

    def _convolve(self, name: str, x: Tensor) -> Tensor:
        """A convolution and its ReLU; the resolution stays."""
        if self.reflect:
            x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        kernel = ops.cast(self.arrays[f"{name}/kernel"], x.dtype)
        x = ops.conv(x, kernel, padding="valid" if self.reflect else "same")
        return ops.relu(x + ops.cast(self.arrays[f"{name}/bias"], x.dtype))


def _layer(convolution: str) -> str:
    """Name of the feature after the ReLU of a convolution: "relu1_2" of "conv1_2"."""
    return convolution.replace("conv", "relu")


def read_arrays(path: Path) -> Arrays:
    """Arrays of a ``.safetensors`` or ``.npz`` file of weights; nothing is ever unpickled.

    Raises:
        ModelError: if the file cannot be read or holds anything but numbers.
    """
    try:
        if path.suffix == ".safetensors":
            return {name: np.asarray(value, np.float32) for name, value in load_file(path).items()}
        with zipfile.ZipFile(path) as archive:  # a small file may unpack to gigabytes
            size = sum(entry.file_size for entry in archive.infolist())
        if size > LARGEST:
            raise ModelError(
                f"cannot read the loss network '{path}'",
                f"it unpacks to {size / 1e6:.0f} MB",
                hint="download or convert it again",
            )
        with np.load(path, allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
    except FileNotFoundError as error:
        raise ModelError(
            f"no loss network at '{path}'", hint="give the path of an .npz or .safetensors file"
        ) from error
    except (OSError, ValueError, SafetensorError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"cannot read the loss network '{path}'", str(error), hint="download or convert it again"
        ) from error


def from_arrays(arrays: Arrays, name: str) -> VGGNetwork:
    """The network of arrays in one of four layouts, which are recognised by the names of the arrays.

    Every layout has ``convB_K/kernel`` ``[3, 3, in, out]`` and ``convB_K/bias`` ``[out]`` for convolution K of block B,
    in the order of VGG; it may end after any convolution.

    * *VGG* as published: no other arrays. Input BGR 0..255 less the ImageNet mean, zero padding.
    * *VGG normalised*: ``conv0`` ``[1, 1, 3, 3]`` first, which maps RGB 0..1 to what conv1_1 expects. Reflection
      padding.
    * *VGG-19 of quarter width* to conv5_1 (Wang et al. 2020): the same with a quarter of the channels (16, 32, 64,
      128, 128), and 1x1 ``convB_1_aux`` that map the features of relu1_1 ... relu5_1 to as many channels as VGG-19 has
      there. These were used to distil it and are not used here: the features themselves are compared.
    * *embedded*: ``head/LAYER/kernel`` ``[in, out]`` and ``head/LAYER/bias`` for each layer that can be compared. Input
      RGB 0..1, zero padding.

    Raises:
        ModelError: if the arrays are not those of a known layout.
    """
    convolutions = sorted(key[: -len("/kernel")] for key in arrays if key.endswith("/kernel") and key[:4] == "conv")
    convolutions = [key for key in convolutions if key != "conv0" and not key.endswith("_aux")]
    numbers = sorted({key.split("_")[0] for key in convolutions})
    blocks = tuple(tuple(key for key in convolutions if key.split("_")[0] == number) for number in numbers)
    if not blocks or blocks[0][0] != "conv1_1":
        raise ModelError(
            f"'{name}' is not a loss network",
            "it has no convolution named conv1_1",
            hint="give VGG-16 or VGG-19 weights, or leave `loss_network` out",
        )
    width = 3
    for key in (key for block in blocks for key in block):
        kernel, bias = arrays[f"{key}/kernel"], arrays.get(f"{key}/bias")
        if kernel.ndim != 4 or kernel.shape[2] != width or bias is None or bias.shape != (kernel.shape[3],):
            raise ModelError(
                f"'{name}' is not a loss network",
                f"{key} has kernel {kernel.shape} after {width} channels",
                hint="give VGG-16 or VGG-19 weights, or leave `loss_network` out",
            )
        width = kernel.shape[3]
    heads = {key[len("head/") : -len("/kernel")] for key in arrays if key[:5] == "head/" and key.endswith("/kernel")}
    comparable = heads or {_layer(key) for block in blocks for key in block}
    style = tuple(layer for layer in STYLE_LAYERS if layer in comparable)
    if not style:
        raise ModelError(
            f"'{name}' is not a loss network",
            f"it has none of {', '.join(STYLE_LAYERS)}",
            hint="give VGG-16 or VGG-19 weights, or leave `loss_network` out",
        )
    plain = "conv0/kernel" in arrays
    return VGGNetwork(
        name,
        blocks,
        arrays,
        style_layers=style,
        deep_layers=tuple(layer for layer in DEEP_LAYERS if layer in comparable),
        content_layer="relu3_3" if "relu3_3" in style else style[-1],
        bgr_mean=not plain and not heads,
        reflect=plain,
    )


def from_keras(model: keras.Model, name: str) -> VGGNetwork:
    """A VGG-16 or VGG-19 of ``keras.applications``, whose layers are called ``block3_conv2``, up to relu5_1."""
    arrays: Arrays = {}
    for layer in model.layers:
        if "_conv" in layer.name:
            kernel, bias = layer.get_weights()
            key = layer.name.replace("block", "conv").replace("_conv", "_")
            arrays[f"{key}/kernel"], arrays[f"{key}/bias"] = np.asarray(kernel), np.asarray(bias)
            if _layer(key) == DEEP_LAYERS[-1]:
                break
    return from_arrays(arrays, name)


def to_storage(arrays: Mapping[str, Any]) -> dict[str, NDArray[np.float16]]:
    """Arrays in half precision, as the embedded network is stored: half the size, no visible difference."""
    return {name: np.asarray(value).astype(np.float16) for name, value in arrays.items()}
