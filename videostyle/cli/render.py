"""``videostyle render``: paints videos, pictures and sequences, or one chunk of a clip for a job array."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.colour import YELLOW, coloured
from videostyle.cli.messages import message
from videostyle.cli.options import (
    add_chunk_options,
    add_inputs,
    add_render_options,
    engine_from,
    inputs_of,
    render_settings,
)
from videostyle.errors import InputError, Interrupted, SettingError, UsageError, VideostyleError, raise_all

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.rendering.outputs import OutputRequest
    from videostyle.rendering.settings import Engine, RenderSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    add_inputs(
        parser,
        "a video, a picture, a folder of pictures, or numbered pictures such as shot_%%04d.png or 'shot_*.png'",
    )
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        help="a name of 'videostyle styles list', a style file, a picture of a painting (learnt first, some minutes), "
        "a mix such as great-wave:0.7,starry-night:0.3, or a style with its strength, great-wave:0.6; may be given "
        "several times: each makes an output",
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
    """Paints every input in every style, and continues when one fails; returns the exit code of the first failure."""
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.cli.training_notice import announce
    from videostyle.inference.canvas_sampling import draw_ahead
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.media.readers.open import expanded
    from videostyle.rendering.outputs import is_folder

    if options.chunk is not None and options.chunk < 0:
        raise SettingError("chunk", f"{options.chunk} is too small", "the first chunk is 0")
    styles = list(dict.fromkeys(options.style))
    settings, engine = [render_settings(options, style) for style in styles], engine_from(options)
    options.inputs = expanded(inputs_of(options))
    several = len(options.inputs) > 1 or len(settings) > 1
    if options.output and several and not is_folder(options.output):
        raise UsageError(
            f"several {'inputs' if len(options.inputs) > 1 else 'styles'} need a folder as output",
            f"'{options.output}' is not one",
            "end it with a slash, and it is made; or leave -o out",
        )
    works = _planned(options, settings)
    code, results = 0, []
    with Bars(options.quiet) as bars, stoppable() as cancel:
        learns = announce([one.style for one in settings], bars)
        if options.chunk is not None or options.plan:
            return _part(options, settings, bars, cancel)
        for work in works:
            try:
                if work.error is not None:
                    raise work.error
                bars.note(f"loading {backend_title()}")
                draw_ahead(settings[0].seed)
                load_backend(frames_side_by_side=not learns)
                results += _render_one(work, options, engine, bars, cancel)
            except Interrupted:
                raise
            except VideostyleError as error:
                if len(works) == 1:
                    raise
                code = code or error.exit_code
                bars.say(f"videostyle: {message(error)}")
                results.append({"input": work.path, "error": str(error), "exit_code": error.exit_code})
    if options.json:
        print(json.dumps(results[0] if len(results) == 1 else {"results": results}))
    return code


@dataclass
class _Work:
    """One input: what to make of it, or why that cannot be."""

    path: str
    requests: list[OutputRequest]
    error: VideostyleError | None = None


def _planned(options: argparse.Namespace, settings: list[RenderSettings]) -> list[_Work]:
    """What to make of each input; different outputs get different names. Mistakes are found before anything is painted.

    Raises:
        VideostyleError: all that is wrong with the command itself: styles, names, codecs, existing outputs. An input
            that cannot be read is the error of its own work, if there are others.
    """
    from videostyle.media.readers.open import open_reader
    from videostyle.rendering.naming import OutputNames
    from videostyle.rendering.outputs import OutputRequest
    from videostyle.rendering.preflight import mistakes_of
    from videostyle.styles.resolve import check_style

    several = len(options.inputs) > 1 or len(settings) > 1
    names = OutputNames()
    works: list[_Work] = []
    wrong: list[VideostyleError] = []
    for path in options.inputs:
        try:
            source = open_reader(path, settings[0].reading(1))
        except InputError as error:
            works.append(_Work(path, [], error))
            continue
        requests = []
        for one in settings:
            try:
                output: str | Path | None = options.output
                if several:
                    folder = Path(options.output) if options.output else None
                    output = names.choose(source.path, one, source.info, folder)
                requests.append(OutputRequest(output, one, make_folder=several and bool(options.output)))
            except UsageError as error:
                wrong.append(error)
        if options.chunk is None:
            wrong += mistakes_of(requests, source)
        works.append(_Work(path, requests))
    if not any(work.requests for work in works):  # all inputs failed: what else is wrong is found all the same
        for one in settings:
            try:
                check_style(one.style, one.strength)
            except VideostyleError as error:
                wrong.append(error)
    unreadable = [work.error for work in works if work.error is not None]
    raise_all([*(unreadable if wrong or len(works) == 1 else []), *wrong])
    return works


def _part(options: argparse.Namespace, settings: list[RenderSettings], bars: Bars, cancel: threading.Event) -> int:
    """Plans a clip, or paints one chunk of it; a render without these options then assembles it."""
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.rendering.chunks import paint_in_folders
    from videostyle.rendering.job_store import load_job, work_folder
    from videostyle.rendering.outputs import is_folder
    from videostyle.rendering.render import render

    if not options.output or is_folder(options.output) or len(options.inputs) != 1 or len(settings) != 1:
        why = "one INPUT, one --style, and the file to write with -o"
        raise UsageError("--plan and --chunk work on one output", hint=f"give {why}")
    bars.note(f"loading {backend_title()}")
    load_backend(frames_side_by_side=True)
    if options.chunk is not None:
        paint_in_folders([str(work_folder(Path(options.output)))], [options.chunk])
        bars.close()
        print(json.dumps({"chunk": options.chunk}) if options.json else f"chunk {options.chunk} is finished")
        return 0
    report = render(
        options.inputs[0],
        options.output,
        settings[0],
        on_progress=bars,
        cancel=cancel,
        restart=options.restart,
        plan_only=True,
    )
    bars.close()
    job = load_job(report.output)
    chunks = len(job.plan.chunks) if job is not None else 0
    data = {"folder": str(report.output), "chunks": chunks, "frames": report.frames}
    print(json.dumps(data) if options.json else chunks)
    return 0


def _render_one(
    work: _Work, options: argparse.Namespace, engine: Engine, bars: Bars, cancel: threading.Event
) -> list[dict[str, object]]:
    """Renders all outputs of an input, decoding it once, and prints their names."""
    from videostyle.rendering.render import render_all

    reports = render_all(
        work.path, work.requests, on_progress=bars, cancel=cancel, engine=engine, restart=options.restart
    )
    bars.close()
    rows: list[dict[str, object]] = []
    for report, request in zip(reports, work.requests, strict=True):
        if not options.quiet:
            for warning in report.warnings:
                word = coloured("warning:", YELLOW, sys.stderr)
                print(f"{word} {Path(work.path).name}: {message(warning)}", file=sys.stderr)
        if not options.json:
            print(report.output)
        rows.append(
            {
                "input": work.path,
                "output": str(report.output),
                "style": request.settings.style,
                "frames": report.frames,
                "resumed_frames": report.resumed,
                "seconds": round(report.seconds, 3),
                "fps": round(report.fps, 2),
                "first_frame_seconds": round(report.first_frame, 3),
                "busy_seconds": {stage: round(value, 3) for stage, value in report.busy.items()},
                "warnings": [message(warning) for warning in report.warnings],
            }
        )
    return rows
