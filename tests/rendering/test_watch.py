"""A watched folder: each clip is painted once, when it is complete."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from videostyle.cli import interrupt
from videostyle.cli.batch import WATCH_SECONDS
from videostyle.cli.main import main
from videostyle.rendering.batch_tasks import Outcome, Task
from videostyle.rendering.settings import RenderSettings
from videostyle.rendering.watch import Watch


def test_a_clip_is_painted_once_when_it_is_complete(tmp_path: Path) -> None:
    def plan() -> tuple[list[Task], list[Outcome]]:
        clips = sorted(tmp_path.glob("*.mp4"))
        return [Task(c, tmp_path / f"{c.stem}.out", RenderSettings("x"), 1, 1) for c in clips], []

    watch = Watch(plan)
    (tmp_path / "old.mp4").write_bytes(b"1")
    watch.tried(plan()[0])
    (tmp_path / "new.mp4").write_bytes(b"1")
    assert watch.look() == []  # it may still be being copied
    (tmp_path / "new.mp4").write_bytes(b"12")
    assert watch.look() == []
    assert [task.input.name for task in watch.look()] == ["new.mp4"]
    assert watch.look() == []  # once, whether it succeeded or not
    (tmp_path / "new.mp4").write_bytes(b"123")
    os.utime(tmp_path / "new.mp4", (1, 1))
    watch.look()
    assert [task.input.name for task in watch.look()] == ["new.mp4"]
    (tmp_path / "done.mp4").write_bytes(b"1")
    (tmp_path / "done.out").write_bytes(b"painted")
    watch.look()
    assert watch.look() == []
    (tmp_path / "old.mp4").unlink()
    assert watch.look() == []


def test_the_command_paints_what_comes_into_the_folder(
    clip: Callable[[str], Path],
    style: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "footage"
    folder.mkdir()
    looks: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            """A clip comes after the first look; Ctrl-C after the third."""
            looks.append(timeout or 0.0)
            if len(looks) == 1:
                shutil.copy(clip("one.mp4"), folder / "new.mp4")
            return len(looks) > 3

    monkeypatch.setattr(interrupt, "stoppable", lambda: nullcontext(Stop()))
    shutil.copy(clip("one.mp4"), folder / "old.mp4")
    assert main(["batch", str(folder), "--style", style, "-o", str(tmp_path / "out"), "--watch"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "new_stylized_random.mp4",
        "old_stylized_random.mp4",
    ]
    assert looks == 4 * [WATCH_SECONDS]
    printed = capsys.readouterr()
    assert printed.out.count("done") == 2
    assert "watching for new clips; Ctrl-C ends it" in printed.err
