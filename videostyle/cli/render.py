"""``videostyle render``: paints videos, pictures and sequences, or one chunk of a clip for a job array."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.messages import message
from videostyle.cli.options import add_chunk_options, add_render_options, engine_from, render_settings, trains
from videostyle.errors import InputError, Interrupted, UsageError, VideostyleError

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.rendering.settings import Engine, RenderSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a video, a picture, a folder of pictures, or numbered pictures such as shot_%%04d.png or 'shot_*.png'",
    )
    parser.add_argument(
        "--style",
        required=True,
        help="a name of 'videostyle styles list', a style file, a picture of a painting (trained on first, some "
        "minutes), or a mix such as great-wave:0.7,starry-night:0.3",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="the file to write, or a folder to write it into (default: CLIP_stylized_STYLE.mp4 beside the input)",
    )
    add_render_options(parser)
    add_chunk_options(parser)
    parts = parser.add_argument_group(
        "one part of a clip, for job arrays of a cluster (all with the same INPUT, options and -o)"
    )
    parts = parts.add_mutually_exclusive_group()
    parts.add_argument(
        "--plan", action="store_true", help="look for cuts, split the clip into chunks, print their number, and stop"
    )
    parts.add_argument(
        "--chunk", type=int, metavar="N", help="paint chunk N of a planned clip, the first being 0, and stop"
    )


def run(options: argparse.Namespace) -> int:
    """Paints every input, and continues when one fails; returns the exit code of the first failure."""
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import load_tensorflow
    from videostyle.media.readers.open import expanded
    from videostyle.rendering.outputs import is_folder

    options.inputs = expanded(options.inputs)
    settings, engine = render_settings(options, options.style), engine_from(options)
    if options.output and len(options.inputs) > 1 and not is_folder(options.output):
        raise UsageError(
            "several inputs need a folder as output",
            f"'{options.output}' is not one",
            "end it with a slash, and it is made; or leave -o out",
        )
    outputs = _outputs(options, settings)
    load_tensorflow(frames_side_by_side=not trains(options.style))
    if options.chunk is not None or options.plan:
        return _part(options, settings)
    code, results = 0, []
    with stoppable() as cancel:
        for path, output in zip(options.inputs, outputs, strict=True):
            bars = Bars(options.quiet)
            try:
                results.append(_render_one(path, output, options, settings, engine, bars, cancel))
            except Interrupted:
                raise
            except VideostyleError as error:
                if len(options.inputs) == 1:
                    raise
                code = code or error.exit_code
                print(f"videostyle: {message(error)}", file=sys.stderr)
                results.append({"input": str(path), "error": message(error), "exit_code": error.exit_code})
            finally:
                bars.close()
    if options.json:
        print(json.dumps(results[0] if len(results) == 1 else {"results": results}))
    return code


def _part(options: argparse.Namespace, settings: RenderSettings) -> int:
    """Plans a clip, or paints one chunk of it; a render without these options then assembles it."""
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.rendering.chunks import paint_in_folders
    from videostyle.rendering.job_store import load_job, work_folder
    from videostyle.rendering.outputs import is_folder
    from videostyle.rendering.render import render

    if not options.output or is_folder(options.output) or len(options.inputs) != 1:
        raise UsageError("--plan and --chunk work on one output", hint="give one INPUT, and the file to write with -o")
    if options.chunk is not None:
        paint_in_folders([str(work_folder(Path(options.output)))], [options.chunk])
        print(json.dumps({"chunk": options.chunk}) if options.json else f"chunk {options.chunk} is finished")
        return 0
    with stoppable() as cancel:
        bars = Bars(options.quiet)
        try:
            report = render(
                options.inputs[0],
                options.output,
                settings,
                on_progress=bars,
                cancel=cancel,
                restart=options.restart,
                plan_only=True,
            )
        finally:
            bars.close()
    job = load_job(report.output)
    chunks = len(job.plan.chunks) if job is not None else 0
    data = {"folder": str(report.output), "chunks": chunks, "frames": report.frames}
    print(json.dumps(data) if options.json else chunks)
    return 0


def _outputs(options: argparse.Namespace, settings: RenderSettings) -> list[str | Path | None]:
    """Where each input goes; several inputs get different names, or are refused before anything is painted."""
    if len(options.inputs) == 1:
        return [options.output]
    from videostyle.media.readers.open import open_reader
    from videostyle.rendering.naming import OutputNames

    names = OutputNames()
    outputs: list[str | Path | None] = []
    for path in options.inputs:
        try:
            with open_reader(path, settings.reading(1)) as source:
                clip, info = source.path, source.info
        except InputError:
            outputs.append(options.output)  # refused, with the reason, when its turn comes
            continue
        folder = Path(options.output) if options.output else None
        outputs.append(names.choose(clip, settings, info, folder))
    return outputs


def _render_one(
    path: str,
    output: str | Path | None,
    options: argparse.Namespace,
    settings: RenderSettings,
    engine: Engine,
    bars: Bars,
    cancel: threading.Event,
) -> dict[str, object]:
    from videostyle.rendering.render import render

    report = render(
        path,
        output,
        settings,
        on_progress=bars,
        cancel=cancel,
        engine=engine,
        restart=options.restart,
    )
    warnings = [message(warning) for warning in report.warnings]
    if not options.quiet:
        for warning in warnings:
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
        "warnings": warnings,
    }
