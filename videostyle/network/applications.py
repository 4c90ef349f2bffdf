"""Loss networks from ``keras.applications``: any of its image classifiers, by name, with ImageNet weights.

VGG-16 and VGG-19 use the layers that are usual for them (``network.vgg``). For every other network a rule chooses the
layers: **of each stride 1, 2, 4, 8 and 16, the widest activation, the last one where several are as wide.** The stride
of a feature is the side of the picture over its own, rounded to a power of 2. Activations are the outputs of layers
with a nonlinear activation, and concatenations of such. A network that begins with a step down has none of stride 1.

Strides 1, 2 and 4 are the style layers, as VGG's blocks 1 to 3 are; strides 8 and 16 the deep layers; the last style
layer is the content layer. For VGG the rule would give the last layer of each block.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import keras
from keras import ops

from videostyle.errors import ModelError
from videostyle.network import vgg
from videostyle.network.vgg import VGGNetwork

Tensor = Any

STYLE_STRIDES = (1, 2, 4)
DEEP_STRIDES = (8, 16)
PROBE = 512  # side of the picture by which strides are found, pixels: large, so that cropped borders do not matter
ACTIVATIONS = (keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU)


@dataclass(frozen=True)
class KerasNetwork:
    """A classifier of Keras as a ``LossNetwork``.

    Attributes:
        name: its name in style cards.
        model: maps a preprocessed picture ``[N, H, W, 3]`` to the features of every layer, by name.
        preprocess: maps RGB 0..255 to what the classifier expects.
        style_layers: those of "stride1", "stride2" and "stride4" that the network has.
        deep_layers: those of "stride8" and "stride16" that it has.
        content_layer: the last style layer.
    """

    name: str
    model: keras.Model = field(repr=False)
    preprocess: Callable[[Tensor], Tensor] = field(repr=False)
    style_layers: tuple[str, ...]
    deep_layers: tuple[str, ...]
    content_layer: str
    _parts: dict[tuple[str, ...], keras.Model] = field(default_factory=dict, repr=False, compare=False)

    def extract(self, x: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """See ``LossNetwork.extract``; computed in float32, whatever the dtype of ``x``."""
        missing = set(layers) - set(self.model.output)
        if missing:
            raise ModelError(
                f"the loss network {self.name} has no layer {', '.join(sorted(missing))}",
                hint="choose another `loss_network`",
            )
        if layers not in self._parts:  # the model up to these layers
            outputs = {layer: self.model.output[layer] for layer in layers}
            self._parts[layers] = keras.Model(self.model.input, outputs)
        found = self._parts[layers](self.preprocess(ops.cast(x, "float32") * 255.0), training=False)
        return {layer: ops.cast(value, x.dtype) for layer, value in found.items()}

    def head(self, layer: str) -> None:
        """See ``LossNetwork.head``: there is none."""
        return None


def find(name: str) -> tuple[str, ModuleType] | None:
    """The classifier of that name, in any case: its name in ``keras.applications`` and its module; None if unknown."""
    for module in vars(keras.applications).values():
        if isinstance(module, ModuleType) and hasattr(module, "preprocess_input"):
            for candidate in vars(module):
                if candidate.lower() == name.lower() and hasattr(keras.applications, candidate):
                    return candidate, module
    return None


def load(name: str, weights: str | None = "imagenet") -> VGGNetwork | KerasNetwork:
    """The classifier of that name, with ImageNet weights, which Keras downloads once.

    Args:
        name: such as "InceptionV3", in any case.
        weights: passed to Keras; None = random weights.

    Raises:
        ModelError: if there is no such classifier, or its weights cannot be downloaded; the message says which file to
            download and where to put it.
    """
    known = find(name)
    if known is None:
        raise ModelError(f"Keras has no classifier '{name}'", hint="see https://keras.io/api/applications")
    proper, module = known
    try:
        model = getattr(module, proper)(include_top=False, weights=weights, input_shape=(None, None, 3))
    except Exception as error:  # Keras raises all kinds of errors from its downloader
        url = re.search(r"https?://[^\s'\"]+\.h5", str(error))
        raise ModelError(
            f"cannot get the ImageNet weights of {proper}",
            str(error),
            f"download {url[0] if url else 'them'} on a machine with a network and put the file into "
            "~/.keras/models, give a file of weights as `loss_network`, or use the embedded network",
        ) from error
    if proper in ("VGG16", "VGG19"):
        return vgg.from_keras(model, proper.lower())
    return from_model(model, module.preprocess_input, proper)


def from_model(model: keras.Model, preprocess: Callable[[Tensor], Tensor], name: str) -> KerasNetwork:
    """A loss network from a classifier of Keras, with the layers that the rule of this module chooses.

    Args:
        model: maps ``[N, H, W, 3]`` of any size to features.
        preprocess: maps RGB 0..255 to what the classifier expects.
        name: its name in style cards.

    Raises:
        ModelError: if it has no activation of stride 4 or less.
    """
    chosen = {f"stride{stride}": output for stride, output in sorted(_widest_activations(model).items())}
    style = tuple(f"stride{stride}" for stride in STYLE_STRIDES if f"stride{stride}" in chosen)
    deep = tuple(f"stride{stride}" for stride in DEEP_STRIDES if f"stride{stride}" in chosen)
    if not style:
        raise ModelError(
            f"'{name}' cannot be used as a loss network",
            "none of its activations is fine enough: all have a stride of more than 4",
            "choose another `loss_network`",
        )
    features = keras.Model(model.input, {layer: chosen[layer] for layer in (*style, *deep)})
    features.trainable = False
    return KerasNetwork(name, features, preprocess, style, deep, style[-1])


def _widest_activations(model: keras.Model) -> dict[int, Tensor]:
    """The output of the widest activation of each stride, the last one where several are as wide."""
    outputs: list[Tensor] = []
    for layer in model.layers:
        if _is_activation(layer, outputs) and len(layer.output.shape) == 4:
            outputs.append(layer.output)
    sizes = keras.Model(model.input, outputs).compute_output_spec(keras.KerasTensor((1, PROBE, PROBE, 3)))
    widest: dict[int, Tensor] = {}
    for output, size in zip(outputs, sizes, strict=True):
        stride = 2 ** round(math.log2(PROBE / size.shape[1]))
        if stride not in widest or output.shape[-1] >= widest[stride].shape[-1]:
            widest[stride] = output
    return widest


def _is_activation(layer: keras.Layer, known: list[Tensor]) -> bool:
    """Whether the output of a layer is an activation, given those of the layers before it."""
    if isinstance(layer, keras.layers.Concatenate):
        return all(any(part is output for output in known) for part in layer.input)
    activation = getattr(layer, "activation", None)
    linear = activation is None or activation is keras.activations.linear
    return isinstance(layer, ACTIVATIONS) or not linear
