"""Times a whole render against the classic per-frame program, in turns, on one machine.

    python scripts/bench_render.py CLIP [--style great-wave] [--rounds 3] [--classic-frames 30]

Start-up is not counted on either side: frames a second from the first frame asked for to the finished file.
Also each stage alone (decode, painting with its canvas, encode), and how near the pipeline comes to what they allow
together: the cores are shared, so the ideal time of a frame is the larger of the slowest stage alone and the sum of
all stages' processor time over the number of cores. Planning is measured as well; a render's frames a second leave
it out, so the ideal does too.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from videostyle.frames import FrameBatch
from videostyle.inference.startup import load_backend
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.open import open_writer
from videostyle.platforms import processor_seconds
from videostyle.rendering.painting import planned_chain
from videostyle.rendering.plan import Plan
from videostyle.rendering.planning import make_plans
from videostyle.rendering.processor_cache import make_style_processor, painted_pixels, painting_options
from videostyle.rendering.settings import RenderSettings
from videostyle.resources import usable_cores
from videostyle.styles.resolve import resolve

load_backend(frames_side_by_side=True)

from videostyle.inference.frame_canvases import FrameCanvases  # noqa: E402
from videostyle.inference.stroke_size import painted_size  # noqa: E402

OVERLAPPING = ("decode", "painting", "encode")  # stages of which each has a thread
MOST_FRAMES, MOST_BYTES = 200, 5e8  # of the clip's beginning, on which stages are measured


def timed(work: Callable[[], object], frames: int) -> tuple[float, float]:
    """Milliseconds of wall time and of processor time for a frame."""
    cpu, wall = processor_seconds(), time.perf_counter()
    work()
    return (time.perf_counter() - wall) / frames * 1e3, (processor_seconds() - cpu) / frames * 1e3


def stages(clip: Path, style: str, scratch: Path) -> dict[str, tuple[float, float]]:
    """Each stage alone on the beginning of the clip, as a render with its usual settings calls it."""
    settings, output = RenderSettings(style), scratch / "stage.mp4"
    source = open_reader(clip, settings.reading(1))
    info = source.info
    device = make_style_processor(resolve(style), settings, output=painted_pixels(settings, output.suffix, info))
    cores = usable_cores()
    pool = ThreadPoolExecutor(cores)
    canvases = FrameCanvases(device.style.architecture.stride, pool)

    def plan() -> None:
        plans.extend(make_plans([device], source, [settings]))

    plans: list[Plan] = []
    device.open(info)
    device(next(iter(open_reader(clip, settings.reading(1)))))  # compiles; what is measured then stays compiled
    plan()
    frames = len(plans[0].times)
    found = {"planning": timed(plan, frames)}
    options = painting_options(settings.reading(device.frames_per_batch(info)), False)

    def decode() -> list[FrameBatch]:
        batches: list[FrameBatch] = []
        with open_reader(clip, options) as reader:
            for batch in reader:
                batches.append(batch)
                seen = batch.index + len(batch)
                if seen >= MOST_FRAMES or seen * batch.frames[0].nbytes > MOST_BYTES:
                    break
        return batches

    batches = decode()
    count = sum(len(batch) for batch in batches)
    found["decode"] = timed(decode, count)
    (chain,) = planned_chain(device, settings, plans[0])
    meshes = plans[0].meshes
    canvases.use(meshes, meshes.offsets if meshes else None)
    size = painted_size(info.height, info.width, settings.stroke_size)
    painted: list[FrameBatch] = []

    def sample() -> None:
        for batch in batches:
            canvases.inputs(batch.frames, batch.index, size, device.canvas, None)

    def paint() -> None:
        painted.extend(chain(batch) for batch in batches)

    def encode() -> None:
        sink = open_writer(output, info, settings.encode)
        for batch in painted:
            sink.write(batch)
        sink.close()

    chain(batches[0])
    if device.on_canvas:
        found["canvas (a part of painting)"] = timed(sample, count)
    found["painting"] = timed(paint, count)
    found["encode"] = timed(encode, count)
    pool.shutdown()
    return found


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
    whole = sum(alone[name][1] for name in ("planning", *OVERLAPPING))
    for name, (wall, cpu) in alone.items():
        print(f"{name} alone: {wall:.2f} ms a frame, {cpu:.2f} ms of processor time, {cpu / whole:.0%} of all")
    together = [alone[name] for name in OVERLAPPING]
    ideal = max(max(wall for wall, _ in together), sum(cpu for _, cpu in together) / usable_cores())
    best = statistics.median(ours)
    print(f"median {best:.2f} frames/s; the stages allow {1e3 / ideal:.2f}: {best * ideal / 1e3:.2f} of the ideal")
    if classic:
        print(f"{best / statistics.median(classic):.1f} times the classic program's {statistics.median(classic):.2f}")
    print(f"peak memory of a process {peak / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
