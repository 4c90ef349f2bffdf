"""Many clips, many styles: entries of job files and folders become tasks, which are painted longest first."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.errors import DeviceError, InputError, Interrupted, OutputError, UsageError, VideostyleError
from videostyle.media.atomic import write_whole
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.rendering.job_file import JobEntry
from videostyle.rendering.naming import OutputNames
from videostyle.rendering.plan import BYTES_A_PIXEL
from videostyle.rendering.progress import ProgressFunction
from videostyle.rendering.settings import Engine, RenderSettings

if TYPE_CHECKING:
    from videostyle.rendering.chunked_clip import ChunkedClip
    from videostyle.rendering.outputs import OutputRequest
    from videostyle.rendering.pipeline import RunReport

log = logging.getLogger("videostyle")

VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".flv", ".3gp"),
    *(".mxf", ".ogv", ".wmv", ".gif"),
)
ATTEMPTS = 2  # for what may pass: a full disk, a device that is busy


@dataclass(frozen=True)
class Task:
    """One output.

    Attributes:
        input: the clip.
        output: the file to write.
        settings: how.
        frames: that the container promises; 0 where unknown.
        pixels: of a frame as painted.
    """

    input: Path
    output: Path
    settings: RenderSettings
    frames: int
    pixels: int

    @property
    def cost(self) -> float:
        """Megapixels to paint: what the time of a task goes with."""
        return self.frames * self.pixels / 1e6

    @property
    def is_there(self) -> bool:
        """Whether its output is there already, and whole.

        A file is; a folder of pictures is there from the first moment, and whole when nothing of its render is left.
        """
        from videostyle.rendering.job_store import work_folder

        try:
            if not self.output.is_dir():
                return self.output.exists()
            return any(self.output.iterdir()) and not work_folder(self.output).exists()
        except OSError:
            return False  # a name that is too long, a folder that cannot be read: painting it will say so


@dataclass
class Outcome:
    """What became of a task: "done", "kept" (was there already), "failed" or "skipped"."""

    task: Task
    status: str
    frames: int = 0
    seconds: float = 0.0
    resumed: int = 0
    error: str = ""
    exit_code: int = 0
    warnings: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As JSON values."""
        data = {key: value for key, value in vars(self).items() if key != "task"}
        return {
            "input": str(self.task.input),
            "output": str(self.task.output),
            "style": self.task.settings.style,
            **data,
        }


# -- from entries to tasks ---------------------------------------------------------------------------------------


def _clips(entry: JobEntry, skip: Path | None) -> list[tuple[Path, Path]]:
    """Files that an entry means, each with its folder below the input (for a mirrored tree)."""
    path = entry.input
    if path.is_dir():
        found = [f for f in sorted(path.rglob("*")) if f.suffix.lower() in VIDEOS and f.is_file()]
        found = [f for f in found if not any(part.startswith(".") for part in f.relative_to(path).parts)]
        if skip is not None and skip != path:
            found = [f for f in found if not f.resolve().is_relative_to(skip)]
        if not found:
            raise InputError(f"the folder '{path}' holds no videos", hint="give a folder that does")
        return [(f, f.parent.relative_to(path)) for f in found]
    if "*" in path.name or "?" in path.name:
        found = sorted(f for f in path.parent.glob(path.name) if f.is_file())
        if not found:
            raise InputError(
                f"nothing matches '{path}'",
                entry.where,
                hint="patterns are relative to the job file, or to this folder",
            )
        return [(f, Path()) for f in found]
    return [(path, Path())]


def plan_tasks(entries: Sequence[JobEntry], folder: Path | None) -> tuple[list[Task], list[Outcome]]:
    """Tasks, longest first, and what cannot become one.

    Args:
        entries: what is wanted.
        folder: where outputs go, in a mirrored tree; None = beside the clips.
    """
    tasks: list[Task] = []
    failed: list[Outcome] = []
    names = OutputNames()
    for entry in entries:
        try:
            clips = _clips(entry, folder.resolve() if folder else None)
        except (VideostyleError, OSError) as error:
            settings = replace(entry.settings, style=entry.styles[0])
            failed.append(_unreadable(Task(entry.input, entry.output or entry.input, settings, 0, 0), error))
            continue
        for clip, below in clips:
            try:
                with open_reader(clip, ReadOptions(max_size=entry.settings.max_size)) as source:
                    info = source.info
                if entry.input.is_dir() and _painted(clip):
                    continue  # our own output, left beside the clips by an earlier run
            except Exception as error:  # of whatever kind: the other clips have nothing to do with it
                tasks_of_clip = (Task(clip, clip, replace(entry.settings, style=s), 0, 0) for s in entry.styles)
                failed += [_unreadable(task, error) for task in tasks_of_clip]
                continue
            for style in entry.styles:
                settings = replace(entry.settings, style=style)
                task = Task(clip, entry.output or clip, settings, info.frame_count or 0, info.width * info.height)
                try:
                    if entry.output is not None:
                        names.claim(entry.output, clip)
                        tasks.append(task)
                    else:
                        place = folder / below if folder else None
                        tasks.append(replace(task, output=names.choose(clip, style, info, settings.codec, place)))
                except UsageError as error:
                    failed.append(_failure(task, error))
    return sorted(tasks, key=lambda task: -task.cost), failed


