"""Shows where the time of a render goes: a trace of the work of every stage on every batch, and a table.

    python scripts/profile_render.py CLIP [--style great-wave] [--trace trace.json] [--profile profile.txt]

The trace opens in https://ui.perfetto.dev or chrome://tracing: one row for each stage, one box for each batch.
``--profile`` adds what Python itself did in the main thread (cProfile, sorted by cumulative time).
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path

from videostyle.inference.startup import load_backend
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings

ROWS = {"plan": 1, "decode": 2, "process": 3, "encode": 4}


def main() -> None:
    """Renders into a folder of its own and writes the trace."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--trace", type=Path, default=Path("trace.json"))
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    load_backend(frames_side_by_side=True)

    origin = time.monotonic()
    events: list[dict] = [
        {"name": "thread_name", "ph": "M", "pid": 1, "tid": row, "args": {"name": stage}} for stage, row in ROWS.items()
    ]
    planned: list[float] = []

    def box(stage: str, began: float, ended: float, frame: int) -> None:
        event = {"name": stage, "ph": "X", "pid": 1, "tid": ROWS[stage], "args": {"frame": frame}}
        events.append({**event, "ts": 1e6 * (began - origin), "dur": 1e6 * (ended - began)})

    def progress(phase: str, count: int, total: int | None) -> None:
        if phase == "plan":
            planned.append(time.monotonic())

    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as folder:
        settings = RenderSettings(style=options.style, overwrite=True)
        if options.profile:
            profile.enable()
        report = render(options.clip, Path(folder) / "out.mp4", settings, on_progress=progress, trace=box)
        profile.disable()
    whole = time.monotonic() - origin
    if planned:
        box("plan", origin, planned[-1], 0)
    options.trace.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")
    if options.profile:
        with options.profile.open("w", encoding="utf-8") as file:
            pstats.Stats(profile, stream=file).sort_stats("cumulative").print_stats(60)
    print(f"{report.frames} frames, {report.fps:.2f} frames/s, {whole:.1f} s with planning and loading")
    for stage, seconds in report.busy.items():
        print(f"{stage:8} {1e3 * seconds / report.frames:7.2f} ms a frame, busy {seconds / report.seconds:5.1%}")
    print(f"trace: {options.trace}")


if __name__ == "__main__":
    main()
