"""A job: a render, a training or an evaluation, as the queue keeps it and as browsers see it."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

RENDER, TRAIN, EVALUATE = "render", "train", "evaluate"
KINDS = (RENDER, TRAIN, EVALUATE)
WAITING, RUNNING, PAUSED, DONE, FAILED, CANCELLED = "waiting", "running", "paused", "done", "failed", "cancelled"
STATES = (WAITING, RUNNING, PAUSED, DONE, FAILED, CANCELLED)
OPEN = (WAITING, RUNNING, PAUSED)  # states of jobs that are not over
MOST_LOSSES = 400  # points of the curves of a training


def new_id() -> str:
    """A name for a job: letters and digits, also as a folder's."""
    return secrets.token_hex(6)


@dataclass
class Job:
    """A job.

    Attributes:
        id: its name.
        kind: one of ``KINDS``.
        title: what it does, for people.
        request: what its process gets (``worker``): paths, settings.
        command: the command line that does the same.
        state: one of ``STATES``.
        created: seconds since 1970; so are ``started`` and ``finished``.
        phase: what it is doing: "plan", "paint", "train"...
        count: steps or frames done.
        total: of how many; None = not known.
        rate: of them in a second; None = not known.
        seconds_left: None = not known.
        seconds: that it has run, over all of its runs.
        resumed: frames that earlier runs had painted.
        error: what went wrong, as ``problems.as_json`` tells it.
        warnings: for the user.
        output: path of the file that it makes, "" = none.
        losses: of a training: step, total loss, and those of content, style and time.
        previews: names of pictures of a training, in order.
        report_job: the evaluation of this render, "" = none.
    """

    id: str
    kind: str
    title: str
    request: dict[str, Any]
    command: str
    state: str = WAITING
    created: float = field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    phase: str = ""
    count: int = 0
    total: int | None = None
    rate: float | None = None
    seconds_left: float | None = None
    seconds: float = 0.0
    resumed: int = 0
    error: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    output: str = ""
    losses: list[list[float]] = field(default_factory=list)
    previews: list[str] = field(default_factory=list)
    report_job: str = ""

    def reset(self) -> None:
        """Makes it ready to run."""
        self.state, self.error, self.phase = WAITING, None, ""
        self.rate = self.seconds_left = self.finished = None
        self.warnings = []

    def over(self, state: str, error: dict[str, Any] | None = None) -> None:
        """Ends it, for now or for good."""
        self.state, self.error = state, error
        self.rate = self.seconds_left = None
        self.finished = time.time() if state not in OPEN else None

    def add_losses(self, step: int, losses: list[float]) -> None:
        """Adds a point to the curves; every second one is dropped when there are too many."""
        if self.losses and step <= self.losses[-1][0]:
            self.losses = [one for one in self.losses if one[0] < step]  # begun anew
        self.losses.append([step, *(float(f"{value:.5g}") for value in losses)])
        if len(self.losses) > MOST_LOSSES:
            self.losses = self.losses[::2]

    def stored(self) -> dict[str, Any]:
        """As JSON, for the disk."""
        return asdict(self)


def job_from(data: dict[str, Any]) -> Job:
    """The inverse of ``Job.stored``; what was running waits.

    Raises:
        TypeError, ValueError, KeyError: if it is none.
    """
    found = Job(**{one.name: data[one.name] for one in fields(Job) if one.name in data})
    if found.kind not in KINDS or found.state not in STATES or not found.id.isalnum():
        raise ValueError(f"no job: {found.id[:40]}")
    if not isinstance(found.request, dict):
        raise TypeError("a request is a table")
    if found.state == RUNNING:
        found.reset()
    return found
