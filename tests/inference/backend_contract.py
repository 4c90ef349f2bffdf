"""What every backend must do. ``test_backends`` runs it in a process for each, and compares what they paint.

A process has one backend. Its name, and the folder for what it paints, come from the environment. Programs are few and
tiny, because some backends compile slowly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.inference.pictures import moving
from videostyle.errors import DeviceError
from videostyle.frames import AnyArray, ColorInfo, FrameBatch, VideoInfo, joined
from videostyle.inference.startup import BACKENDS, chosen_backend, load_backend
from videostyle.network.architecture import Architecture, initial_weights
from videostyle.styles.card import Style, StyleCard

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # whoever imports it fails, as where it is missing
load_backend(frames_side_by_side=True)
from videostyle.inference.backends.current import backend
from videostyle.inference.device import choose_device, device_key
from videostyle.inference.memory import is_out_of_memory
from videostyle.inference.mixed_weights import MixedWeights
from videostyle.inference.shot_weights import ShotWeights
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.chain import Chain
from videostyle.processors.style import StyleProcessor

FOLDER = Path(os.environ["VIDEOSTYLE_PAINTED"])
ARCHITECTURE = Architecture(channels=8, blocks=1, deep_channels=8, deep_blocks=1, head_channels=4, fine_channels=3)


def random_style(seed: int) -> Style:
    weights = initial_weights(ARCHITECTURE, seed=seed)
    weights["canvas/kernel"] += np.random.default_rng(seed).normal(0, 0.1, weights["canvas/kernel"].shape)
    return Style(StyleCard(name="random", architecture=ARCHITECTURE), weights)


STYLE = random_style(5)


NAMES = [name.removesuffix("/gamma") for name in STYLE.weights if name.endswith("/gamma")]
EVEN = KeyframeSegment(0, {name: (np.zeros(8, np.float32), np.ones(8, np.float32)) for name in NAMES})


def opened(frames: AnyArray, **options: object) -> StyleProcessor:
    """A processor for such frames; their statistics are given, because measuring them is another program."""
    chosen = {"precision": "float32", "device": "cpu", "batch_size": len(frames), **options}
    processor = StyleProcessor(STYLE, **chosen)  # type: ignore[arg-type]
    processor.use_shots([EVEN])
    processor.open(VideoInfo(width=frames.shape[2], height=frames.shape[1], color=ColorInfo(matrix="bt709")))
    return processor


def painted_by(processor: StyleProcessor, frames: AnyArray) -> AnyArray:
    pixels = "rgb24" if frames.dtype == np.uint8 else "rgb48"
    return processor(FrameBatch(frames, np.zeros(len(frames)), 0, pixels)).frames


@pytest.fixture(scope="module")
def plain() -> StyleProcessor:
    """The processor that most tests paint with: its program is compiled once."""
    return opened(moving(2, 37, 50))


def keep(name: str, painted: AnyArray) -> None:
    np.save(FOLDER / f"{name}.npy", painted)


def test_it_is_the_backend_that_was_asked_for() -> None:
    assert chosen_backend() == os.environ["KERAS_BACKEND"]
    assert BACKENDS[chosen_backend()] == backend().NAME
    assert backend().NAME in device_key("/CPU:0")


def test_a_shot_is_measured_and_painted(plain: StyleProcessor) -> None:
    frames = moving(2, 37, 50)  # padded on all sides, and unevenly
    plain.use_shots([KeyframeSegment(0, plain.statistics_of(frames[:1]))])
    painted = painted_by(plain, frames)
    assert (painted.shape, painted.dtype) == (frames.shape, np.uint8)
    keep("rgb", painted)
    painted[:] = 0  # what comes behind the painting may write into it
    plain.use_shots([EVEN])


def test_frames_lie_on_the_grid_where_they_are_told_to() -> None:
    frames = moving(2, 37, 50)
    processor = opened(frames)
    processor.use_meshes(None, lambda height: np.array([(0, 0), (3, 5)], np.int32))
    painted = painted_by(processor, frames)
    assert painted.shape == frames.shape
    keep("grid", painted)


def test_frames_become_planes_at_another_stroke_size() -> None:
    frames = moving(1, 48, 64)
    keep("planes", painted_by(opened(frames, output="i420", stroke_size=2.0), frames))


def test_frames_of_more_bits_keep_them() -> None:
    frames = moving(1, 32, 48).astype(np.uint16) * 257 + np.uint16(40)
    painted = painted_by(opened(frames, output="rgb48"), frames)
    assert painted.dtype == np.uint16
    assert len(np.unique(painted)) > 300
    keep("deep", painted)


def test_tiles_give_what_the_whole_gives(plain: StyleProcessor) -> None:
    frames = moving(2, 37, 150)
    tiled, whole = opened(frames, tile=40 * 136), opened(frames)
    painted = painted_by(tiled, frames)
    assert np.abs(painted.astype(int) - painted_by(whole, frames)).max() <= 1
    keep("tiles", painted)


def test_few_bits_are_near(plain: StyleProcessor) -> None:
    frames = moving(2, 37, 50)
    found = painted_by(opened(frames, precision="bfloat16"), frames)
    assert np.abs(found.astype(float) - painted_by(plain, frames)).mean() < 3


def test_weights_are_mixed_exactly() -> None:
    nodes = [ShotWeights(random_style(seed), "/CPU:0", "float32") for seed in (1, 2)]
    for node in nodes:
        node.use_segments([EVEN])
    mixed = MixedWeights(nodes, np.array([[0, 1]]), np.array([[0.25, 0.75]], np.float32), "/CPU:0", "float32")
    found = mixed.of_frames(0, 1)[0]
    first, second = (node.of_frames(0, 1)[0] for node in nodes)
    for name, value in found.items():
        a, b = (np.asarray(backend().to_host(each[name]), float) for each in (first, second))
        np.testing.assert_array_equal(backend().to_host(value), (0.25 * a + 0.75 * b).astype(np.float32))


def test_batches_in_flight_come_in_order(plain: StyleProcessor) -> None:
    frames = moving(5, 37, 50)
    batches = [FrameBatch(frames[a:b], np.arange(a, b, dtype=float), a) for a, b in ((0, 2), (2, 4), (4, 5))]
    one_by_one = np.concatenate([plain(batch).frames for batch in batches])
    plain._batches.in_flight = 2
    chain = Chain([plain])
    chain.open(VideoInfo(width=50, height=37, color=ColorInfo(matrix="bt709")))
    found = [*(chain(batch) for batch in batches), chain.finish()]
    plain._batches.in_flight = 1
    assert found[0] is None
    ready = [one for one in found if one is not None]
    assert [one.index for one in ready] == [0, 2, 4]
    together = joined([replace(one, original=None) for one in ready])
    np.testing.assert_array_equal(together.pts, np.arange(5))
    np.testing.assert_array_equal(together.frames, one_by_one)


def test_bytes_are_padded_by_their_mirror_image() -> None:
    x = moving(1, 5, 6)
    with backend().on("/CPU:0"):
        found = backend().to_host(backend().symmetric_pad(backend().to_device(x), (2, 1), (0, 3)))
    np.testing.assert_array_equal(found, np.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="symmetric"))


def test_there_is_no_such_gpu() -> None:
    with pytest.raises(DeviceError, match=f"no device 'gpu:77'.*{backend().NAME} sees: cpu"):
        choose_device("gpu:77")


def _lacks_memory() -> Iterator[BaseException]:
    yield MemoryError()
    if chosen_backend() == "jax":
        import jax

        yield jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 12 bytes.")
    if chosen_backend() == "torch":
        import torch

        yield torch.OutOfMemoryError("CUDA out of memory.")
        yield RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")


def test_a_lack_of_memory_is_known() -> None:
    assert all(is_out_of_memory(error) for error in _lacks_memory())
    assert not is_out_of_memory(RuntimeError("a fault of ours"))
