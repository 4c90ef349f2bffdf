"""Passes batches through a chain of processors, and gives each the frames before and behind them that it asks for.

The result does not depend on how frames are divided into batches and chunks. A run that paints a part of a clip
reads ``Chain.history`` frames before it and ``Chain.lookahead`` behind it. Each processor gets only those of them on
which the frames of the part depend; no other frame is delivered.
"""

from __future__ import annotations

import bisect
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from videostyle.frames import FrameBatch, VideoInfo, joined
from videostyle.processors.protocol import Needs, Processor, in_flight, needs_of


@dataclass(frozen=True)
class Part:
    """The frames that a run delivers.

    Attributes:
        first: number of the first one.
        count: how many; None = all from ``first`` on.
        chunks: numbers of the first frames of all chunks of the clip, in order.
    """

    first: int = 0
    count: int | None = None
    chunks: Sequence[int] = ()

    @property
    def end(self) -> float:
        """The number behind that of the last frame."""
        return math.inf if self.count is None else self.first + self.count


def needs_together(processors: Sequence[Processor]) -> tuple[int, int]:
    """Frames before and behind a part that a run needs to read, for all processors together."""
    needs = [needs_of(processor) for processor in processors]
    return sum(need.history for need in needs), sum(need.lookahead for need in needs)


class Chain:
    """A chain of processors for one run.

    Args:
        processors: in order; the chain opens and closes them.
        part: what to deliver.
        may_wait: whether the chain may hold frames back until those behind them have come. A live painting cannot.
    """

    def __init__(self, processors: Sequence[Processor], part: Part | None = None, *, may_wait: bool = True) -> None:
        self._part = part or Part()
        self._links: list[_Link] = []
        history, lookahead = 0, 0
        for processor in reversed(processors):
            # What the processors behind this one need decides which of its frames are worth computing.
            span = Part(self._part.first - history, None, self._part.chunks), self._part.end + lookahead
            needs = needs_of(processor)
            needs = needs if may_wait else replace(needs, lookahead=0)
            self._links.insert(0, _Link(processor, needs, *span, may_wait=may_wait))
            history, lookahead = history + needs.history, lookahead + needs.lookahead

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the processors in order; returns the description of the frames that the last one delivers."""
        for link in self._links:
            info = link.processor.open(info)
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch | None:
        """Processes a batch; returns the frames that are ready, which may be earlier ones, or None if none are."""
        if batch.original is None:
            batch = replace(batch, original=batch.frames)
        return self._through(0, batch)

    def finish(self) -> FrameBatch | None:
        """Processes the frames that are still held when no more come; None if there are none."""
        found = []
        for number, link in enumerate(self._links):
            rest = link.finish()
            if rest is not None and (done := self._through(number + 1, rest)) is not None:
                found.append(done)
        return joined(found) if found else None

    def _through(self, first: int, batch: FrameBatch | None) -> FrameBatch | None:
        for link in self._links[first:]:
            if batch is None:
                return None
            batch = link(batch)
        return None if batch is None else _within(batch, self._part.first, self._part.end)

    def close(self) -> None:
        """Closes the processors."""
        for link in self._links:
            link.processor.close()


def _within(batch: FrameBatch, first: int, end: float) -> FrameBatch | None:
    """The frames of a batch with numbers from ``first`` to before ``end``; None if there are none."""
    low, high = max(first - batch.index, 0), min(end - batch.index, len(batch))
    if low >= high:
        return None
    return batch if high - low == len(batch) else batch.part(low, int(high))


class _Link:
    """One processor of a chain, and the frames that it has got and still needs.

    Args:
        processor: the processor.
        needs: what it needs.
        part: first frame to deliver, and the chunks.
        end: the number behind that of the last frame to deliver.
        may_wait: as in ``Chain``.
    """

    def __init__(self, processor: Processor, needs: Needs, part: Part, end: float, *, may_wait: bool) -> None:
        self.processor, self._needs = processor, needs
        self._first, self._chunks, self._end = part.first, part.chunks, end
        self._held: FrameBatch | None = None  # frames that were delivered already, then those that were not
        self._done = 0  # frames at the beginning of ``_held`` that were delivered
        self._window = bool(needs.history or needs.lookahead or needs.stateful)
        self._begun = False
        # Batches that were begun and not fetched yet, in order.
        self._flying: deque[tuple[FrameBatch, Callable[[], FrameBatch]]] = deque()
        self._in_flight = 1 if self._window or not may_wait else in_flight(processor)

    def __call__(self, batch: FrameBatch) -> FrameBatch | None:
        if not self._window:
            wanted = _within(batch, self._first, self._end)
            if wanted is None or self._in_flight == 1:
                return None if wanted is None else self._processed(wanted)
            self._flying.append((wanted, self.processor.begin(wanted)))  # type: ignore[attr-defined]
            return self._landed() if len(self._flying) == self._in_flight else None
        held = joined([self._held, batch]) if self._held is not None else batch
        skipped = max(0, min(len(held), self._first - held.index))  # they are history at most
        self._held, self._done = held, max(self._done, skipped)
        return self._deliver(len(held) - self._needs.lookahead)

    def finish(self) -> FrameBatch | None:
        """What is left when no more frames come."""
        if self._flying:
            return joined([self._landed() for _ in range(len(self._flying))])
        return None if self._held is None else self._deliver(len(self._held))

    def _landed(self) -> FrameBatch:
        """The batch that was begun first."""
        batch, fetch = self._flying.popleft()
        return _of(batch, fetch())

    def _deliver(self, ready: int) -> FrameBatch | None:
        """Processes the frames that are held, up to number ``ready`` of them."""
        held = self._held
        if held is None:
            return None
        ready = int(min(ready, self._end - held.index))
        found = []
        while self._done < ready:
            last = self._end_of_chunk(held, ready)
            found.append(self._processed(self._with_neighbours(held, self._done, last)))
            self._done = last
        kept = max(0, self._done - self._needs.history)
        self._held, self._done = (held.part(kept, len(held)), self._done - kept) if kept else (held, self._done)
        if not len(self._held):
            self._held, self._done = None, 0
        return joined(found) if found else None

    def _end_of_chunk(self, held: FrameBatch, ready: int) -> int:
        """Where to stop in ``held``; a stateful processor begins anew where a chunk does."""
        if not self._needs.stateful:
            return ready
        first = held.index + self._done
        at = bisect.bisect_left(self._chunks, first)
        begins = at < len(self._chunks) and self._chunks[at] == first
        if begins or not self._begun:
            self._begun = True
            self.processor.restart()  # type: ignore[attr-defined]
            warm_up = held.part(max(0, self._done - self._needs.history), self._done)
            if len(warm_up):
                self._processed(warm_up)
        after = next((chunk for chunk in self._chunks[at:] if chunk > first), None)
        return ready if after is None else min(ready, after - held.index)

    def _with_neighbours(self, held: FrameBatch, first: int, last: int) -> FrameBatch:
        before = held.part(max(0, first - self._needs.history), first)
        after = held.part(last, min(len(held), last + self._needs.lookahead))
        part = held.part(first, last)
        return replace(part, before=before if len(before) else None, after=after if len(after) else None)

    def _processed(self, batch: FrameBatch) -> FrameBatch:
        return _of(batch, self.processor(batch))


def _of(batch: FrameBatch, done: FrameBatch) -> FrameBatch:
    """What a processor made of a batch, with the frames that the batch was before all processors."""
    return replace(done, original=batch.original, before=None, after=None)