def _unreadable(task: Task, error: Exception) -> Outcome:
    """The failure of a task whose input could not be looked at."""
    if isinstance(error, OSError):
        error = InputError(
            f"cannot open '{task.input}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        )
    return _failure(task, error)


def _failure(task: Task, error: Exception) -> Outcome:
    if isinstance(error, VideostyleError):
        return Outcome(task, "failed", error=str(error), exit_code=error.exit_code)
    if isinstance(error, OSError):
        why = f"'{task.output}': {error.strerror or error}"
        return Outcome(task, "failed", error=why, exit_code=OutputError.exit_code)
    # Nobody foresaw it; the other clips have nothing to do with it.
    log.info("%s", task.input, exc_info=error)
    why = f"this is a bug: {type(error).__name__}: {error} (--log-level info shows more)"
    return Outcome(task, "failed", error=" ".join(why.split()), exit_code=VideostyleError.exit_code)


def _painted(clip: Path) -> bool:
    from videostyle.media.probe import probe
    from videostyle.media.provenance import read

    return read(clip, probe(clip).metadata) is not None


def disk_needed(tasks: Iterable[Task]) -> int:
    """Bytes that the outputs may take at the same time: each finished one, and the chunks of the largest."""
    sizes = [task.cost * 1e6 * BYTES_A_PIXEL for task in tasks]
    return round(sum(sizes) + max(sizes, default=0.0))


# -- doing it ----------------------------------------------------------------------------------------------------


class Clock:
    """An honest time left: megapixels a second of what was painted so far, or of ``bench`` before that."""

    def __init__(self, rate: float | None) -> None:
        self._guess, self._done, self._seconds = rate, 0.0, 0.0

    def add(self, megapixels: float, seconds: float) -> None:
        """Takes what a finished task cost."""
        self._done += megapixels
        self._seconds += seconds

    def left(self, megapixels: float) -> float | None:
        """Seconds for so much; None where nothing is known yet."""
        rate = self._done / self._seconds if self._seconds > 0 and self._done > 0 else self._guess
        return megapixels / rate if rate else None


Groups = list[list[Task]]
Bars = Callable[[Sequence[Task]], ProgressFunction]


def groups_of(tasks: Iterable[Task]) -> Groups:
    """Tasks in groups that one decode of a clip serves, in the order of the first of each."""
    from videostyle.media.ffmpeg.codecs import codec_for

    groups: dict[Any, list[Task]] = {}
    for task in tasks:
        codec = task.settings.encode.codec
        try:
            # What cannot be put together of chunks would keep the others from it.
            in_parts = codec == "png" or bool(codec_for(codec, task.output.suffix).stream)
        except VideostyleError:
            in_parts = False  # said when it is its turn
        groups.setdefault((task.input, task.settings.reading(1), in_parts), []).append(task)
    return list(groups.values())


class _ResultLog:
    """What became of the tasks so far: written to the report, passed on, and what is to be done about a failure."""

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
        """Those that are to be painted; outputs that are there already are noted and left out."""
        left = []
        for task in group:
            if task.is_there and not task.settings.encode.overwrite:
                self.note(Outcome(task, "kept"))
            else:
                left.append(task)
        return left

    def note(self, *outcomes: Outcome) -> None:
        """Takes outcomes that are final."""
        for outcome in outcomes:
            self.outcomes.append(outcome)
            self._left -= outcome.task.cost
            self.write()
            if self._on_outcome is not None:
                self._on_outcome(outcome, self._clock.left(self._left))

    def done(self, group: Sequence[Task], reports: Sequence[RunReport]) -> None:
        """Takes what was painted."""
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
        """What of a failed group is to be tried once more; the rest is noted as failed."""
        if len(group) > 1:
            # A style that cannot be used, or an output that cannot be written, must not cost the others.
            log.info("%s: %s; its outputs are painted one by one", group[0].input.name, error)
            return [[task] for task in group]
        if not isinstance(error, VideostyleError):
            self.note(_failure(group[0], error))
            return []
        tried = self._tried[group[0].output] = self._tried.get(group[0].output, 0) + 1
        # A broken clip stays broken.
        if isinstance(error, OutputError | DeviceError) and tried < ATTEMPTS:
            log.warning("%s: %s; tried once more", group[0].input.name, error)
            return [list(group)]
        self.note(_failure(group[0], error))
        return []

    def write(self) -> None:
        """Writes the report anew."""
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
    """Paints every task, going on past what fails; each clip is decoded once for all of its outputs.

    Args:
        tasks: in order.
        engine: who paints. Several workers get the chunks of all clips at once.
        bars: gives the progress function of the tasks that are painted together.
        on_outcome: called after each with what became of it and the seconds left for the rest.
        cancel: set it to stop.
        report: file that is written anew after each task.
        failed: what failed before; part of the result.
        restart: throw away what broken-off renders left.
        clock: for the time left.

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


def _requests(group: Sequence[Task]) -> list[OutputRequest]:
    from videostyle.rendering.outputs import OutputRequest

    for task in group:
        task.output.parent.mkdir(parents=True, exist_ok=True)
    return [OutputRequest(task.output, task.settings) for task in group]


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
            reports = render_all(group[0].input, _requests(group), on_progress=on_progress, cancel=cancel, restart=anew)
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
            return open_for_workers(look_at(group[0].input), _requests(group), cancel=cancel, restart=anew)

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
                hint="choose another place with --report",
            ) from error
