"""Measures this machine: each stage of a render alone and all together, at several sizes, batches and precisions."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.inference.classic import ClassicPainter
from videostyle.inference.device import device_name
from videostyle.inference.roofline import copy_bandwidth, matmul_peak
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.open import open_writer
from videostyle.network.precision import dtype_of
from videostyle.network.statistics import KeyframeSegment
from videostyle.platforms import peak_memory, processor_seconds
from videostyle.processors.protocol import Borrowed
from videostyle.processors.style import StyleProcessor
from videostyle.rendering.bench_report import AgainstRow, BenchReport, DeviceRow, SizeRow, Spread
from videostyle.rendering.pipeline import run
from videostyle.resources import usable_cores
from videostyle.styles.card import Style

RATE = Fraction(25)
INNER = "deep"  # the layers that most of the time goes into
AGAINST_SECONDS = 0.5  # of each measurement in a comparison, which takes turns


def moving_frames(width: int, height: int, count: int) -> UInt8Array:
    """Moving smooth shapes with some grain, uint8 ``[count, height, width, 3]``, as a test clip."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0 : height + count, 0 : width + 2 * count].astype(np.float32)
    waves = [
        np.sin(x * a + y * b + c) + np.sin(np.hypot(x - 40 * c, y - 30) * 0.11)
        for a, b, c in ((0.03, 0.01, 0.0), (0.013, 0.041, 2.0), (0.07, -0.02, 4.0))
    ]
    canvas = 127 + 45 * np.stack(waves, axis=-1) + rng.normal(0, 6, (*x.shape, 1))
    canvas = np.clip(canvas, 0, 255).astype(np.uint8)
    return np.stack([canvas[i : i + height, 2 * i : 2 * i + width] for i in range(count)])


def layer_bytes(style: Style, height: int, width: int, value_bytes: int) -> float:
    """Bytes that a frame moves if each convolution reads its input and writes its output once, weights aside."""
    values = sum((shape[2] + shape[3]) / cell for shape, cell in style.architecture.convolutions())
    return (values * value_bytes + 2 * 3) * height * width


def bench_device(
    style: Style, size: tuple[int, int], batch: int, precision: str, device: str, peak: float, rounds: int
) -> DeviceRow:
    """The device program at one size, batch and precision."""
    width, height = size
    frames = moving_frames(width, height, batch)
    style_processor = StyleProcessor(style, precision=precision, batch_size=batch, device=device, tile=1 << 40)
    style_processor.open(VideoInfo(width=width, height=height))
    exact = StyleProcessor(style, precision="float32", batch_size=1, device=device, tile=1 << 40)
    exact.open(VideoInfo(width=width, height=height))
    statistics_ = exact.statistics_of(frames[:1])
    for processor in (style_processor, exact):
        processor.use_shots([KeyframeSegment(0, statistics_)])
    times = np.zeros(batch)
    painted = style_processor(FrameBatch(frames, times, 0)).frames[:1].astype(np.float64)
    difference = float(((exact(FrameBatch(frames[:1], times[:1], 0)).frames - painted) ** 2).mean())
    decibels = 99.0 if difference == 0 else min(99.0, 10 * math.log10(255.0**2 / difference))

    stages: dict[str, list[float]] = {}
    throughput = []
    with ThreadPoolExecutor(style_processor.workers) as pool:
        for _ in range(5):  # five runs, whose spread is reported
            began = time.perf_counter()
            for found in pool.map(
                lambda _: style_processor.seconds_of_call(frames, rounds), range(style_processor.workers)
            ):
                for name, values in found.items():
                    stages.setdefault(name, []).extend(values)
            # One uncounted round for each worker ran as well.
            throughput.append(style_processor.workers * (rounds + 1) * batch / (time.perf_counter() - began))
    whole = [sum(parts) for parts in zip(*stages.values(), strict=True)]
    copies = {name: statistics.median(stages[name]) / batch for name in ("upload", "download")}
    share_of_device = sum(stages["device"]) / sum(whole)
    fps = Spread.of([value / share_of_device for value in throughput])
    work = 2.0 * style.architecture.multiplications(height, width)
    value_bytes = 4 if dtype_of(precision, INNER) == "float32" else 2
    for processor in (style_processor, exact):
        processor.close()
    return DeviceRow(
        size,
        precision,
        batch,
        style_processor.workers,
        fps,
        1e3 * copies["upload"],
        1e3 * copies["download"],
        1e3 * statistics.median(whole),
        1e3 * float(np.percentile(whole, 95)),
        work * fps.median,
        work * fps.median / peak,
        work / layer_bytes(style, height, width, value_bytes),
        decibels,
    )


