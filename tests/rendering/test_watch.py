"""A watched folder: each clip is painted once, when it is complete."""

from __future__ import annotations

import os
from pathlib import Path

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
