"""Classifiers of Keras as loss networks: how they are found, and which of their layers are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
from videostyle.errors import ModelError
from videostyle.network import applications, loss_network
from videostyle.network.applications import KerasNetwork, find, from_model
from videostyle.network.loss_network import features, gram

RNG = np.random.default_rng(7)


def test_names_are_found_in_any_case() -> None:
    assert find("inceptionv3")[0] == "InceptionV3"  # type: ignore[index]
    assert find("VGG16")[0] == "VGG16"  # type: ignore[index]
    assert find("ConvNeXtTiny")[0] == "ConvNeXtTiny"  # type: ignore[index]
    for name in ("preprocess_input", "inception_v3", "Model", "np", ""):
        assert find(name) is None


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        (
            "MobileNetV2",
            {
                "stride2": "block_1_expand_relu",
                "stride4": "block_3_expand_relu",
                "stride8": "block_6_expand_relu",
                "stride16": "block_13_expand_relu",
            },
        ),
        (
            "ResNet50",
            {
                "stride2": "conv1_relu",
                "stride4": "conv2_block3_out",
                "stride8": "conv3_block4_out",
                "stride16": "conv4_block6_out",
            },
        ),
        ("InceptionV3", {"stride8": "mixed2", "stride16": "mixed7"}),
    ],
)
def test_the_widest_activation_of_each_stride_is_compared(name: str, layers: dict[str, str]) -> None:
    net = applications.load(name, weights=None)
    assert isinstance(net, KerasNetwork)
    assert net.style_layers == ("stride2", "stride4")
    assert net.deep_layers == ("stride8", "stride16")
    assert net.content_layer == "stride4"
    for layer, expected in layers.items():
        assert net.model.output[layer]._keras_history.operation.name == expected


def classifier() -> Any:
    """A small one: convolutions of stride 1, 2 and 4, of which only some have an activation."""
    x = start = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="wide")(x)
    x = keras.layers.Conv2D(2, 3, padding="same", activation="relu", name="narrow")(x)
    x = keras.layers.Conv2D(9, 3, 2, padding="same", name="linear")(x)
    x = keras.layers.ReLU(name="relu")(keras.layers.BatchNormalization()(x))
    a, b = keras.layers.ReLU(name="a")(x), keras.layers.Activation("tanh", name="b")(x)
    x = keras.layers.Concatenate(name="both")([a, b])
    x = keras.layers.Concatenate(name="not_both")([x, keras.layers.Conv2D(30, 1, name="plain")(x)])
    x = keras.layers.Conv2D(8, 3, 8, padding="same", activation="relu", name="coarse")(x)
    return keras.Model(start, x)


def test_features_are_those_of_the_model_after_its_preprocessing() -> None:
    model = classifier()
    net = from_model(model, lambda x: x / 127.5 - 1.0, "small")
    assert net.style_layers == ("stride1", "stride2")
    assert net.deep_layers == ("stride16",)
    picture = RNG.random((2, 48, 64, 3), np.float32)
    found = features(net, picture, ("stride1", "stride2", "stride16"))
    names = {"stride1": "wide", "stride2": "both", "stride16": "coarse"}
    for layer, name in names.items():
        own = keras.Model(model.input, model.get_layer(name).output)
        np.testing.assert_allclose(found[layer], own(2 * picture - 1, training=False), rtol=1e-4, atol=1e-5)
    assert gram(net, "stride2", found["stride2"]).shape == (2, 18, 18)
    assert set(features(net, picture)) == {"stride1", "stride2"}
    with pytest.raises(ModelError, match="no layer relu1_1"):
        features(net, picture, ("relu1_1",))


def test_features_have_the_dtype_of_the_picture() -> None:
    net = from_model(classifier(), lambda x: x, "small")
    picture = keras.ops.cast(RNG.random((1, 32, 32, 3), np.float32), "bfloat16")
    assert keras.backend.standardize_dtype(features(net, picture, ("stride1",))["stride1"].dtype) == "bfloat16"


def test_a_network_without_fine_activations_is_refused() -> None:
    start = keras.Input((None, None, 3))
    coarse = keras.Model(start, keras.layers.Conv2D(8, 8, 8, activation="relu")(start))
    with pytest.raises(ModelError, match="none of its activations is fine enough"):
        from_model(coarse, lambda x: x, "coarse")


@pytest.mark.parametrize("name", ["VGG19", "mobilenetv2"])
def test_without_a_network_the_message_says_what_to_fetch_and_where_it_belongs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(**_: Any) -> None:
        raise Exception("URL fetch failure on https://somewhere/weights_no_top.h5: None -- timed out")

    proper, module = find(name)  # type: ignore[misc]
    monkeypatch.setattr(module, proper, offline)
    with pytest.raises(ModelError, match=f"cannot get the ImageNet weights of {proper}") as error:
        loss_network.load(name)
    assert "https://somewhere/weights_no_top.h5" in str(error.value.hint)
    assert "~/.keras/models" in str(error.value.hint)
