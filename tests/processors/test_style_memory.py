"""The style processor where memory is short: foreseen by an estimate, or met."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from tests.painting import batch, opened, scene
from videostyle.errors import DeviceError
from videostyle.frames import VideoInfo
from videostyle.inference import memory, shot_measurement
from videostyle.inference.memory import SHARE, MemoryBudget, bytes_per_pixel, host_budget
from videostyle.inference.painter import LARGEST_TILE, TILE_PIXELS, FramePainter, best_tile, halo_of
from videostyle.inference.program import FrameInputs
from videostyle.inference.tiling import plan_tiles
from videostyle.network.architecture import NETWORKS
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight cores, each of which paints frames by itself."""
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "8")
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 1)


@pytest.fixture
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "1")


@pytest.fixture
def available(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """The memory that is available: set "bytes" before a processor is made."""
    found = {"bytes": 1e12}
    monkeypatch.setattr(memory, "available_memory", lambda: found["bytes"])
    host_budget.cache_clear()
    yield found
    host_budget.cache_clear()


class Running:
    """Counts calls of the program that run at the same time, and holds what each was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most, self.now, self.frames = 0, 0, []
        lock, original = threading.Lock(), FramePainter.__call__

        def counted(painter: FramePainter, inputs: FrameInputs, weights: dict) -> tuple:
            with lock:
                self.now += 1
                self.most = max(self.most, self.now)
                self.frames.append(inputs.frame_count)
            time.sleep(0.05)
            try:
                return original(painter, inputs, weights)
            finally:
                with lock:
                    self.now -= 1

        monkeypatch.setattr(FramePainter, "__call__", counted)


def test_no_more_calls_run_than_fit_into_memory(
    random_style: Style, side_by_side: None, available: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = scene(12, 64, 96)
    call = 64 * 96 * bytes_per_pixel(random_style.architecture, "float32")
    available["bytes"] = 3.5 * call / SHARE
    processor, running = opened(random_style, 64, 96, batch_size=1), Running(monkeypatch)
    assert processor.frames_per_batch(VideoInfo(96, 64)) == 3  # nor are more frames read at once
    processor(batch(frames))
    assert running.most == 3
    assert processor.warnings == []


def test_processors_share_the_memory(
    random_style: Style, side_by_side: None, available: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    available["bytes"] = 2.5 * 64 * 96 * bytes_per_pixel(random_style.architecture, "float32") / SHARE
    processors = [opened(random_style, 64, 96, batch_size=1) for _ in range(3)]
    statistics = processors[0].statistics_of(scene(1, 64, 96))
    running = Running(monkeypatch)
    for processor in processors:
        processor.use_shots([KeyframeSegment(0, statistics)])
    threads = [threading.Thread(target=processor, args=(batch(scene(6, 64, 96)),)) for processor in processors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running.most == 2
    assert len(running.frames) == 18


def test_shots_are_measured_one_at_a_time_where_only_one_fits(
    random_style: Style, available: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    available["bytes"] = 1.5 * 64 * 96 * bytes_per_pixel(random_style.architecture, "float32") / SHARE
    processor = opened(random_style, 64, 96)
    now, most = 0, 0
    program = shot_measurement.measuring_program(random_style.architecture, "/CPU:0", (64, 96), False, False)
    lock = threading.Lock()

    def counted(*arguments: object) -> object:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        found = program(*arguments)
        with lock:
            now -= 1
        return found

    monkeypatch.setattr(shot_measurement, "measuring_program", lambda *what: counted)
    threads = [threading.Thread(target=processor.statistics_of, args=(scene(1, 64, 96, i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lack_that_is_foreseen_shrinks_the_batch_then_the_tiles(
    random_style: Style, one_worker: None, available: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = scene(4, 480, 640)
    expected = opened(random_style, 480, 640, batch_size=4)
    shots = [KeyframeSegment(0, expected.statistics_of(frames[:1]))]
    whole = 480 * 640 * bytes_per_pixel(random_style.architecture, "float32")
    host_budget.cache_clear()
    available["bytes"] = 2.1 * whole / SHARE
    halved = opened(random_style, 480, 640, batch_size=4)
    assert (halved.batch_size, len(halved._batches.painter.tiles)) == (2, 1)
    assert halved.warnings == ["memory is short: painting 2 frames at once from here on"]
    host_budget.cache_clear()
    available["bytes"] = 0.9 * whole / SHARE
    tiled = opened(random_style, 480, 640, batch_size=4)
    assert tiled.batch_size == 1
    assert len(tiled._batches.painter.tiles) > 1
    assert tiled._batches.painter.bytes_of_call(1) <= 0.9 * whole
    for processor in (expected, halved, tiled):
        processor.use_shots(shots)
    wanted = expected(batch(frames)).frames.astype(int)
    for processor in (halved, tiled):
        assert np.abs(processor(batch(frames)).frames - wanted).max() <= 2


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "no memory")], ids=["NumPy", "TensorFlow"]
)
def test_a_lack_that_is_met_lowers_the_calls_first(
    random_style: Style,
    side_by_side: None,
    available: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    frames = scene(16, 64, 96)
    processor = opened(random_style, 64, 96, batch_size=2)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(frames[:1]))])
    expected = processor(batch(frames)).frames
    running, lock, inner = 0, threading.Lock(), FramePainter.__call__

    def small(painter: FramePainter, inputs: FrameInputs, weights: dict) -> tuple:
        nonlocal running
        with lock:
            running += 1
            crowded = running > 2
        try:
            time.sleep(0.1)
            if crowded:
                raise error
            return inner(painter, inputs, weights)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(FramePainter, "__call__", small)
    np.testing.assert_array_equal(processor(batch(frames)).frames, expected)
    assert processor.warnings[-1] == "memory ran out: painting 2 batches side by side from here on"
    assert processor.batch_size == 2


def test_p7_memory_that_runs_out_halves_the_batch_then_tiles(
    random_style: Style, one_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = scene(5, 700, 700)
    processor = opened(random_style, 700, 700, batch_size=4)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(frames[:1]))])
    expected = processor(batch(frames)).frames
    original, sizes = FramePainter.__call__, []

    def small_device(self: FramePainter, inputs: FrameInputs, weights: dict) -> tuple:
        sizes.append((inputs.frame_count, len(self.tiles)))
        if inputs.frame_count > 1 or len(self.tiles) < 2:
            raise tf.errors.ResourceExhaustedError(None, None, "no memory")
        return original(self, inputs, weights)

    monkeypatch.setattr(FramePainter, "__call__", small_device)
    painted = processor(batch(frames)).frames
    assert np.abs(painted.astype(int) - expected).max() <= 2
    assert sizes[:3] == [(4, 1), (2, 1), (1, 1)]
    assert len(processor.warnings) == 3

    def no_device(*_: object) -> tuple:
        raise tf.errors.ResourceExhaustedError(None, None, "none at all")

    monkeypatch.setattr(FramePainter, "__call__", no_device)
    with pytest.raises(DeviceError, match="does not fit"):
        processor(batch(frames))


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    random_style: Style, one_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> tuple:
        raise tf.errors.InvalidArgumentError(None, None, "a fault of ours")

    processor = opened(random_style, 32, 32)
    monkeypatch.setattr(FramePainter, "__call__", broken)
    with pytest.raises(tf.errors.InvalidArgumentError):
        processor(batch(scene(1, 32, 32)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits a process's address space")
def test_a_process_whose_memory_is_limited_paints_in_tiles() -> None:
    """No stand-in: the system refuses memory, and every frame is painted all the same."""
    code = """
import resource
import numpy as np, psutil
from videostyle.inference.startup import load_backend
load_backend(frames_side_by_side=True)
from tests.painting import batch, opened, scene
from videostyle.network.statistics import KeyframeSegment
from videostyle.network.architecture import Architecture, initial_weights
from videostyle.styles.card import Style, StyleCard
arch = Architecture(channels=8, blocks=1, deep_channels=8, deep_blocks=1, head_channels=16, fine_channels=6)
style = Style(StyleCard(name="random", architecture=arch), initial_weights(arch, seed=5))
frames = scene(2, 1080, 1920)
single, processor = (opened(style, 1080, 1920, batch_size=n, tile=1 << 40, device="cpu") for n in (1, 2))
shots = [KeyframeSegment(0, single.statistics_of(frames[:, :64, :64]))]
for each in (single, processor):
    each.use_shots(shots)
single(batch(frames[:1]))  # so much is needed for one frame
now = psutil.Process().memory_info()
limit = now.vms + (150 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
painted = processor(batch(frames)).frames
print(len(processor.warnings), painted.shape, int(np.ptp(painted)) > 0)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VIDEOSTYLE_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280, env=environment)
    words = done.stdout.split(maxsplit=1)
    assert words[1:] == ["(2, 1080, 1920, 3) True\n"], done.stderr
    assert int(words[0]) > 0


def test_a_processor_that_is_opened_for_another_size_begins_anew(random_style: Style, one_worker: None) -> None:
    small, large = VideoInfo(64, 48), VideoInfo(1280, 720)
    processor = StyleProcessor(random_style, precision="float32", device="cpu")
    processor.open(small)
    assert processor.batch_size == 16
    first = processor(batch(scene(1, 48, 64)))
    painter = processor._batches.painter
    processor.open(small)
    assert processor._batches.painter is painter  # nothing is compiled again
    processor.open(large)
    assert processor.batch_size == 1
    assert processor(batch(scene(1, 720, 1280))).frames.shape == (1, 720, 1280, 3)
    processor.open(small)
    np.testing.assert_array_equal(processor(batch(scene(1, 48, 64))).frames, first.frames)


def test_the_page_on_machines_tells_the_memory_that_is_asked_for(
    available: dict[str, float], side_by_side: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.styles import gallery

    page = (ROOT / "videostyle" / "docs" / "machines.md").read_text(encoding="utf-8")
    base = gallery.base(NETWORKS["medium"])
    sizes = [tuple(map(int, size)) for size in re.findall(r"(\d+)x(\d+)", page[page.index("| cores") :].split("\n")[0])]
    assert (1920, 1080) in sizes
    for row in re.findall(r"^\| (\d+) \| ([\d. |]+) \|$", page, re.MULTILINE):
        for (width, height), told in zip(sizes, map(float, row[1].split(" | ")), strict=True):
            monkeypatch.setenv("VIDEOSTYLE_THREADS", row[0])
            processor = StyleProcessor(base, precision="float32", device="cpu")
            processor.open(VideoInfo(width=width, height=height))
            assert processor._batches.calls == int(row[0])
            assert told == pytest.approx(
                processor._batches.calls * processor._batches.bytes_of_call() / SHARE / 1e9, abs=0.05
            )
    (one,) = re.findall(r"single call takes\s([\d.]+),\s([\d.]+) and ([\d.]+) GB", page)
    for (width, height), told in zip(sizes, map(float, one), strict=True):
        painter = FramePainter(
            base.architecture, (height, width), device="/CPU:0", precision="float32", tile=LARGEST_TILE
        )
        assert told == pytest.approx(painter.bytes_of_call(1) / 1e9, abs=0.06)


def test_tiles_are_as_large_as_memory_allows_without_idle_cores() -> None:
    network, size = NETWORKS["medium"], (2160, 3840)
    halo, whole = halo_of(network), size[0] * size[1] * bytes_per_pixel(network, "float32")

    def tiles(memory_: float, workers: int) -> int:
        limit = best_tile(network, "float32", size, 1, MemoryBudget(memory_), workers)
        return len(plan_tiles(*size, halo, limit, network.stride))

    assert tiles(8.1 * whole, 8) == 1
    assert tiles(1.1 * whole, 1) == 1
    assert tiles(4 * whole, 8) > 1  # rather than four idle cores
    assert tiles(0.1 * whole, 8) == len(plan_tiles(*size, halo, TILE_PIXELS, network.stride))
