"""``videostyle bench``: measures this machine, and keeps the fastest settings for later renders."""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.options import add_backend_option, size
from videostyle.errors import UsageError
from videostyle.network.precision import PRECISIONS

if TYPE_CHECKING:
    from videostyle.rendering.bench_report import BenchReport

log = logging.getLogger("videostyle")

SIZES = "640x360,1280x720"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "--style",
        default="great-wave",
        help="the style to measure with; only the size of its network makes a difference (default: great-wave)",
    )
    parser.add_argument("--sizes", default=SIZES, metavar="WxH,...", help=f"frame sizes to measure (default: {SIZES})")
    parser.add_argument(
        "--batches", default="1,2,4", metavar="N,...", help="numbers of frames computed at once to try (default: 1,2,4)"
    )
    parser.add_argument(
        "--precisions",
        metavar="NAME,...",
        help="precisions to try (default: float32, and bfloat16 where the device has it)",
    )
    add_backend_option(parser)
    parser.add_argument(
        "--device", default="auto", help="auto, cpu, gpu, or one GPU as gpu:1 (default: auto, a GPU if there is one)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="times that each measurement is run (default: 5)"
    )
    parser.add_argument(
        "--frames",
        type=int,
        default=60,
        metavar="N",
        help="length of the clip that is painted, at 640x360 (default: 60)",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE.svg",
        help="a plot to write: the speed that was reached against what processor and memory allow (roofline)",
    )
    parser.add_argument(
        "--against",
        choices=("classic",),
        help="another network to compare with, in turns: classic, that of Johnson et al. 2016, which most programs use",
    )
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace a plot that exists already")
    parser.add_argument("--no-save", action="store_true", help="do not keep the fastest way for later renders")


def _numbers(text: str, what: str) -> list[int]:
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or min(values) < 1:
        raise UsageError(f"cannot read {what} '{text}'", hint="give whole numbers with commas between them, as 1,2,4")
    return values


def run(options: argparse.Namespace) -> int:
    """Measures, prints a table, and keeps the fastest settings."""
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.styles.resolve import resolve

    sizes = [size(part, 32, even=True) for part in options.sizes.split(",")]
    batches = _numbers(options.batches, "the batches")
    if options.rounds < 1 or options.frames < 1:
        raise UsageError("--rounds and --frames cannot be 0", hint="give at least 1")
    style = resolve(options.style)
    precisions = options.precisions.split(",") if options.precisions else []
    if unknown := [name for name in precisions if name not in PRECISIONS[1:]]:
        raise UsageError(f"no precision '{unknown[0]}'", hint=f"use some of {', '.join(PRECISIONS[1:])}")
    from videostyle.media.atomic import PendingOutput

    picture = PendingOutput(Path(options.plot), overwrite=options.overwrite) if options.plot else None
    bars = Bars(options.quiet)
    try:
        bars.note(f"loading {backend_title()}")
        load_backend(frames_side_by_side=True)
        from videostyle.inference import tuning
        from videostyle.inference.device import choose_device, choose_precision
        from videostyle.metrics import plot
        from videostyle.rendering.bench import bench

        device = choose_device(options.device)
        precisions = precisions or [choose_precision("auto", device)]
        if "float32" not in precisions:
            precisions.insert(0, "float32")
        with tempfile.TemporaryDirectory(prefix="videostyle-bench-") as folder:
            report = bench(
                style, sizes, batches, precisions, device, Path(folder),
                rounds=options.rounds, frames=options.frames, classic=options.against == "classic",
                on_progress=lambda text: bars.note(f"measuring: {text}"),
            )  # fmt: skip
        if picture is not None:
            peak = max(report.peaks.values())
            rows = [report.best(size) for size in sizes]
            points = {f"{r.size[0]}x{r.size[1]}, {r.precision}, batch {r.batch}": (r.intensity, r.flops) for r in rows}
            picture.temporary.write_text(plot.roofline(peak, report.bandwidth, points), encoding="utf-8")
            picture.commit()
    finally:
        bars.close()
        if picture is not None:
            picture.abort()
    from videostyle.rendering.bench_limits import advice, limits

    best = report.best(sizes[0])
    kept = None
    if not options.no_save:
        pixels = best.batch * best.workers * best.size[0] * best.size[1]
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        found = tuning.Tuning(best.precision, pixels, round(best.fps.median, 2), best.size, now)
        try:
            kept = tuning.save(device, found)
        except OSError as error:  # the measurement is shown all the same
            log.warning("not kept for the next time: cannot write %s: %s", tuning.path(), error.strerror or error)
    if options.json:
        summary = {"limits": [limits(report, row) for row in report.sizes], "advice": advice(report)}
        print(json.dumps({**asdict(report), **summary, "best": asdict(best), "tuning": str(kept) if kept else None}))
    else:
        _print(report)
        print(f"best: {best.precision}, batches of {best.batch} frames, {best.workers} batches in parallel")
        if kept:
            print(f"later renders use this ({kept})")
    return 0


def _print(report: BenchReport) -> None:
    from videostyle.rendering.bench_limits import advice, limits

    print(f"{report.device}, {report.cores} cores")
    for precision, peak in report.peaks.items():
        print(f"matrix product in {precision}: {peak / 1e9:.0f} GFLOP/s")
    print(f"memory: {report.bandwidth / 1e9:.1f} GB/s; peak of this process {report.peak_memory / 1e9:.2f} GB")
    print("\ndevice alone   precision  batch  frames/s (spread)  p50 ms  p95 ms  up ms  down ms  GFLOP/s  of peak  dB")
    for r in report.rows:
        print(
            f"{r.size[0]}x{r.size[1]:<9} {r.precision:10} {r.batch:5}  {r.fps.median:8.1f} ({r.fps.spread:5.1%})"
            f"  {r.p50:6.1f}  {r.p95:6.1f}  {r.upload:5.2f}  {r.download:7.2f}  {r.flops / 1e9:7.0f}  {r.share:7.1%}"
            f"  {r.decibels:.0f}"
        )
    print("\nframes/s    decode   device   encode  together (spread)  stages allow  share")
    for s in report.sizes:
        print(
            f"{s.size[0]}x{s.size[1]:<5} {s.decode.median:8.0f} {s.device.median:8.1f} {s.encode.median:8.1f}"
            f"  {s.together.median:8.2f} ({s.together.spread:5.1%})  {s.ideal:12.2f}  {s.share:5.2f}"
        )
    for a in report.against:
        print(
            f"{a.size[0]}x{a.size[1]}, {a.precision}: {a.ours.median:.1f} frames/s, the classic network "
            f"{a.classic.median:.2f} ({a.classic.spread:.1%}): {a.times:.1f} times as fast"
        )
    for s in report.sizes:
        print(f"\nlimits at {s.size[0]}x{s.size[1]}")
        for line in limits(report, s):
            print(f"  {line}")
    print(f"\n{advice(report)}")
