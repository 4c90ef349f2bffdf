"""The process of a job: it reports its progress to its parent over a pipe, and stops when it is told to.

Messages to the parent are pairs of a word and what belongs to it; those to the process are single words: "stop", and
"finish", by which a training ends early and keeps what it has learnt.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from videostyle.errors import Interrupted, OutputError, VideostyleError
from videostyle.studio.jobs.job import EVALUATE, RENDER, TRAIN

if TYPE_CHECKING:
    from videostyle.styles.card import Style
    from videostyle.training.trainer import Progress

TELL_EVERY = 0.2  # seconds between two messages on progress
HELD = 60.0  # seconds that an output may be held by a process that is ending
PREVIEW_EVERY = 20.0  # seconds between two pictures of a training, at least
FIRST_PREVIEWS = (1, 25, 50)  # steps with a picture in any case
LOSSES = ("loss", "content", "style", "temporal")


class Line:
    """The connection to the parent.

    Args:
        pipe: the connection.

    Attributes:
        stop: set when the process is to stop.
        finish: set when a training is to end early.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()
        self.stop, self.finish = threading.Event(), threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, word: str, data: Any = None) -> None:
        """Sends a message; a parent that has gone stops the process."""
        try:
            with self._lock:
                self._pipe.send((word, data))
        except (OSError, ValueError):
            self.stop.set()

    def _listen(self) -> None:
        while True:
            try:
                word = self._pipe.recv()
            except (EOFError, OSError):
                # The server was killed. What it had started must not hold the output when it begins again.
                self.stop.set()
                time.sleep(10)
                os._exit(1)
            (self.finish if word == "finish" else self.stop).set()


def run(kind: str, request: dict[str, Any], folder: str, pipe: Connection) -> None:
    """Does a job, in a process of its own.

    Args:
        kind: of the job.
        request: of the job.
        folder: for what the job keeps, and for what the process prints.
        pipe: to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes: the parent handles it
    _print_into(Path(folder) / "log.txt")
    with contextlib.suppress(psutil.Error, OSError):  # the page goes first
        psutil.Process().nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 5))
    line = Line(pipe)
    try:
        work = {RENDER: _render, TRAIN: _train, EVALUATE: _evaluate}[kind]
        line.tell("done", work(request, Path(folder), line))
    except Interrupted:
        line.tell("stopped")
    except VideostyleError as error:
        from videostyle.studio.web.problems import as_json

        line.tell("failed", as_json(error))
    except Exception as error:
        import traceback

        traceback.print_exc()
        from videostyle.studio.web.problems import as_json, bug

        line.tell("failed", as_json(bug(error)))


def _print_into(path: Path) -> None:
    """Sends what this process and its libraries print into a file."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


class _Counter:
    """Adds up progress, and tells it now and then."""

    def __init__(self, line: Line) -> None:
        self._line, self._phase, self._count, self._told = line, "", 0, 0.0

    def __call__(self, phase: str, count: int, total: int | None) -> None:
        if phase == "resume":
            self._line.tell("resumed", count)
            self._phase, self._count = "paint", 0
        elif phase != self._phase:
            self._phase, self._count, self._told = phase, 0, 0.0
        self._count += count
        now = time.monotonic()
        if now - self._told > TELL_EVERY or self._count == total:
            self._told = now
            self._line.tell("progress", (self._phase, self._count, total, None))


def _render(request: dict[str, Any], folder: Path, line: Line) -> dict[str, Any]:
    from videostyle.inference.startup import load_backend
    from videostyle.rendering.render import render
    from videostyle.rendering.settings import settings_from

    line.tell("progress", ("load", 0, None, None))
    load_backend(frames_side_by_side=True)
    settings = settings_from(request["settings"])
    began = time.monotonic()
    while True:
        try:
            report = render(request["input"], request["output"], settings, on_progress=_Counter(line), cancel=line.stop)
            break
        except OutputError as error:
            # The process of a studio that was killed may still hold the output: it ends after the frames in work.
            if not isinstance(error.__cause__, BlockingIOError) or time.monotonic() - began > HELD:
                raise
            time.sleep(1)
    return {"output": str(report.output), "frames": report.frames, "warnings": list(report.warnings)}


