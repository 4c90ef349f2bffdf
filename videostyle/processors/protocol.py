"""The processor protocol: one step of the frame chain, what it may need, and what a user may set.

A chain is a list of processors. ``chain.Chain`` opens each with the description of the frames that the one before it
delivers, and then passes batches through all of them in order. ``registry`` knows them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict

from videostyle.frames import FrameBatch, VideoInfo


@dataclass(frozen=True)
class Needs:
    """What a processor needs of the chain that it stands in.

    Attributes:
        place: where it belongs, if the user does not say where the painting stands: "before" or "after" it.
        history: frames before a batch that it wants to see, in ``FrameBatch.before``. Fewer come at the beginning.
        lookahead: frames behind a batch that it wants to see, in ``FrameBatch.after``. Fewer come at the end, none in
            a live painting, which cannot wait.
        stateful: what it delivers depends on earlier calls. It has a method ``restart`` then, which forgets them. A
            chunk begins with ``restart`` and a call with the ``history`` frames before it, of which nothing is kept;
            so every worker paints the same. All others depend on their arguments alone.
        chunkable: whether parts of a clip may be processed apart from each other. A clip with a processor that cannot
            be divided has one chunk: it is painted by one worker, and begun anew when it is interrupted.
        original: whether it reads ``FrameBatch.original``, which must have the size of its frames.
        around: what it looks at of the frames before and behind: the frames as they reach it, or the originals alone.
        resizes: whether its frames have another size than those it gets. It stands behind the painting.
        device: "cpu", or "any" if it computes on the device that is chosen for painting.
        hides: whether it hides something that must not come back: then no later processor may read the original frames.
    """

    place: Literal["before", "after"] = "after"
    history: int = 0
    lookahead: int = 0
    stateful: bool = False
    chunkable: bool = True
    original: bool = False
    around: Literal["frames", "originals"] = "frames"
    resizes: bool = False
    device: Literal["cpu", "any"] = "cpu"
    hides: bool = False

    def __post_init__(self) -> None:
        if min(self.history, self.lookahead) < 0:
            raise ValueError("history and lookahead are numbers of frames")


@runtime_checkable
class Processor(Protocol):
    """One step of the frame chain: declares its output, then maps batches to batches.

    A processor delivers exactly one frame for each frame that it gets, with the same ``pts`` and ``index``. Frames are
    "rgb24" or "rgb48", and what it delivers has the format of what it gets; the style processor alone may deliver
    another one. It may have an attribute ``needs``; without it, it needs nothing.
    """

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames described by ``info``; returns the description of the delivered frames."""

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes one batch. The arrays of the argument are not changed."""

    def close(self) -> None:
        """Frees what ``open`` allocated. May be called twice, and without ``open``."""


class Options(BaseModel):
    """Base of the options of a processor: fields with a default, a range and a description, of types that JSON has."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Chosen = TypeVar("Chosen", bound=Options)


class Configured(Generic[Chosen]):
    """Base of processors that a user can name: a class with a ``schema`` of options, made of such options.

    The first line of the docstring is what ``videostyle processors list`` says of it. Making one is quick: models are
    loaded in ``open``.

    Args:
        options: of the class's own ``schema``.

    Attributes:
        schema: what the options are.
        options: as given. The chain may put others in their place between two calls: a timeline does. What the
            processor needs, and the size that it delivers, do not depend on those that a timeline may change.
    """

    schema: ClassVar[type[Options]] = Options

    def __init__(self, options: Chosen) -> None:
        self.options = options

    @property
    def needs(self) -> Needs:
        """What it needs."""
        return Needs()

    def delivered(self, info: VideoInfo) -> VideoInfo:
        """The description of the delivered frames, known before ``open``; other than ``info`` if it resizes."""
        return info

    def check(self) -> None:
        """Makes sure that it can be opened, before anything slow begins.

        Raises:
            VideostyleError: if a file or a package is missing.
        """

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames described by ``info``."""
        return self.delivered(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes one batch."""
        raise NotImplementedError

    def close(self) -> None:
        """Frees what ``open`` allocated."""


def needs_of(processor: Processor) -> Needs:
    """What a processor needs."""
    found = getattr(processor, "needs", None)
    return found if isinstance(found, Needs) else Needs()


def in_flight(processor: Processor) -> int:
    """Batches that a processor may have begun before the first of them is fetched; 1 for most.

    One of more has a method ``begin``, which takes a batch like a call, and returns a function that waits for the
    result. Those functions are called in the order of the batches.
    """
    return int(getattr(processor, "in_flight", 1))


class Borrowed:
    """Lends a processor to a run. The run opens it but cannot close it, so its compiled program serves later runs.

    Args:
        inner: the processor; its owner closes it.
    """

    def __init__(self, inner: Processor) -> None:
        self._inner = inner

    @property
    def needs(self) -> Needs:
        """Those of the inner processor."""
        return needs_of(self._inner)

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner processor."""
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes a batch with the inner processor."""
        return self._inner(batch)

    @property
    def in_flight(self) -> int:
        """That of the inner processor."""
        return in_flight(self._inner)

    def begin(self, batch: FrameBatch) -> Callable[[], FrameBatch]:
        """Begins a batch with the inner processor, which must know how."""
        found: Callable[[], FrameBatch] = self._inner.begin(batch)  # type: ignore[attr-defined]
        return found

    def restart(self) -> None:
        """Restarts the inner processor, which must be stateful."""
        self._inner.restart()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Does nothing."""
