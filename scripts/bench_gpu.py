"""Measures a GPU: the network alone on frames in its memory, and the whole program with a writer that drops its frames.

One backend a run, since a process has one::

    KERAS_BACKEND=jax python scripts/bench_gpu.py --seconds 200 --clips 640x360.mp4 1920x1080.mp4

Each result is a line of JSON, printed at once, so that a run that is stopped has said what it found. It needs neither
TensorFlow nor ffmpeg where the clips are given.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np  # noqa: E402

from videostyle.frames import ColorInfo, FrameBatch, VideoInfo  # noqa: E402
from videostyle.inference.startup import load_backend  # noqa: E402

NETWORK = (
    # size, batches; the sizes that matter most come first, in case the time runs out
    ((1920, 1080), (4, 8, 16)),
    ((640, 360), (16, 64)),
    ((3840, 2160), (1, 2, 4)),
)
BT709 = ColorInfo(matrix="bt709", full_range=False)


def say(**row: Any) -> None:
    print(json.dumps({"at": round(time.perf_counter() - BEGAN, 1), **row}), flush=True)


@contextlib.contextmanager
def reported(what: str, **row: Any) -> Iterator[dict[str, Any]]:
    """Prints what the body puts into the row, or the error that ended it."""
    try:
        yield row
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {str(error)[:300]}"
    say(what=what, **row)


class NullWriter:
    """A writer that drops its frames."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def write(self, batch: FrameBatch) -> None:
        """Drops a batch."""

    def close(self) -> Path:
        """Nothing was written."""
        return Path(os.devnull)

    def abort(self) -> None:
        """Nothing was written."""


def painter_for(style: Any, size: tuple[int, int], precision: str, device: str) -> tuple[Any, Any]:
    """A painter of whole frames into planes, and folded weights on the device."""
    from videostyle.inference.painter import FramePainter
    from videostyle.inference.shot_weights import ShotWeights
    from videostyle.network.statistics import KeyframeSegment

    height, width = size[1], size[0]
    painter = FramePainter(
        style.architecture, (height, width), device=device, precision=precision, planes=BT709, tile=1 << 40
    )
    names = [name.removesuffix("/gamma") for name in style.weights if name.endswith("/gamma")]
    plain = {n: (np.zeros_like(style.weights[f"{n}/beta"]), np.ones_like(style.weights[f"{n}/beta"])) for n in names}
    weights = ShotWeights(style, device, precision)
    weights.use_segments([KeyframeSegment(0, plain)])
    return painter, weights.of_frames(0, 1)[0]


@contextlib.contextmanager
def channels_filled_up(multiple: int) -> Iterator[None]:
    """Convolutions with channels of zeros up to a multiple: matrix units of GPUs want 8 or 16."""
    from keras import ops

    real = ops.conv

    def more(x: Any, axis: int) -> Any:
        shape = list(x.shape)
        shape[axis] = -shape[axis] % multiple
        # Not ``ops.pad``: TensorFlow on a processor aborts where a kernel is padded.
        return ops.concatenate([x, ops.zeros(shape, x.dtype)], axis=axis) if shape[axis] else x

    def conv(x: Any, kernel: Any, **options: Any) -> Any:
        out = kernel.shape[3]
        return real(more(x, 3), more(more(kernel, 2), 3), **options)[..., :out]

    ops.conv = conv
    try:
        yield
    finally:
        ops.conv = real


def torch_compiled(program: Any) -> Any:
    """A program that PyTorch compiles: outside inference mode, where it rejects constants that it made itself."""
    import torch

    made = torch.compile(program, dynamic=False)

    def run(*inputs: Any) -> Any:
        with torch.inference_mode(False), torch.no_grad():
            return made(*inputs)

    return run


