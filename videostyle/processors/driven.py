"""Changes the options of a processor from frame to frame, by a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from videostyle.frames import Float32Array, FrameBatch, VideoInfo, joined
from videostyle.processors.protocol import Configured, Needs


class Driven:
    """A processor whose options change along the clip.

    Args:
        inner: the processor; what it needs does not depend on these options.
        values: of each option by its name, float32 ``[F]``: its value at each frame of the clip.
    """

    def __init__(self, inner: Configured[Any], values: Mapping[str, Float32Array]) -> None:
        self._inner, self._values, self._start = inner, values, inner.options

    @property
    def needs(self) -> Needs:
        """Those of the processor."""
        return self._inner.needs

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the processor."""
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes a batch, frames of the same options at once."""
        numbers = range(batch.index, batch.index + len(batch))
        runs = [(key, len(list(run))) for key, run in groupby(numbers, self._at)]
        around = [part for part in (batch.before, replace(batch, before=None, after=None), batch.after) if part]
        whole, first = joined(around), len(batch.before) if batch.before else 0
        done, needs = [], self.needs
        for values, count in runs:
            last = first + count
            before, after = whole.part(max(0, first - needs.history), first), whole.part(last, last + needs.lookahead)
            part = replace(whole.part(first, last), before=before or None, after=after or None)
            self._inner.options = self._start.model_copy(update=dict(values))
            done.append(self._inner(part))
            first = last
        return joined(done)

    def _at(self, number: int) -> tuple[tuple[str, float], ...]:
        return tuple((name, round(float(values[number]), 6)) for name, values in self._values.items())

    def restart(self) -> None:
        """Restarts the processor, which must be stateful."""
        self._inner.restart()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Closes the processor."""
        self._inner.close()
