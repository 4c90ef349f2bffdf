"""Paints the tasks of a batch, and continues when one fails; each clip is decoded once for all of its outputs."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.errors import DeviceError, Interrupted, OutputError, VideostyleError
from videostyle.media.atomic import write_whole
from videostyle.rendering.batch_tasks import Outcome, Task, failure_of, outcome_of_existing
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.settings import Engine

if TYPE_CHECKING:
    from videostyle.rendering.chunked_clip import ChunkedClip
    from videostyle.rendering.pipeline import RunReport

log = logging.getLogger("videostyle")

ATTEMPTS = 2  # for faults that may pass, such as a full disk or a busy device


class Clock:
    """Estimates the time left from the megapixels per second so far.

    Args:
        rate: megapixels per second to assume before anything is painted; None = unknown.
    """

    def __init__(self, rate: float | None) -> None:
        self._guess, self._done, self._seconds = rate, 0.0, 0.0

    def add(self, megapixels: float, seconds: float) -> None:
        """Adds the megapixels that were painted, and the time they took."""
        self._done += megapixels
        self._seconds += seconds

    def left(self, megapixels: float) -> float | None:
        """Estimated seconds for ``megapixels``; None if nothing is known yet."""
        rate = self._done / self._seconds if self._seconds > 0 and self._done > 0 else self._guess
        return megapixels / rate if rate else None


Groups = list[list[Task]]
Bars = Callable[[Sequence[Task]], ProgressFunction]


def groups_of(tasks: Iterable[Task]) -> Groups:
    """Groups of tasks that share one decoding of a clip, in the order of the first task of each."""
    from videostyle.media.ffmpeg.codecs import codec_for

    groups: dict[Any, list[Task]] = {}
    for task in tasks:
        codec = task.settings.encode.codec
        try:
            # An output that cannot be joined from chunks would keep the others in its group from it.
            in_parts = codec == "png" or bool(codec_for(codec, task.output.suffix).stream)
        except VideostyleError:
            in_parts = False  # the error is reported when the task is painted
        groups.setdefault((task.input, task.settings.reading(1), in_parts), []).append(task)
    return list(groups.values())


class _ResultLog:
    """Collects outcomes, writes the report, and decides which tasks are tried again."""

    def __init__(
        self,
        tasks: Sequence[Task],
        failed: Sequence[Outcome],
        report: Path | None,
        on_outcome: Callable[[Outcome, float | None], None] | None,
        clock: Clock,
    ) -> None:
        self.outcomes = list(failed)
        self._report, self._on_outcome, self._clock = report, on_outcome, clock
        self._left = sum(task.cost for task in tasks)
        self._tried: dict[Path, int] = {}
        self._since = time.monotonic()

    def waiting(self, group: Sequence[Task]) -> list[Task]:
        """The tasks of a group that are to be painted; those whose output exists get an outcome, and it stays."""
        left = []
        for task in group:
            if task.is_there and not task.settings.encode.overwrite:
                self.note(outcome_of_existing(task))
            else:
                left.append(task)
        return left

    def note(self, *outcomes: Outcome) -> None:
        """Adds final outcomes."""
        for outcome in outcomes:
            self.outcomes.append(outcome)
            self._left -= outcome.task.cost
            self.write()
            if self._on_outcome is not None:
                self._on_outcome(outcome, self._clock.left(self._left))

    def done(self, group: Sequence[Task], reports: Sequence[RunReport]) -> None:
        """Adds the outcomes of a group that was painted."""
        painted = sum(t.pixels * (r.frames - r.resumed) for t, r in zip(group, reports, strict=True))
        now = time.monotonic()
        self._clock.add(painted / 1e6, now - self._since)
        self._since = now
        self.note(
            *(
                Outcome(task, "done", report.frames, report.seconds, report.resumed, warnings=report.warnings)
                for task, report in zip(group, reports, strict=True)
            )
        )

    def again(self, group: Sequence[Task], error: Exception) -> Groups:
        """The groups to try again after a group failed; the other tasks get the outcome "failed"."""
        if len(group) > 1:
            # A style that cannot be used, or an output that cannot be written, must not affect the others.
            log.info("%s: %s; its outputs are painted one by one", group[0].input.name, error)
            return [[task] for task in group]
        if not isinstance(error, VideostyleError):
            self.note(failure_of(group[0], error))
            return []
        tried = self._tried[group[0].output] = self._tried.get(group[0].output, 0) + 1
        # A damaged clip stays damaged, but a full disk or a busy device may recover.
        if isinstance(error, OutputError | DeviceError) and tried < ATTEMPTS:
            log.warning("%s: %s; tried once more", group[0].input.name, error)
            return [list(group)]
        self.note(failure_of(group[0], error))
        return []

    def write(self) -> None:
        """Rewrites the report."""
        _write_report(self._report, self.outcomes)


def run_tasks(
    tasks: Sequence[Task],
    engine: Engine,
    *,
    bars: Bars | None = None,
    on_outcome: Callable[[Outcome, float | None], None] | None = None,
    cancel: threading.Event | None = None,
    report: Path | None = None,
    failed: Sequence[Outcome] = (),
    restart: bool = False,
    clock: Clock | None = None,
) -> list[Outcome]:
    """Paints every task, and continues when one fails; each clip is decoded once for all of its outputs.

    Args:
        tasks: in the order in which to paint them.
        engine: who paints. Several workers share the chunks of all clips.
        bars: returns the progress function for tasks that are painted together.
        on_outcome: called for each outcome, with the seconds left for the rest or None.
        cancel: set it to stop.
        report: file for the report, rewritten after each task.
        failed: outcomes of tasks that have already failed; part of the result.
        restart: delete what interrupted renders left, instead of resuming them.
        clock: estimates the time left.

    Returns:
        An outcome for each task, and ``failed``.

    Raises:
        Interrupted: if ``cancel`` was set; the report is written.
    """
    results = _ResultLog(tasks, failed, report, on_outcome, clock or Clock(None))
    groups = groups_of(tasks)
    try:
        if engine.alone:
            _one_by_one(groups, results, bars, cancel, restart)
        else:
            _all_at_once(groups, results, engine, bars, cancel, restart)
    except Interrupted:
        results.write()
        raise
    return results.outcomes


def _one_by_one(
    groups: Groups,
    results: _ResultLog,
    bars: Bars | None,
    cancel: threading.Event | None,
    restart: bool,
) -> None:
    from videostyle.rendering.render import render_all

    waiting = [(group, restart) for group in groups]
    while waiting:
        group, anew = waiting.pop(0)
        if not (group := results.waiting(group)):
            continue
        on_progress = bars(group) if bars else None
        try:
            reports = render_all(
                group[0].input, [task.request for task in group], on_progress=on_progress, cancel=cancel, restart=anew
            )
        except Interrupted:
            raise
        except Exception as error:
            waiting[:0] = [(again, False) for again in results.again(group, error)]
        else:
            results.done(group, reports)


def _all_at_once(
    groups: Groups,
    results: _ResultLog,
    engine: Engine,
    bars: Bars | None,
    cancel: threading.Event | None,
    restart: bool,
) -> None:
    from videostyle.media.readers.open import look_at
    from videostyle.rendering.chunked_clip import ChunkedClip
    from videostyle.rendering.plan import most_chunks
    from videostyle.rendering.render import open_for_workers
    from videostyle.rendering.scheduler import Scheduler

    waiting = [group for group in map(results.waiting, groups) if group]
    if not waiting:
        return
    paint = None
    if bars is not None:
        bar = bars([task for group in waiting for task in group])
        total = sum(task.frames for group in waiting for task in group)
        paint = lambda count: bar("paint", count, total)  # noqa: E731
    most = sum(most_chunks(group[0].frames) for group in waiting)
    scheduler: Scheduler[list[Task]] = Scheduler(engine, most, on_progress=paint, cancel=cancel)

    def add(group: list[Task], anew: bool) -> None:
        def opened() -> ChunkedClip | list[RunReport]:
            clip = open_for_workers(
                look_at(group[0].input), [task.request for task in group], cancel=cancel, restart=anew
            )
            if paint is not None and isinstance(clip, ChunkedClip):
                paint(clip.resumed)
            return clip

        scheduler.add(group, opened)

    for group in waiting:
        add(group, restart)
    for group, result in scheduler.results():
        if isinstance(result, list):
            results.done(group, result)
        elif isinstance(result, Interrupted):
            raise result
        else:
            for again in results.again(group, result):
                add(again, False)


def _write_report(path: Path | None, outcomes: Sequence[Outcome]) -> None:
    if path is not None:
        data = {"tasks": [outcome.row() for outcome in outcomes]}
        try:
            write_whole(path, json.dumps(data, indent=1).encode())
        except OSError as error:
            raise OutputError(
                f"cannot write the report '{path}'",
                error.strerror or str(error),
                hint="choose another place for the report",
            ) from error
