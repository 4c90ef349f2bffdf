"""``videostyle render``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.errors import Interrupted, UsageError, VideostyleError

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.render.settings import Engine, RenderSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="video, picture, folder of pictures, or a pattern such as shot_%%04d.png",
    )
    parser.add_argument(
        "--style",
        required=True,
        help="a style's name, a style file, a picture (trained on first), or a mix a:0.7,b:0.3",
    )
    parser.add_argument(
        "-o", "--output", help="file to write, or a folder (default: CLIP_stylized_STYLE.mp4 beside the input)"
    )
    look = parser.add_argument_group("look")
    look.add_argument(
        "--strength", type=float, default=1.0, metavar="0..1", help="0 leaves the picture as it is (default: 1)"
    )
    look.add_argument("--preserve-color", action="store_true", help="keep the clip's own colours")
    look.add_argument("--max-size", type=int, metavar="PIXELS", help="longest side of the output")
    part = parser.add_argument_group("part and rate")
    part.add_argument("--start", metavar="TIME", help="seconds, hh:mm:ss or frames (120f)")
    part.add_argument("--end", metavar="TIME", help="where to stop, not included")
    part.add_argument(
        "--fps", metavar="RATE", help="constant rate, as 25 or 30000/1001 (default: the source's own times)"
    )
    writing = parser.add_argument_group("writing")
    writing.add_argument(
        "--codec", help="h264, hevc, av1, vp9, prores, ffv1, gif, webp, png, or a hardware encoder such as h264_nvenc"
    )
    writing.add_argument("--crf", type=int, help="constant quality, lower is better (default: the codec's own)")
    writing.add_argument("--preset", help="speed of the encoder, in its own words (medium, slow...)")
    writing.add_argument("--pix-fmt", help="stored pixel format, such as yuv444p")
    writing.add_argument("--no-audio", action="store_true", help="leave sound and subtitles out")
    writing.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")
    add_chunk_options(parser)
    parts = parser.add_argument_group("one part of a clip, for job arrays on a cluster (all with the same -o)")
    parts = parts.add_mutually_exclusive_group()
    parts.add_argument("--plan", action="store_true", help="only plan: prints the number of chunks")
    parts.add_argument("--chunk", type=int, metavar="N", help="only paint chunk N of a planned clip, from 0")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--batch-size", type=int, help="frames computed at once (default: chosen by size)")
    machine.add_argument("--device", default="auto", help="auto, cpu, gpu, gpu:1")
    machine.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    machine.add_argument("--strict", action="store_true", help="damage in the input is an error")
    machine.add_argument("--no-hdr", action="store_true", help="refuse HDR instead of mapping it to SDR")


def add_chunk_options(parser: argparse.ArgumentParser) -> None:
    """Options on broken-off renders and on who paints, which ``batch`` has as well."""
    chunks = parser.add_argument_group("long clips")
    kept = chunks.add_mutually_exclusive_group()
    kept.add_argument("--resume", action="store_true", help="go on with a render that was broken off (the default)")
    kept.add_argument("--restart", action="store_true", help="throw away what a broken-off render left and begin anew")
    chunks.add_argument("--engine", default="local", choices=["local", "ray"], help="who paints (default: local)")
    chunks.add_argument("--workers", type=int, help="processes, or chunks at once on a cluster (default: 1; all of it)")
    chunks.add_argument("--address", help="of a Ray cluster (default: one on this machine)")


def _trains(style: str) -> bool:
    """Whether a style may have to be trained first, for which all cores should work on each operation."""
    return style.lower().endswith((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))


def _rate(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(f"cannot read the rate '{text}'", hint="give 25, 29.97 or 30000/1001")
    known = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
    return next((k for k in known if abs(k - rate) < Fraction(1, 100) and rate.denominator != 1), rate)


def run(options: argparse.Namespace) -> int:
    """Paints every input; goes on past a failed one and ends with the first failure's exit code."""
    from videostyle.cli.progress import Bars, stoppable
    from videostyle.io.sink import EncodeOptions
    from videostyle.io.timecode import parse
    from videostyle.processors.startup import load_tensorflow
    from videostyle.render.settings import Engine, RenderSettings

    encode = EncodeOptions(
        codec=options.codec,
        crf=options.crf,
        preset=options.preset,
        pixel_format=options.pix_fmt,
        audio=not options.no_audio,
        overwrite=options.overwrite,
    )
    settings = RenderSettings(
        style=options.style,
        strength=options.strength,
        preserve_color=options.preserve_color,
        start=parse(options.start) if options.start else None,
        end=parse(options.end) if options.end else None,
        max_size=options.max_size,
        frame_rate=_rate(options.fps),
        encode=encode,
        batch_size=options.batch_size,
        device=options.device,
        precision=options.precision,
        strict=options.strict,
        allow_hdr=not options.no_hdr,
    )
    if options.output and len(options.inputs) > 1 and not Path(options.output).is_dir():
        raise UsageError(
            "several inputs need a folder as output", f"'{options.output}' is not one", "create it, or leave -o out"
        )
    load_tensorflow(frames_side_by_side=not _trains(options.style))
    if options.chunk is not None or options.plan:
        return _part(options, settings)
    engine = Engine(options.engine, options.workers, options.address)
    code, results = 0, []
    with stoppable() as cancel:
        for path in options.inputs:
            bars = Bars(options.quiet)
            try:
                results.append(_render_one(path, options, settings, engine, bars, cancel))
            except Interrupted:
                raise
            except VideostyleError as error:
                if len(options.inputs) == 1:
                    raise
                code = code or error.exit_code
                print(f"videostyle: {error}", file=sys.stderr)
                results.append({"input": str(path), "error": str(error), "exit_code": error.exit_code})
            finally:
                bars.close()
    if options.json:
        print(json.dumps(results[0] if len(results) == 1 else {"results": results}))
    return code


