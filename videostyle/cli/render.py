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
    from videostyle.render.runner import RenderSettings


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
    machine = parser.add_argument_group("machine")
    machine.add_argument("--batch-size", type=int, help="frames computed at once (default: chosen by size)")
    machine.add_argument("--device", default="auto", help="auto, cpu, gpu, gpu:1")
    machine.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    machine.add_argument("--strict", action="store_true", help="damage in the input is an error")
    machine.add_argument("--no-hdr", action="store_true", help="refuse HDR instead of mapping it to SDR")


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
    from videostyle.cli.quiet import load_tensorflow
    from videostyle.io.sink import EncodeOptions
    from videostyle.io.timecode import parse
    from videostyle.render.runner import RenderSettings

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
    code, results = 0, []
    with stoppable() as cancel:
        for path in options.inputs:
            bars = Bars(options.quiet)
            try:
                results.append(_render_one(path, options, settings, bars, cancel))
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


def _render_one(
    path: str, options: argparse.Namespace, settings: RenderSettings, bars: Bars, cancel: threading.Event
) -> dict[str, object]:
    from videostyle.render.runner import render

    report = render(path, options.output, settings, progress=bars, cancel=cancel)
    if not options.quiet:
        for warning in report.warnings:
            print(f"warning: {Path(path).name}: {warning}", file=sys.stderr)
    if not options.json:
        print(report.output)
    return {
        "input": str(path),
        "output": str(report.output),
        "frames": report.frames,
        "seconds": round(report.seconds, 3),
        "fps": round(report.fps, 2),
        "first_frame_seconds": round(report.first_frame, 3),
        "busy_seconds": {stage: round(value, 3) for stage, value in report.busy.items()},
        "warnings": list(report.warnings),
    }
