"""Plans of renders with a timeline, made for previews: one pass over the clip for each set of choices.

Without a timeline a survey is enough (``survey``), which holds for all choices.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from videostyle.errors import VideostyleError
from videostyle.media.readers.open import open_reader
from videostyle.rendering.plan import Plan
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.studio.clips import Clip
from videostyle.studio.loading import load
from videostyle.studio.web.problems import as_json, bug

log = logging.getLogger("videostyle")

KEPT = 8  # plans


@dataclass
class _State:
    """How far a plan is."""

    progress: float = 0.0
    plan: Plan | None = None
    error: VideostyleError | None = None


class _Overtaken(Exception):
    """Another plan is wanted now."""


class Plans:
    """Makes plans in a thread; what is asked for last comes first, and what it overtakes is dropped.

    Args:
        told: called with a clip and the state of its plan as JSON when that changes.
    """

    def __init__(self, told: Callable[[Clip, dict[str, Any]], None]) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._states: OrderedDict[str, _State] = OrderedDict()
        self._wanted: tuple[str, Clip, RenderSettings] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def find(self, clip: Clip, size: int, settings: RenderSettings) -> Plan | None:
        """The plan of a render at a size; None if it is not made."""
        state = self._states.get(_key(clip, _sized(settings, size)))
        return state.plan if state is not None else None

    def ask(self, clip: Clip, size: int, settings: RenderSettings) -> dict[str, Any]:
        """Has a plan made, if there is none; returns its state as JSON.

        Args:
            clip: the clip, no still.
            size: longest side of the frames, pixels.
            settings: of the render.
        """
        settings = _sized(settings, size)
        key = _key(clip, settings)
        with self._lock:
            state = self._states.get(key)
            if state is None or (state.plan is None and state.error is None):
                self._states[key] = state = state or _State()
                self._wanted = key, clip, settings
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="plan", daemon=True)
                    self._thread.start()
            self._states.move_to_end(key)
            while len(self._states) > KEPT:
                self._states.popitem(last=False)
        return _as_json(key, state)

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._wanted is None or self._closed:
                    self._thread = None
                    return
                key, clip, settings = self._wanted
                self._wanted = None
                state = self._states.setdefault(key, _State())
            try:
                state.plan = self._made(key, clip, settings, state)
                state.progress = 1.0
            except _Overtaken:
                continue
            except VideostyleError as error:
                state.error = error
            except Exception as error:
                log.exception("a plan failed")
                state.error = bug(error)
            self._told(clip, _as_json(key, state))

    def _made(self, key: str, clip: Clip, settings: RenderSettings, state: _State) -> Plan:
        load()
        from videostyle.rendering.planning import make_plans
        from videostyle.rendering.processor_cache import make_style_processor
        from videostyle.styles.resolve import resolve

        done = 0

        def on_progress(phase: str, frames: int, total: int | None) -> None:
            nonlocal done
            if self._closed or (self._wanted is not None and self._wanted[0] != key):
                raise _Overtaken
            done += frames
            before, state.progress = state.progress, min(0.99, done / total) if total else 0.0
            if int(20 * before) != int(20 * state.progress):
                self._told(clip, _as_json(key, state))

        processor = make_style_processor(resolve(settings.style, settings.strength), settings)
        try:
            reader = open_reader(clip.source, settings.reading(1))
            return make_plans([processor], reader, [settings], on_progress)[0]
        finally:
            processor.close()

    def close(self) -> None:
        """Ends the plan in work."""
        self._closed = True
        if (thread := self._thread) is not None:
            thread.join(10)


def _sized(settings: RenderSettings, size: int) -> RenderSettings:
    return replace(settings, max_size=min(size, settings.max_size or size))


def _key(clip: Clip, settings: RenderSettings) -> str:
    text = json.dumps([clip.key, to_json(settings)], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _as_json(key: str, state: _State) -> dict[str, Any]:
    if state.error is not None:
        return {"key": key, "state": "failed", "progress": round(state.progress, 3), "error": as_json(state.error)}
    told = "working" if state.plan is None else "ready"
    return {"key": key, "state": told, "progress": round(state.progress, 3)}
