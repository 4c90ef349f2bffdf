"""Finds the clips that were added to the folders of a batch while it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from videostyle.rendering.batch_tasks import Outcome, Task

State = tuple[int, int]  # size in bytes and time of change in nanoseconds of a clip


class Watch:
    """Looks again and again for clips that are complete and have not been tried.

    A clip counts as complete when its size and time have not changed from one look to the next: it may still be being
    copied before.

    Args:
        plan: gives all tasks that there are, as ``plan_tasks`` does.
    """

    def __init__(self, plan: Callable[[], tuple[list[Task], list[Outcome]]]) -> None:
        self._plan = plan
        self._seen: dict[Path, State] = {}
        self._tried: set[tuple[Path, State]] = set()

    def tried(self, tasks: list[Task]) -> None:
        """Notes tasks that are painted by somebody else, so that those that fail are not tried for ever."""
        for task in tasks:
            if (state := _state(task.input)) is not None:
                self._tried.add((task.output, state))

    def look(self) -> list[Task]:
        """The tasks to paint now; each is given once, and again only when its clip has changed."""
        found: list[Task] = []
        now: dict[Path, State] = {}
        for task in self._plan()[0]:
            state = _state(task.input)
            if state is None:
                continue
            now[task.input] = state
            settled = self._seen.get(task.input) == state
            if settled and not task.is_there and (task.output, state) not in self._tried:
                found.append(task)
        self._seen = now
        self.tried(found)
        return found


def _state(clip: Path) -> State | None:
    try:
        status = clip.stat()
    except OSError:
        return None  # it has gone
    return status.st_size, status.st_mtime_ns
