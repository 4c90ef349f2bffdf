"""Plans of renders with a timeline, made for previews: one pass over the clip for each set of choices.

Without a timeline a survey is enough (``survey``), which holds for all choices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from videostyle.media.readers.open import open_reader
from videostyle.rendering.plan import Plan
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.studio.clips import Clip
from videostyle.studio.loading import load
from videostyle.studio.painting.background import Background, Count, Progress
from videostyle.studio.web.problems import as_json


class Plans:
    """Makes plans in a thread; a plan that is asked for ends the work on another one.

    Args:
        on_change: called with a clip and the state of its plan as JSON when that changes.
    """

    def __init__(self, on_change: Callable[[Clip, dict[str, Any]], None]) -> None:
        self._on_change = on_change
        self._made: Background[str, Plan] = Background("plan", latest_only=True)

    def find(self, clip: Clip, size: int, settings: RenderSettings) -> Plan | None:
        """The plan of a render at a size; None if it is not made."""
        return self._made.find(_key(clip, _sized(settings, size)))

    def ask(self, clip: Clip, size: int, settings: RenderSettings) -> dict[str, Any]:
        """Has a plan made, if there is none; returns its state as JSON.

        Args:
            clip: the clip, no still.
            size: longest side of the frames, pixels.
            settings: of the render.
        """
        settings = _sized(settings, size)
        key = _key(clip, settings)

        def report(progress: Progress[Plan]) -> None:
            self._on_change(clip, _as_json(key, progress))

        return _as_json(key, self._made.ask(key, lambda count: _plan(clip, settings, count), report))

    def close(self) -> None:
        """Ends the plan in work."""
        self._made.close()


def _plan(clip: Clip, settings: RenderSettings, count: Count) -> Plan:
    """Plans a clip; ``count`` is called as in ``Background.ask``."""
    load()
    from videostyle.rendering.planning import make_plans
    from videostyle.rendering.processor_cache import make_style_processor
    from videostyle.styles.resolve import resolve

    processor = make_style_processor(resolve(settings.style, settings.strength), settings)
    try:
        reader = open_reader(clip.source, settings.reading(1))
        return make_plans([processor], reader, [settings], lambda phase, frames, total: count(frames, total))[0]
    finally:
        processor.close()


def _sized(settings: RenderSettings, size: int) -> RenderSettings:
    return replace(settings, max_size=min(size, settings.max_size or size))


def _key(clip: Clip, settings: RenderSettings) -> str:
    text = json.dumps([clip.key, to_json(settings)], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _as_json(key: str, progress: Progress[Plan]) -> dict[str, Any]:
    shared = {"key": key, "progress": round(progress.share, 3)}
    if progress.error is not None:
        return {**shared, "state": "failed", "error": as_json(progress.error)}
    return {**shared, "state": "working" if progress.result is None else "ready"}