def bench_size(
    style: Style, size: tuple[int, int], row: DeviceRow, device: str, frames: int, rounds: int, folder: Path
) -> SizeRow:
    """Reading, painting, encoding, each alone and all at once, on a clip made in ``folder``."""
    width, height = size
    clip = folder / f"{width}x{height}.mp4"
    info = VideoInfo(width=width, height=height, fps=RATE, time_base=1 / RATE)
    pictures = moving_frames(width, height, min(frames, 48))
    encode = EncodeOptions(overwrite=True)

    def write(path: Path, batches: Sequence[FrameBatch]) -> None:
        sink = open_writer(path, info, encode)
        for batch in batches:
            sink.write(batch)
        sink.close()

    count = row.batch * row.workers
    numbers = [list(range(first, min(frames, first + count))) for first in range(0, frames, count)]

    def batch_of(n: list[int]) -> FrameBatch:
        # Forwards and backwards in turn, so that the clip has no cut.
        turn = [min(i % (2 * len(pictures)), 2 * len(pictures) - 1 - i % (2 * len(pictures))) for i in n]
        return FrameBatch(pictures[turn], np.array(n, float) / float(RATE), n[0])

    original = [batch_of(n) for n in numbers]
    write(clip, original)

    def processor() -> StyleProcessor:
        style_processor = StyleProcessor(
            style, precision=row.precision, batch_size=row.batch, device=device, output="i420"
        )
        style_processor.open(info)
        return style_processor

    warm = processor()
    painted = [warm(batch) for batch in original]

    def decode() -> None:
        with open_reader(clip, ReadOptions(batch_size=count)) as source:
            for _ in source:
                pass

    def paint() -> None:
        for batch in original:
            warm(batch)

    def together() -> None:
        # The compiled program is kept: a long clip pays for compiling once.
        run(
            open_reader(clip, ReadOptions(batch_size=count)),
            [Borrowed(warm)],
            lambda i: open_writer(folder / "o.mp4", i, encode),
        )

    def timed(work: Callable[[], None]) -> tuple[Spread, float]:
        rates, processor_time = [], []
        for _ in range(rounds):
            cpu, began = processor_seconds(), time.perf_counter()
            work()
            rates.append(frames / (time.perf_counter() - began))
            processor_time.append((processor_seconds() - cpu) / frames)
        return Spread.of(rates), statistics.median(processor_time)

    alone = {
        name: timed(work)
        for name, work in (
            ("decode", decode),
            ("device", paint),
            ("encode", lambda: write(folder / "stage.mp4", painted)),
        )
    }
    whole, _ = timed(together)
    cores = usable_cores()
    slowest = max(1.0 / spread.median for spread, _ in alone.values())
    ideal = 1.0 / max(slowest, sum(cpu for _, cpu in alone.values()) / cores)
    warm.close()
    for file in folder.glob("*.mp4"):
        file.unlink()
    decoded, device_alone, encoded = (alone[name][0] for name in ("decode", "device", "encode"))
    processor_time = {name: cpu for name, (_, cpu) in alone.items()}
    return SizeRow(size, frames, decoded, device_alone, encoded, whole, ideal, whole.median / ideal, processor_time)


def bench_against_classic(style: Style, row: DeviceRow, device: str, rounds: int) -> AgainstRow:
    """Ours, as in ``row``, and the classic network, in turns."""
    (width, height), frames = row.size, moving_frames(*row.size, row.batch * row.workers)
    processor = StyleProcessor(style, precision=row.precision, batch_size=row.batch, device=device, tile=1 << 40)
    processor.open(VideoInfo(width=width, height=height))
    classic = ClassicPainter(dtype_of(row.precision, INNER), device, row.workers)
    batch = FrameBatch(frames, np.zeros(len(frames)), 0)
    rates: dict[str, list[float]] = {"ours": [], "classic": []}
    work = {"ours": lambda: processor(batch), "classic": lambda: classic(frames[: row.workers])}
    painted = {"ours": len(frames), "classic": len(frames[: row.workers])}
    for paint in work.values():
        paint()  # compiles
    for _ in range(rounds):
        for name, paint in work.items():
            began, count = time.perf_counter(), 0
            while count == 0 or time.perf_counter() - began < AGAINST_SECONDS:
                paint()
                count += painted[name]
            rates[name].append(count / (time.perf_counter() - began))
    processor.close()
    classic.close()
    ours, theirs = Spread.of(rates["ours"]), Spread.of(rates["classic"])
    return AgainstRow(row.size, row.precision, ours, theirs, ours.median / theirs.median)


def bench(
    style: Style,
    sizes: Sequence[tuple[int, int]],
    batches: Sequence[int],
    precisions: Sequence[str],
    device: str,
    folder: Path,
    *,
    rounds: int = 5,
    frames: int = 60,
    classic: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> BenchReport:
    """Measures everything.

    Args:
        style: what to paint with; its weights do not matter, its architecture does.
        sizes: (width, height), even.
        batches: frames of one call.
        precisions: dtypes; float32 must be among them.
        device: its name, as from ``choose_device``.
        folder: an empty folder for clips, which are removed.
        rounds: calls in each of five runs of the device, and runs of each stage.
        frames: of each clip at 640x360; larger sizes get fewer.
        classic: whether to compare with the classic network.
        on_progress: called with a line on what is being measured.
    """
    say = on_progress or (lambda text: None)
    chosen = StyleProcessor(style, device=device)
    report = BenchReport(device_name(device), usable_cores())
    for precision in precisions:
        say(f"matrix product, {precision}")
        report.peaks[precision] = matmul_peak(device, dtype_of(precision, INNER), chosen.workers)
    report.bandwidth = copy_bandwidth(device)
    for size in sizes:
        for precision in precisions:
            for batch in batches:
                say(f"device, {size[0]}x{size[1]}, {precision}, batch {batch}")
                report.rows.append(bench_device(style, size, batch, precision, device, report.peaks[precision], rounds))
        say(f"all together, {size[0]}x{size[1]}")
        count = max(24, round(frames * 640 * 360 / (size[0] * size[1])))
        report.sizes.append(bench_size(style, size, report.best(size), device, count, rounds, folder))
        if classic:
            say(f"against the classic network, {size[0]}x{size[1]}")
            report.against.append(bench_against_classic(style, report.best(size), device, rounds))
    report.peak_memory = peak_memory()
    return report
