"""Times a whole render against the classic per-frame program, in turns, on one machine.

    python scripts/bench_render.py CLIP [--style great-wave] [--rounds 3] [--classic-frames 30]

Start-up is not counted on either side: frames a second from the first frame asked for to the finished file.
Also each stage alone (decode, device, encode), and how near the pipeline comes to what they allow together:
the cores are shared, so the ideal time of a frame is the larger of the slowest stage alone and the sum of all
stages' processor time over the number of cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from videostyle.api import Stylizer
from videostyle.frames import FrameBatch
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.open import open_writer
from videostyle.platforms import processor_seconds
from videostyle.processors.style import StyleProcessor


def timed(work: Callable[[], object], frames: int) -> tuple[float, float]:
    """Milliseconds of wall time and of processor time for a frame."""
    cpu, wall = processor_seconds(), time.perf_counter()
    work()
    return (time.perf_counter() - wall) / frames * 1e3, (processor_seconds() - cpu) / frames * 1e3


def stages(clip: Path, style: str, scratch: Path) -> dict[str, tuple[float, float]]:
    """Each stage alone on the clip's first 200 frames."""
    with open_reader(clip, ReadOptions(batch_size=4)) as source:
        batches = []
        for batch in source:
            batches.append(batch)
            if len(batches) == 50:
                break
        info = source.info
    count = sum(len(b) for b in batches)

    def decode() -> None:
        with open_reader(clip, ReadOptions(batch_size=4)) as again:
            for number, _ in enumerate(again):
                if number == len(batches) - 1:
                    break

    device = StyleProcessor(Stylizer(style)._style, output="i420")
    device.open(info)
    device(batches[0])
    painted: list[FrameBatch] = []

    def paint() -> None:
        painted.extend(device(b) for b in batches)

    def encode() -> None:
        sink = open_writer(scratch / "stage.mp4", info, EncodeOptions(overwrite=True))
        for batch in painted:
            sink.write(batch)
        sink.close()

    return {name: timed(work, count) for name, work in (("decode", decode), ("device", paint), ("encode", encode))}


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--classic-frames", type=int, default=30)
    options = parser.parse_args()
    ours, classic, peak = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for _ in range(options.rounds):
            command = [sys.executable, "-m", "videostyle", "render", str(options.clip), "--style", options.style]
            command += ["-o", str(scratch / "ours.mp4"), "--overwrite", "--json", "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            report = json.loads(done.stdout.splitlines()[-1])
            ours.append(report["fps"])
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            if options.classic_frames:
                script = Path(__file__).with_name("classic_torch.py")
                words = [str(options.clip), str(scratch / "classic.mp4"), "--frames", str(options.classic_frames)]
                done = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True, check=True)
                classic.append(float(done.stdout.split()[0]))
            print(f"ours {ours[-1]:.2f} frames/s, classic {classic[-1] if classic else 0:.2f}", flush=True)
        alone = stages(options.clip, options.style, scratch)
    for name, (wall, cpu) in alone.items():
        print(f"{name} alone: {wall:.2f} ms a frame, {cpu:.2f} ms of processor time")
    cores = len(os.sched_getaffinity(0))
    ideal = max(max(wall for wall, _ in alone.values()), sum(cpu for _, cpu in alone.values()) / cores)
    best = statistics.median(ours)
    print(f"median {best:.2f} frames/s; the stages allow {1e3 / ideal:.2f}: {best * ideal / 1e3:.2f} of the ideal")
    if classic:
        print(f"{best / statistics.median(classic):.1f} times the classic program's {statistics.median(classic):.2f}")
    print(f"peak memory of a process {peak / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
