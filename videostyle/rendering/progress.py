"""How a render reports progress, and how it is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable

from videostyle.errors import Interrupted

# (phase "plan", "paint" or "train"; steps done since the last call; steps in all, or None if unknown). Where an
# interrupted render is resumed, once before "paint": ("resume"; frames that exist already; frames in all).
ProgressFunction = Callable[[str, int, int | None], None]
FramesFunction = Callable[[int], None]  # frames painted since the last call


def cancellable(on_progress: ProgressFunction | None, cancel: threading.Event | None) -> ProgressFunction:
    """A progress function that passes its arguments on, and raises ``Interrupted`` once ``cancel`` is set.

    Training and planning are cancelled in this way between two steps; painting checks ``cancel`` itself.
    """

    def checked(phase: str, done: int, total: int | None) -> None:
        if cancel is not None and cancel.is_set():
            raise Interrupted("stopped", hint="nothing was left behind")
        if on_progress is not None:
            on_progress(phase, done, total)

    return checked
