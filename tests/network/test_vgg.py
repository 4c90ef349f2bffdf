"""Chains of convolutions: their features against NumPy, the layouts of files, VGG of Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
from tests.network.test_loss_network import small_network
from videostyle.errors import ModelError
from videostyle.network import loss_network, vgg
from videostyle.network.loss_network import features, gram
from videostyle.network.vgg import from_arrays, from_keras

RNG = np.random.default_rng(7)


def convolutions(counts: tuple[int, ...], widths: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Random arrays of a network with so many convolutions, of that width, in each block."""
    arrays, width = {}, 3
    for block, (count, out) in enumerate(zip(counts, widths, strict=True), 1):
        for k in range(1, count + 1):
            arrays[f"conv{block}_{k}/kernel"] = RNG.normal(0, 1 / np.sqrt(9 * width), (3, 3, width, out))
            arrays[f"conv{block}_{k}/bias"] = RNG.normal(0, 0.1, out)
            width = out
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def numpy_convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, mode: str = "constant") -> np.ndarray:
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)  # type: ignore[call-overload]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.maximum(np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias, 0)


def numpy_pool(x: np.ndarray) -> np.ndarray:
    n, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def test_features_are_convolutions_relus_and_pooling() -> None:
    net, x = small_network(), RNG.random((2, 8, 10, 3), np.float32)
    first = numpy_convolution(x, net.arrays["conv1_1/kernel"], net.arrays["conv1_1/bias"])
    second = numpy_convolution(numpy_pool(first), net.arrays["conv2_1/kernel"], net.arrays["conv2_1/bias"])
    np.testing.assert_allclose(features(net, x, ("relu2_1",))["relu2_1"], second, rtol=1e-4, atol=1e-5)


# -- layouts -------------------------------------------------------------------------------------------------------


def test_a_network_to_block_3_has_no_deep_layers() -> None:
    net = from_arrays(convolutions((2, 2, 3), (4, 6, 8)), "vgg")
    assert net.style_layers == ("relu1_2", "relu2_2", "relu3_3")
    assert net.deep_layers == ()
    assert (net.content_layer, net.bgr_mean, net.reflect) == ("relu3_3", True, False)


def test_the_quarter_width_network_gives_deep_layers_as_plain_convolutions_do() -> None:
    arrays = convolutions((2, 2, 4, 4, 1), (4, 5, 6, 7, 8))
    arrays |= {"conv0/kernel": RNG.normal(0, 1, (1, 1, 3, 3)).astype(np.float32), "conv0/bias": np.full(3, 0.2, "f4")}
    for block, width in enumerate((4, 5, 6, 7, 8), 1):
        arrays[f"conv{block}_1_aux/kernel"] = RNG.normal(0, 1, (1, 1, width, 16)).astype(np.float32)
        arrays[f"conv{block}_1_aux/bias"] = np.zeros(16, np.float32)
    net = from_arrays(arrays, "quarter")
    assert net.style_layers == ("relu1_2", "relu2_2", "relu3_3")
    assert net.deep_layers == ("relu4_1", "relu5_1")
    assert (net.bgr_mean, net.reflect) == (False, True)

    picture = RNG.random((1, 64, 80, 3), np.float32)
    x, expected = picture @ arrays["conv0/kernel"][0, 0] + arrays["conv0/bias"], {}
    for number, block in enumerate(net.blocks):
        x = numpy_pool(x) if number else x
        for name in block:
            x = numpy_convolution(x, arrays[f"{name}/kernel"], arrays[f"{name}/bias"], "reflect")
            expected[name.replace("conv", "relu")] = x
    found = features(net, picture, net.deep_layers)
    for layer in net.deep_layers:
        np.testing.assert_allclose(found[layer], expected[layer], rtol=1e-3, atol=1e-5)
        assert gram(net, layer, found[layer]).shape == (1, expected[layer].shape[-1], expected[layer].shape[-1])


def test_only_layers_with_a_head_are_compared_where_there_are_heads() -> None:
    arrays = convolutions((2, 2, 3, 2), (4, 4, 4, 4))
    for layer in ("relu4_1", "relu2_2", "relu1_2"):
        arrays |= {f"head/{layer}/kernel": np.ones((4, 6), np.float32), f"head/{layer}/bias": np.zeros(6, np.float32)}
    net = from_arrays(arrays, "embedded")
    assert net.style_layers == ("relu1_2", "relu2_2")
    assert net.deep_layers == ("relu4_1",)
    assert net.content_layer == "relu2_2"
    assert (net.bgr_mean, net.reflect) == (False, False)


@pytest.mark.parametrize(("build", "last"), [("VGG16", (2, 2, 3, 3, 1)), ("VGG19", (2, 2, 4, 4, 1))])
def test_vgg_of_keras_reaches_relu5_1(build: str, last: tuple[int, ...]) -> None:
    model = getattr(keras.applications, build)(include_top=False, weights=None, input_shape=(64, 64, 3))
    net = from_keras(model, build.lower())
    assert tuple(len(block) for block in net.blocks) == last
    assert net.deep_layers == ("relu4_1", "relu5_1")
    picture = RNG.random((1, 64, 64, 3), np.float32)
    own = keras.Model(model.input, model.get_layer("block5_conv1").output)
    expected = own(keras.applications.vgg16.preprocess_input(picture * 255.0))
    np.testing.assert_allclose(features(net, picture, ("relu5_1",))["relu5_1"], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv1_1/kernel": None}, "no convolution named conv1_1"),
        ({"conv2_1/bias": None}, "conv2_1 has kernel"),
        ({"conv2_2/kernel": np.zeros((3, 3, 9, 4), np.float32)}, "conv2_2 has kernel"),
    ],
)
def test_arrays_of_no_known_layout_are_refused(change: dict, message: str) -> None:
    arrays = {name: value for name, value in (convolutions((2, 2), (4, 4)) | change).items() if value is not None}
    with pytest.raises(ModelError, match=message):
        from_arrays(arrays, "strange")


def test_loss_networks_that_are_damaged_or_swell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.npz"
    np.savez_compressed(path, kernel=np.zeros(500_000, np.float32))
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], whole[:60] + bytes(80) + whole[140:], b"", b"\x93NUMPY\x01\x00v\x00{"):
        path.write_bytes(data)
        with pytest.raises(ModelError, match="loss network"):
            loss_network.load(str(path))
    path.write_bytes(whole)
    monkeypatch.setattr(vgg, "LARGEST", 1_000_000)
    with pytest.raises(ModelError, match="unpacks to 2 MB"):
        loss_network.load(str(path))