def _train(request: dict[str, Any], folder: Path, line: Line) -> dict[str, Any]:
    from videostyle.inference.startup import load_backend
    from videostyle.media.readers.pictures import read_picture
    from videostyle.styles import gallery
    from videostyle.styles.card import StyleCard
    from videostyle.styles.style_file import save_style
    from videostyle.training.content import read_content
    from videostyle.training.session import TrainRequest, sample_content, train

    began = time.monotonic()
    painting = Path(request["input"])
    read_picture(painting)
    target = gallery.place_for(request["name"], overwrite=request["overwrite"])
    line.tell("progress", ("load", 0, None, None))
    load_backend()
    from videostyle.training.trainer import TrainingSettings

    def stage(text: str) -> None:
        line.tell("progress", (text, 0, None, None))
        if line.stop.is_set() or line.finish.is_set():
            raise Interrupted("training was stopped", hint="start it again to go on")

    pictures, neighbours = read_content([Path(path) for path in request["content"]] or [sample_content()])
    settings = TrainingSettings(
        steps=request["steps"], minutes=request["minutes"], stroke=request["stroke"], seed=request["seed"]
    )
    wanted = TrainRequest(
        settings,
        start=request["start"],
        network=request["network"],
        window=request["size"],
        checkpoint=folder / "training.safetensors",
        began=began,
        on_stage=stage,
    )
    card = StyleCard(name=request["name"], painting=painting.stem, licence="unknown", command=request["command"])
    watch = _Watch(line, folder, pictures[0])
    try:
        style = train(painting, pictures, neighbours, wanted, card, watch)
    except Interrupted:
        if watch.kept is None:
            raise
        style = watch.kept
    line.tell("progress", ("finish", watch.steps, watch.steps, 0.0))
    watch.show(style, watch.steps)
    save_style(style, target)
    (folder / "training.safetensors").unlink(missing_ok=True)
    return {"style": request["name"], "warnings": []}


class _Watch:
    """Tells the losses of a training, paints pictures of it, and stops it.

    Args:
        line: to the parent.
        folder: for the pictures.
        scene: what is painted, uint8 ``[H, W, 3]`` RGB.

    Attributes:
        kept: the style at the step at which it was ended early; None = it was not.
        steps: that were done.
    """

    def __init__(self, line: Line, folder: Path, scene: Any) -> None:
        self._line, self._folder, self._scene = line, folder, scene
        self.kept: Style | None = None
        self.steps = 0
        self._told, self._shown = 0.0, 0.0

    def __call__(self, progress: Progress) -> None:
        """Takes a step."""
        step, now = progress.step, time.monotonic()
        last = step - self.steps
        self.steps = step
        if now - self._told > TELL_EVERY or step <= 2:
            self._told = now
            self._line.tell("progress", ("train", step, progress.expected, progress.seconds_left))
            self._line.tell("losses", (step, [progress.losses.get(name, 0.0) for name in LOSSES]))
        due = any(step - last < number <= step for number in FIRST_PREVIEWS)
        if due or now - self._shown > PREVIEW_EVERY:
            self.show(progress.style(), step)
            self._shown = time.monotonic()
        if self._line.finish.is_set():
            self.kept = progress.style()
        if self._line.finish.is_set() or self._line.stop.is_set():
            raise Interrupted("training was stopped", hint="start it again to go on")

    def show(self, style: Style, step: int) -> None:
        """Paints a picture of a style."""
        from videostyle.api import Stylizer
        from videostyle.media.writers.images import write_png

        name = f"step-{step:06d}.png"
        write_png(self._folder / name, Stylizer(style)(self._scene[None])[0])
        self._line.tell("preview", name)


def _evaluate(request: dict[str, Any], folder: Path, line: Line) -> dict[str, Any]:
    """Runs ``videostyle evaluate``, and reads in its log how far it is."""
    import runpy

    line.tell("progress", ("compare", 0, None, None))
    threading.Thread(target=lambda: (line.stop.wait(), os._exit(3)), daemon=True).start()
    threading.Thread(target=_follow, args=(folder / "log.txt", line), daemon=True).start()
    sys.argv = ["videostyle", *request["words"]]
    try:
        runpy.run_module("videostyle", run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise VideostyleError("the evaluation failed", _last_line(folder / "log.txt"), "see its log") from end
    return {"warnings": []}


def _follow(path: Path, line: Line) -> None:
    while True:
        time.sleep(1)
        if found := re.search(r"(\d+) of (\d+) frames", _last_line(path)):
            line.tell("progress", ("compare", int(found[1]), int(found[2]), None))


def _last_line(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""
    return ""
