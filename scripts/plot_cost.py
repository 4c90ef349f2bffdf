"""Plots what a render costs: milliseconds a frame against its pixels, peak memory against the clip's length.

    python scripts/plot_cost.py CLIP --output DIR [--sides 320,640,960,1280] [--repeats 1,4,16]

The first should be a straight line, the second flat. Each point is a process of its own; the clip is scaled,
or repeated, by ffmpeg beforehand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.metrics import plot

# Runs a render and says what it took: the peak of one child cannot be read from outside once others have run.
CHILD = """
import json, resource, sys
from videostyle.cli.main import main
code = main(sys.argv[1:])
print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
sys.exit(code)
"""


def prepared(clip: Path, target: Path, side: int, repeats: int) -> Path:
    """The clip ``repeats`` times over, its width scaled to ``side``."""
    words = [ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", str(repeats - 1), "-i", f"file:{clip}", "-an"]
    words += ["-vf", f"scale={side}:-2", "-c:v", "libx264", "-preset", "veryfast", f"file:{target}"]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return target


def rendered(clip: Path, output: Path, style: str) -> tuple[float, float, int]:
    """Milliseconds a frame, peak memory in MB, frames."""
    words = [
        sys.executable,
        "-c",
        CHILD,
        "render",
        str(clip),
        "--style",
        style,
        "-o",
        str(output),
        "-y",
        "-q",
        "--json",
    ]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    report, peak = json.loads(lines[-2]), json.loads(lines[-1])["peak"]
    return 1e3 / report["fps"], peak, report["frames"]


def main() -> None:
    """Measures, prints, plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--sides", default="320,480,640,960,1280")
    parser.add_argument("--repeats", default="1,4,12")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    costs, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.mp4", Path(folder) / "out.mp4"
        for side in map(int, options.sides.split(",")):
            prepared(options.clip, source, side, 1)
            milliseconds, peak, frames = rendered(source, target, options.style)
            costs.append((side * 2 * round(side * 9 / 32) / 1e6, milliseconds))
            print(f"width {side}: {milliseconds:.1f} ms a frame, {peak:.0f} MB, {frames} frames", flush=True)
        for repeats in map(int, options.repeats.split(",")):
            prepared(options.clip, source, 640, repeats)
            milliseconds, peak, frames = rendered(source, target, options.style)
            memory.append((float(frames), peak))
            print(f"{frames} frames: {peak:.0f} MB, {milliseconds:.1f} ms a frame", flush=True)
    x, y = np.array(costs).T
    slope, offset = np.polyfit(x, y, 1)
    residual = np.abs(slope * x + offset - y).max() / y.max()
    print(f"cost: {slope:.1f} ms a megapixel + {offset:.1f} ms, off the line by at most {residual:.1%} of the largest")
    lines = plot.lines({"measured": costs}, "megapixels a frame", "milliseconds a frame")
    (options.output / "cost.svg").write_text(lines, encoding="utf-8")
    lines = plot.lines({"measured": memory}, "frames in the clip", "peak memory, MB")
    (options.output / "memory.svg").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