def network_alone(
    style: Any, size: tuple[int, int], batch: int, precision: str, device: str, seconds: float, way: str = ""
) -> None:
    """Frames per second of the compiled program on frames and canvas that lie on the device, calls queued."""
    from videostyle.inference.backends.current import backend
    from videostyle.inference.painter import painting_program
    from videostyle.inference.program import FrameInputs
    from videostyle.rendering.bench import moving_frames

    fill = int(way.rpartition(" ")[2]) if way.startswith("channels") else 1
    with (
        reported(
            "network", size=f"{size[0]}x{size[1]}", precision=precision, batch=batch, way=way or "as it is"
        ) as row,
        channels_filled_up(fill),
    ):
        painter, weights = painter_for(style, size, precision, device)
        program = painter.program
        if fill > 1:  # the painter's own may have been compiled before, with as many channels as it has
            kind = style.architecture, painter.size, device, precision, BT709, False, 1.0, True, False
            program = painting_program.__wrapped__(*kind)  # type: ignore[attr-defined]
        if "torch.compile" in way:
            program = torch_compiled(program)
        frames = np.repeat(moving_frames(*size, 1), batch, axis=0)
        h, w = -(-size[1] // 8) * 2, -(-size[0] // 8) * 2
        canvas = np.random.default_rng(0).standard_normal((batch, h, w, style.architecture.canvas_channels), np.float32)
        with backend().on(device):
            inputs = FrameInputs(frames, canvas).on_device()
            began = time.perf_counter()
            backend().wait_for(program(weights, inputs)[0])
            row["first call s"] = round(time.perf_counter() - began, 2)
            best, count = float("inf"), 2
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                began = time.perf_counter()
                found = None
                for _ in range(count):
                    found = program(weights, inputs)[0]
                backend().wait_for(found)
                taken = time.perf_counter() - began
                best, count = min(best, taken / count), max(2, min(64, int(0.15 * count / taken)))
        row["frames/s"] = round(batch / best, 1)
        row["TFLOP/s"] = round(2.0 * style.architecture.multiplications(size[1], size[0]) * batch / best / 1e12, 1)


def copies(size: tuple[int, int], batch: int, device: str) -> None:
    """Bytes per second from an array to the device, and back."""
    from videostyle.inference.backends.current import backend

    with reported("copies", size=f"{size[0]}x{size[1]}", batch=batch) as row, backend().on(device):
        array = np.zeros((batch, size[1], size[0], 3), np.uint8)
        added = backend().compiled(lambda x: x + x)
        up, down = [], []
        for _ in range(6):
            began = time.perf_counter()
            there = backend().to_device(array)
            backend().wait_for(there)
            up.append(time.perf_counter() - began)
            there = added(there)
            backend().wait_for(there)
            began = time.perf_counter()
            backend().to_host(there)
            down.append(time.perf_counter() - began)
        row["up GB/s"], row["down GB/s"] = (round(array.nbytes / min(times) / 1e9, 2) for times in (up, down))


def decoding(clip: Path, seconds: float) -> None:
    """Frames per second of reading alone."""
    from videostyle.media.readers.base import ReadOptions
    from videostyle.media.readers.open import open_reader

    with reported("decode", clip=clip.name) as row, open_reader(clip, ReadOptions(batch_size=8)) as source:
        began, count = time.perf_counter(), 0
        for batch in source:
            count += len(batch)
            if time.perf_counter() - began > seconds:
                break
        row["frames"], row["frames/s"] = count, round(count / (time.perf_counter() - began), 1)


def whole_program(style: Any, clip: Path, precision: str, device: str) -> None:
    """The whole program: decode on the host, copy up, paint into planes, copy down, drop."""
    from videostyle.media.readers.base import ReadOptions
    from videostyle.media.readers.open import open_reader
    from videostyle.processors.protocol import Borrowed
    from videostyle.processors.style import StyleProcessor
    from videostyle.rendering.pipeline import run

    with reported("whole", clip=clip.name, precision=precision) as row:
        info = open_reader(clip, ReadOptions()).info
        processor = StyleProcessor(style, precision=precision, device=device, output="i420")
        processor.open(info)
        count = processor.frames_per_batch(info)
        row["frames in a call"], row["in a batch"] = processor.batch_size, count
        for name in ("first", "frames"):
            report = run(open_reader(clip, ReadOptions(batch_size=count)), [Borrowed(processor)], NullWriter())
            row[f"{name}/s"] = round(report.frames / report.seconds, 1)
            row[f"{name}: first batch s"] = round(report.first_frame, 2)
        row["busy"] = {stage: round(busy, 2) for stage, busy in report.busy.items()}
        row["seconds"], row["count"] = round(report.seconds, 2), report.frames
        # The painting alone, from frames in memory.
        with open_reader(clip, ReadOptions(batch_size=count)) as source:
            batch = next(iter(source))
        began = time.perf_counter()
        for _ in range(8):
            processor(batch)
        row["painting alone/s"] = round(8 * len(batch) / (time.perf_counter() - began), 1)
        processor.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240, help="begin nothing new after this time (default: 240)")
    parser.add_argument("--each", type=float, default=0.6, help="seconds for each measurement (default: 0.6)")
    parser.add_argument("--clips", nargs="*", type=Path, default=[], help="videos for the whole program")
    parser.add_argument("--precisions", default="bfloat16,float16,float32")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try the script")
    options = parser.parse_args()

    def left() -> bool:
        return time.perf_counter() - BEGAN < options.seconds

    load_backend(frames_side_by_side=True)
    from videostyle.inference.backends.current import backend
    from videostyle.inference.device import choose_device, device_key
    from videostyle.processors.style import StyleProcessor
    from videostyle.rendering.bench import moving_frames
    from videostyle.styles.resolve import resolve

    device, style = choose_device(options.device), resolve(options.style)
    say(what="machine", device=device_key(device), cores=os.cpu_count(), backend=backend().NAME)
    with reported("first frame") as row:
        processor = StyleProcessor(style, device=device, precision="float32")
        processor.open(VideoInfo(width=640, height=360))
        processor(FrameBatch(moving_frames(640, 360, 1), np.zeros(1), 0))
        row["seconds from start"] = round(time.perf_counter() - BEGAN, 2)
        processor.close()
    sizes = (((64, 48), (1, 2)),) if options.tiny else NETWORK
    for number, precision in enumerate(options.precisions.split(",")):
        for size, batches in sizes:
            for batch in batches:
                if left() and (not number or batch == batches[len(batches) // 2]):
                    network_alone(style, size, batch, precision, device, options.each)
        if not number:
            for size, batches in sizes:
                if left():
                    copies(size, batches[-1], device)
            for way in ("channels to 8", "channels to 16", *(["torch.compile"] if backend().NAME == "PyTorch" else [])):
                if left():
                    network_alone(style, sizes[0][0], sizes[0][1][1], precision, device, options.each, way)
            for clip in options.clips:
                if left():
                    decoding(clip, 4 * options.each)
                    whole_program(style, clip, precision, device)
    say(what="end")


if __name__ == "__main__":
    main()