def _part(options: argparse.Namespace, settings: RenderSettings) -> int:
    """Plans a clip, or paints one chunk of it; a render without these options then assembles it."""
    from videostyle.cli.progress import Bars, stoppable
    from videostyle.render.executors import paint_in_folder
    from videostyle.render.job import load_job, work_folder
    from videostyle.render.runner import render

    if not options.output or len(options.inputs) != 1:
        raise UsageError("--plan and --chunk need one INPUT and a file name with -o")
    if options.chunk is not None:
        paint_in_folder(str(work_folder(Path(options.output))), [options.chunk])
        print(json.dumps({"chunk": options.chunk}) if options.json else f"chunk {options.chunk} is finished")
        return 0
    with stoppable() as cancel:
        bars = Bars(options.quiet)
        try:
            kept = "discard" if options.restart else "use"
            report = render(
                options.inputs[0], options.output, settings, progress=bars, cancel=cancel, kept=kept, plan_only=True
            )
        finally:
            bars.close()
    job = load_job(report.output)
    chunks = len(job.plan.chunks) if job is not None else 0
    data = {"folder": str(report.output), "chunks": chunks, "frames": report.frames}
    print(json.dumps(data) if options.json else chunks)
    return 0


def _render_one(
    path: str,
    options: argparse.Namespace,
    settings: RenderSettings,
    engine: Engine,
    bars: Bars,
    cancel: threading.Event,
) -> dict[str, object]:
    from videostyle.render.runner import render

    kept = "discard" if options.restart else "use"
    report = render(path, options.output, settings, progress=bars, cancel=cancel, engine=engine, kept=kept)
    if not options.quiet:
        for warning in report.warnings:
            print(f"warning: {Path(path).name}: {warning}", file=sys.stderr)
    if not options.json:
        print(report.output)
    return {
        "input": str(path),
        "output": str(report.output),
        "frames": report.frames,
        "resumed_frames": report.resumed,
        "seconds": round(report.seconds, 3),
        "fps": round(report.fps, 2),
        "first_frame_seconds": round(report.first_frame, 3),
        "busy_seconds": {stage: round(value, 3) for stage, value in report.busy.items()},
        "warnings": list(report.warnings),
    }
