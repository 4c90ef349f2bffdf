"""Makes the tasks of a batch from entries of job files, folders and clips."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from videostyle.errors import InputError, OutputError, UsageError, VideostyleError
from videostyle.frames import VideoInfo
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.images import is_wildcard
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.pictures import PICTURES
from videostyle.media.writers.open import check_output
from videostyle.rendering.job_file import JobEntry
from videostyle.rendering.made_with import differences, made_with, told_by
from videostyle.rendering.naming import MARK, OutputNames
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.plan import BYTES_A_PIXEL
from videostyle.rendering.settings import RenderSettings, named
from videostyle.styles.resolve import check_style, is_picture, resolve

log = logging.getLogger("videostyle")

DIFFERS = "differs"
UNMARKED = (".gif", ".webp", ".ts")  # files that cannot say that they were painted
VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".flv", ".3gp"),
    *(".mxf", ".ogv", ".wmv", ".gif"),
)


@dataclass(frozen=True)
class Task:
    """One output of a batch.

    Attributes:
        input: the clip.
        output: the file to write.
        settings: how to render it.
        frames: number of frames according to the container; 0 if unknown.
        pixels: pixels of a painted frame.
        still: whether the clip is a picture.
    """

    input: Path
    output: Path
    settings: RenderSettings
    frames: int
    pixels: int
    still: bool = False

    @property
    def cost(self) -> float:
        """Megapixels to paint; the time for a task is proportional to this."""
        return self.frames * self.pixels / 1e6

    @property
    def is_there(self) -> bool:
        """Whether its output exists and is complete.

        An existing file is always complete. A folder of pictures is complete if no unfinished work is beside it.
        """
        from videostyle.rendering.job_store import work_folder

        try:
            if not self.output.is_dir():
                return self.output.exists()
            return any(self.output.iterdir()) and not work_folder(self.output).exists()
        except OSError:
            return False  # the name is too long, or the folder cannot be read: painting reports it

    @property
    def request(self) -> OutputRequest:
        """What to ask ``render`` for."""
        return OutputRequest(self.output, self.settings, make_folder=True)


@dataclass
class Outcome:
    """The result of a task.

    Its status is "done", "kept" (the output existed, made in the same way), "differs" (it existed, made in another way,
    and stays), or "failed".
    """

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


def _clips(entry: JobEntry, skip: Path | None) -> list[tuple[Path, Path]]:
    """The clips of an entry, each with its folder relative to the input (for a mirrored tree).

    Args:
        entry: an entry of a job file or the command line.
        skip: a folder of outputs that is not searched.
    """
    path = entry.input
    if path.is_dir():
        found = [f for f in sorted(path.rglob("*")) if f.suffix.lower() in (*VIDEOS, *PICTURES) and f.is_file()]
        found = [f for f in found if not any(part.startswith(".") for part in f.relative_to(path).parts)]
        if skip is not None and skip != path:
            found = [f for f in found if not f.resolve().is_relative_to(skip)]
        if not found:
            raise InputError(f"the folder '{path}' holds no videos and no pictures", hint="give a folder that does")
        return [(f, f.parent.relative_to(path)) for f in found]
    if is_wildcard(path):
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
    """Makes tasks from entries, longest first.

    Args:
        entries: entries of job files and the command line.
        folder: folder for outputs, in a mirrored tree; None = beside the clips.

    Returns:
        The tasks, and the outcomes of clips that cannot be read and of outputs whose names collide.
    """
    tasks: list[Task] = []
    failed: list[Outcome] = []
    names = OutputNames()
    for entry in entries:
        try:
            clips = _clips(entry, folder.resolve() if folder else None)
        except (VideostyleError, OSError) as error:
            for style in entry.styles:
                settings = replace(entry.settings, style=style)
                failed.append(_unreadable(Task(entry.input, entry.output or entry.input, settings, 0, 0), error))
            continue
        for clip, below in clips:
            try:
                with open_reader(clip, ReadOptions(max_size=entry.settings.max_size)) as source:
                    info = source.info
                if entry.input.is_dir() and _painted(clip, info.still):
                    continue  # an output of an earlier run
            except Exception as error:  # of any kind, as it must not end the batch
                tasks_of_clip = (Task(clip, clip, replace(entry.settings, style=s), 0, 0) for s in entry.styles)
                failed += [_unreadable(task, error) for task in tasks_of_clip]
                continue
            for style in entry.styles:
                settings = replace(entry.settings, style=style)
                frames, pixels = 1 if info.still else info.frame_count or 0, info.width * info.height
                task = Task(clip, entry.output or clip, settings, frames, pixels, info.still)
                try:
                    settings = named(settings)
                    task = replace(task, settings=settings)
                    if entry.output is not None:
                        names.claim(entry.output, clip)
                        tasks.append(task)
                    else:
                        place = folder / below if folder else None
                        tasks.append(replace(task, output=names.choose(clip, settings, info, place)))
                except UsageError as error:
                    failed.append(failure_of(task, error))
    return sorted(tasks, key=lambda task: -task.cost), failed


def _unreadable(task: Task, error: Exception) -> Outcome:
    """The outcome of a task whose input could not be read."""
    if isinstance(error, OSError):
        error = InputError(
            f"cannot open '{task.input}'",
            error.strerror or str(error),
            hint="check the path, and whether this user may read it",
        )
    return failure_of(task, error)


def failure_of(task: Task, error: Exception) -> Outcome:
    """The outcome of a task that an error ended."""
    if isinstance(error, VideostyleError):
        return Outcome(task, "failed", error=str(error), exit_code=error.exit_code)
    if isinstance(error, OSError):
        why = f"'{task.output}': {error.strerror or error}"
        return Outcome(task, "failed", error=why, exit_code=OutputError.exit_code)
    # A bug; it does not end the batch.
    log.info("%s", task.input, exc_info=error)
    why = f"this is a bug: {type(error).__name__}: {error} (the log level info shows more)"
    return Outcome(task, "failed", error=" ".join(why.split()), exit_code=VideostyleError.exit_code)


def _painted(clip: Path, still: bool) -> bool:
    from videostyle.media.probe import probe
    from videostyle.media.provenance import read

    # Some formats have no place to say so; then the name tells.
    if clip.suffix.lower() in UNMARKED and MARK in clip.stem:
        return True
    return read(clip, {} if still else probe(clip).metadata) is not None


def mistakes_of_tasks(tasks: Iterable[Task]) -> list[VideostyleError]:
    """What is wrong with a batch as a whole: styles that there are not, codecs that a container cannot hold.

    Clips that cannot be read, and outputs that exist, are matters of their tasks.
    """
    wrong: list[VideostyleError] = []
    tasks = list(tasks)
    for task in tasks:
        try:
            options = replace(task.settings.encode, overwrite=True)
            check_output(task.output, VideoInfo(64, 64, still=task.still), options)
        except UsageError as error:
            wrong.append(error)
        except OutputError:
            pass  # the failure of that task, when its turn comes
    for style in dict.fromkeys((task.settings.style, task.settings.strength) for task in tasks):
        try:
            check_style(*style)
        except VideostyleError as error:
            wrong.append(error)
    return wrong


def difference_of(task: Task) -> str | None:
    """How the output of a task, which exists, differs from what is asked for: "" if it does not, None if unknown."""
    made = told_by(task.output)
    if made is None or is_picture(task.settings.style):
        return None
    style = resolve(task.settings.style, task.settings.strength)
    return ", ".join(differences(made, made_with(task.settings, style)))


def outcome_of_existing(task: Task) -> Outcome:
    """What becomes of a task whose output exists: it is kept, whatever it was made with, and that is said."""
    try:
        found = difference_of(task)
    except VideostyleError:
        found = None  # of the style, which is not needed
    if found is None:
        return Outcome(task, "kept", warnings=("it does not say what it was made with",))
    if not found:
        return Outcome(task, "kept")
    what = f"it exists, made with {found}"
    error = OutputError(what, hint="use `overwrite` to paint it anew, or another folder")
    return Outcome(task, DIFFERS, error=str(error), exit_code=OutputError.exit_code)


def disk_needed(tasks: Iterable[Task]) -> int:
    """Estimated bytes of all outputs together, and of the chunks of the largest, which exist at the same time."""
    sizes = [task.cost * 1e6 * BYTES_A_PIXEL for task in tasks]
    return round(sum(sizes) + max(sizes, default=0.0))
