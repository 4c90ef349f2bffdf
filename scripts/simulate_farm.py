"""Simulates how much faster 1 to 1,000 workers paint the chunks of real clips.

    python scripts/simulate_farm.py CLIP... [--repeat 40] [--failures 0.01] [--plot farm.svg]

Discrete events. The chunks are those that the plan rule makes of the clips' real cuts; what a chunk costs is
measured by painting a few of them here, with its start-up (a worker's first chunk also loads and compiles).
Workers fail, and some are slow; chunks are handed out longest first, a failed one again, and at the end idle
workers take copies of what still runs (stragglers), the first to finish counts.
"""

from __future__ import annotations

import argparse
import heapq
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videostyle.inference.startup import load_backend
from videostyle.metrics import plot
from videostyle.styles.resolve import find_style


@dataclass(frozen=True)
class Costs:
    """Seconds: of a frame on one worker, of a worker's start, of committing a chunk, of assembling a frame."""

    frame: float
    start: float
    commit: float
    assemble: float


def measured(clip: Path, style: str, rounds: int) -> tuple[Costs, list[int]]:
    """Costs on this machine, and the clip's chunk lengths."""
    from videostyle.media.readers.open import look_at
    from videostyle.rendering.chunks import paint_chunks
    from videostyle.rendering.job_store import load_job, remove_job
    from videostyle.rendering.processor_cache import ProcessorCache
    from videostyle.rendering.render import render
    from videostyle.rendering.settings import RenderSettings

    with tempfile.TemporaryDirectory() as folder:
        report = render(clip, Path(folder) / "out.mp4", RenderSettings(style), plan_only=True)
        job = load_job(report.output)
        if job is None:
            raise SystemExit(f"'{clip}' was not planned")
        began = time.perf_counter()
        source, cache = look_at(clip), ProcessorCache()
        first = paint_chunks([job], [0], source, cache)[0]
        start = max(0.0, time.perf_counter() - began - first.frames * first.busy["process"] / first.frames)
        frames, commits = [], []
        for _ in range(rounds):
            for number in range(min(3, len(job.plan.chunks))):
                began = time.perf_counter()
                done = paint_chunks([job], [number], source, cache)[0]
                seconds = time.perf_counter() - began
                frames.append(done.busy["process"] / done.frames)
                commits.append(max(0.0, seconds - done.busy["process"]))
        lengths = [count for _, count in job.plan.chunks]
        remove_job(job.folder)
    return Costs(statistics.median(frames), start + 3.0, statistics.median(commits), 2e-4), lengths


def simulate(
    lengths: list[int], workers: int, costs: Costs, rng: np.random.Generator, failures: float, slow_share: float
) -> float:
    """Seconds until everything is painted and assembled."""
    speed = np.where(rng.random(workers) < slow_share, rng.uniform(2, 5, workers), rng.normal(1.0, 0.05, workers))
    speed = np.maximum(speed, 0.7)
    pending = sorted(range(len(lengths)), key=lambda i: -lengths[i])[::-1]
    done: set[int] = set()
    running: dict[int, int] = {}  # chunk -> copies
    events: list[tuple[float, int, int, bool]] = []  # time, worker, chunk, whether it succeeded
    idle: list[tuple[float, int]] = []
    fresh = set(range(workers))

    def hand_out(worker: int, now: float) -> None:
        if pending:
            chunk = pending.pop()
        else:
            late = [c for c, copies in running.items() if c not in done and copies < 2]
            if not late:
                idle.append((now, worker))
                return
            chunk = max(late, key=lambda c: lengths[c])
        seconds = (lengths[chunk] * costs.frame + costs.commit) * speed[worker]
        if worker in fresh:
            fresh.discard(worker)
            seconds += costs.start
        works = rng.random() >= failures
        running[chunk] = running.get(chunk, 0) + 1
        heapq.heappush(events, (now + seconds * (1.0 if works else rng.uniform(0, 1)), worker, chunk, works))

    for worker in range(workers):
        hand_out(worker, 0.0)
    now = 0.0
    while len(done) < len(lengths):
        now, worker, chunk, works = heapq.heappop(events)
        running[chunk] -= 1
        if works:
            done.add(chunk)
        elif chunk not in done and running[chunk] == 0:
            pending.append(chunk)
        if not works:
            fresh.add(worker)  # a worker that failed begins anew
        hand_out(worker, now)
        waiting, idle = idle, []
        for _, other in waiting:
            hand_out(other, now)
    return now + sum(lengths) * costs.assemble


def main() -> None:
    """Measures, simulates, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--repeat", type=int, default=40, help="how often the clips' chunks are in the job")
    parser.add_argument("--failures", type=float, default=0.01, help="share of attempts that fail")
    parser.add_argument("--slow", type=float, default=0.03, help="share of workers that are two to five times slower")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    load_backend(frames_side_by_side=True)
    print(f"measuring with {find_style(options.style).card.name}", flush=True)
    lengths: list[int] = []
    costs = None
    for clip in options.clips:
        costs, found = measured(clip, options.style, options.rounds)
        lengths += found
    if costs is None:
        raise SystemExit("no clip")
    lengths = lengths * options.repeat
    print(
        f"{len(lengths)} chunks, {sum(lengths)} frames; a frame {1e3 * costs.frame:.1f} ms, start {costs.start:.1f} s,"
    )
    print(f"committing {1e3 * costs.commit:.0f} ms a chunk, assembling {1e3 * costs.assemble:.2f} ms a frame")
    alone = sum(lengths) * costs.frame  # what one worker with no overhead at all would need
    rng, curve = np.random.default_rng(0), []
    for workers in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        runs = [simulate(lengths, workers, costs, rng, options.failures, options.slow) for _ in range(5)]
        seconds = statistics.median(runs)
        curve.append((float(workers), alone / seconds / workers))
        gain = f"{alone / seconds:7.1f} times as fast, efficiency {curve[-1][1]:.2f}"
        print(f"{workers:5} workers: {seconds:8.1f} s, {gain}")
    if options.plot:
        drawing = plot.lines({"efficiency": curve}, "workers", "efficiency", log=True)
        options.plot.write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
