"""``videostyle batch``: paints many clips in many styles, and continues when a clip fails."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.cli.messages import message
from videostyle.cli.options import (
    add_chunk_options,
    add_inputs,
    add_render_options,
    base_settings,
    engine_from,
    given_settings,
    inputs_of,
    render_settings,
)
from videostyle.errors import OutputError, UsageError, raise_all

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.rendering.batch_tasks import Outcome, Task
    from videostyle.rendering.job_file import JobEntry
    from videostyle.rendering.settings import RenderSettings


WATCH_SECONDS = 5  # between two looks at watched folders


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    add_inputs(parser, "folders of clips, clips, or a job file (.toml) that names clips, styles and settings")
    parser.add_argument(
        "--style",
        action="append",
        default=[],
        help="as in 'videostyle render'; may be given several times: each clip is painted in each style",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="write there, in the same subfolders as the clips (default: beside the clips)",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only show what would be painted, how long that takes and how much disk it needs",
    )
    parser.add_argument(
        "--report", metavar="FILE.json", help="a file to write the result of each output into, while the batch runs"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help=f"go on looking for new clips, every {WATCH_SECONDS} seconds, until Ctrl-C (default: paint what there is)",
    )
    parser.add_argument(
        "--allow-outside", action="store_true", help="let a job file name clips and outputs outside its own folder"
    )
    add_render_options(parser)
    add_chunk_options(parser)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "unknown time"
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def run(options: argparse.Namespace) -> int:
    """Paints everything; returns the exit code of the first failure."""
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.cli.training_notice import announce
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.media.atomic import disk_free
    from videostyle.rendering.batch import Clock, run_tasks
    from videostyle.rendering.batch_tasks import disk_needed, mistakes_of_tasks, plan_tasks
    from videostyle.rendering.watch import Watch

    settings, engine = render_settings(options, ""), engine_from(options)
    entries, folder = _entries(options, settings), _folder(options)
    with Bars(options.quiet) as bars:
        bars.note("looking at the clips", logged=False)
        tasks, failed = plan_tasks(entries, folder)
        wrong = mistakes_of_tasks(tasks)
    raise_all(wrong)
    bars = Bars(options.quiet)
    if (tasks or options.watch) and not options.dry_run:
        learns = announce([style for entry in entries for style in entry.styles], bars)
        bars.note(f"loading {backend_title()}")
        load_backend(frames_side_by_side=not learns)
    clock = Clock(_measured(settings.device, bars))
    bars.close()
    needed = disk_needed(task for task in tasks if not task.is_there)
    free = disk_free(tasks[0].output.parent) if tasks else 0
    if options.dry_run:
        return _show_plan(options, tasks, failed, clock, needed, free)
    if needed > free and tasks and not options.quiet:
        print(f"warning: about {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free", file=sys.stderr)

    def bars_of(tasks: Sequence[Task]) -> Bars:
        bars.close()
        if len({task.input for task in tasks}) == 1:
            bars.say(f"{tasks[0].input.name}, {', '.join(task.settings.style for task in tasks)}")
        bars.note("getting ready", logged=False)
        return bars

    def on_outcome(outcome: Outcome, left: float | None) -> None:
        text = f": {message(outcome.error)}" if outcome.error else ""
        rest = f"; {_duration(left)} left" if left else ""
        bars.say(f"{outcome.status} {outcome.task.output.name}{text}{rest}")

    def paint(tasks: Sequence[Task], failed: Sequence[Outcome]) -> list[Outcome]:
        try:
            return run_tasks(
                tasks,
                engine,
                bars=bars_of,
                on_outcome=on_outcome,
                cancel=cancel,
                report=Path(options.report) if options.report else None,
                failed=failed,
                restart=options.restart,
                clock=clock,
            )
        finally:
            bars.close()

    with stoppable() as cancel:
        outcomes = paint(tasks, () if options.watch else failed)
        if options.watch:
            watch = Watch(lambda: plan_tasks(entries, folder))
            watch.tried(tasks)
            bars.say("watching for new clips; Ctrl-C ends it")
            while not cancel.wait(WATCH_SECONDS):
                if new := watch.look():
                    outcomes = paint(new, outcomes)
    if options.json:
        print(json.dumps({"tasks": [outcome.row() for outcome in outcomes]}))
    else:
        _table(outcomes)
    return next((outcome.exit_code for outcome in outcomes if outcome.exit_code), 0)


def _entries(options: argparse.Namespace, settings: RenderSettings) -> list[JobEntry]:
    """What is to be painted: the entries of job files, and an entry for each clip or folder.

    Raises:
        UsageError: if a job file cannot be used, or no style is named for a clip.
    """
    from videostyle.rendering.job_file import JobEntry, read_job_file

    entries: list[JobEntry] = []
    for name in inputs_of(options):
        path = Path(name)
        if path.suffix.lower() == ".toml":
            if options.style:
                raise UsageError(
                    "--style has no effect on a job file", hint="write styles = [...] into the file instead"
                )
            entries += read_job_file(
                path, base_settings(), override=given_settings(options), allow_outside=options.allow_outside
            )
        elif not options.style:
            raise UsageError("no style is named", hint="give one or more with --style")
        else:
            entries.append(JobEntry(path, tuple(dict.fromkeys(options.style)), settings))
    return entries


def _folder(options: argparse.Namespace) -> Path | None:
    """The folder of ``-o``; None if it was not given.

    Raises:
        UsageError: if it is a file.
        OutputError: if it cannot be looked at.
    """
    folder = Path(options.output) if options.output else None
    try:
        if folder is not None and folder.exists() and not folder.is_dir():
            raise UsageError(f"'{folder}' is a file", hint="give a folder with -o")
    except OSError as error:
        raise OutputError(f"cannot write to '{folder}'", error.strerror or str(error), "use another -o") from error
    return folder


def _measured(device: str, bars: Bars) -> float | None:
    """Megapixels per second, from ``bench``; a whole render reaches about two thirds of the device alone."""
    from videostyle.styles.gallery import measured_at

    if not measured_at().is_file():
        return None
    from videostyle.inference.startup import load_backend

    bars.note("looking for what was measured", logged=False)
    load_backend(frames_side_by_side=True)
    from videostyle.inference import tuning
    from videostyle.inference.device import choose_device

    found = tuning.load(choose_device(device))
    return 0.65 * found.frames_per_second * found.size[0] * found.size[1] / 1e6 if found else None


def _show_plan(
    options: argparse.Namespace, tasks: list[Task], failed: list[Outcome], clock: Any, needed: int, free: int
) -> int:
    from videostyle.rendering.batch_tasks import outcome_of_existing

    total = clock.left(sum(task.cost for task in tasks if not task.is_there))
    there = {task.output: outcome_of_existing(task) for task in tasks if task.is_there}
    again = bool(getattr(options, "overwrite", False))
    failed = [*failed, *(() if again else (found for found in there.values() if found.error))]
    if options.json:
        rows = [
            {"input": str(t.input), "output": str(t.output), "style": t.settings.style, "frames": t.frames,
             "megapixels": round(t.cost, 2), "seconds": clock.left(t.cost), "exists": t.is_there,
             "differs": message(there[t.output].error) if t.output in there else ""}
            for t in tasks
        ]  # fmt: skip
        bad = [outcome.row() for outcome in failed]
        print(json.dumps({"tasks": rows, "failed": bad, "seconds": total, "bytes": needed, "free": free}))
        return next((outcome.exit_code for outcome in failed), 0)
    for task in tasks:
        state = _duration(clock.left(task.cost))
        if task.output in there:
            state = "exists, is painted anew" if again else "exists, is kept"
        frames = f"{task.frames or '?'} frame{'' if task.frames == 1 else 's'}"
        print(f"{task.input} -> {task.output}: {task.settings.style}, {frames}, {state}")
    for outcome in failed:
        name = outcome.task.output if outcome.task.output in there else outcome.task.input
        print(f"{name}: {message(outcome.error)}")
    disk = f", {_duration(total)}, about {needed / 1e6:.0f} MB of disk ({free / 1e6:.0f} MB are free)" if tasks else ""
    print(f"{len(tasks)} output{'' if len(tasks) == 1 else 's'}{disk}")
    if total is None and tasks:
        print("'videostyle bench' measures this machine once; the time is known then")
    return next((outcome.exit_code for outcome in failed), 0)


def _table(outcomes: list[Outcome]) -> None:
    width = max((len(outcome.task.input.name) for outcome in outcomes), default=4)
    line = partial("{:{w}}  {:24} {:8} {:>7} {:>8}  {}".format, w=min(width, 40))
    print(line("clip", "style", "status", "frames", "seconds", "").rstrip())
    for outcome in outcomes:
        task = outcome.task
        note = message(outcome.error or "; ".join(outcome.warnings))
        seconds = f"{outcome.seconds:.1f}" if outcome.seconds else ""
        row = line(task.input.name, task.settings.style, outcome.status, outcome.frames or "", seconds, note)
        print(row.rstrip())
