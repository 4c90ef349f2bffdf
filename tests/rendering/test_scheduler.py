"""The chunks of several clips through one pool of workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.rendering.pools import Hands
from videostyle.errors import Interrupted, ModelError, OutputError
from videostyle.rendering import scheduler as scheduling
from videostyle.rendering.chunked_clip import ChunkedClip
from videostyle.rendering.scheduler import Scheduler
from videostyle.rendering.settings import Engine


def scheduler_of(pool: Hands, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Scheduler[str]:
    monkeypatch.setattr(scheduling, "make_pool", lambda engine, most: pool)
    return Scheduler(Engine("ray"), 100, **options)


def all_planned(scheduler: Scheduler[str]) -> None:
    while not all(future.done() for future in scheduler._planned):
        time.sleep(0.005)


def test_chunks_of_all_clips_are_handed_out_at_once_and_the_longest_first(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, reported = Hands(3), []
    scheduler = scheduler_of(pool, monkeypatch, on_progress=reported.append)
    made = {"a": clips("a", [10, 30]), "b": clips("b", [20]), "c": clips("c", [5, 5], 10_000)}
    for name, clip in made.items():
        scheduler.add(name, lambda clip=clip: clip)  # type: ignore[misc]
    all_planned(scheduler)
    results = dict(scheduler.results())
    assert pool.begun == [("c", 0), ("c", 1), ("a", 1), ("b", 0), ("a", 0)]
    assert pool.most == 3
    assert {name: result[0].frames for name, result in results.items()} == {"a": 40, "b": 20, "c": 10}  # type: ignore[index, union-attr]
    assert sum(reported) == 70
    assert pool.closed


def test_workers_paint_while_another_clip_is_being_planned(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands()
    scheduler = scheduler_of(pool, monkeypatch)
    first, second = clips("a", [10]), clips("b", [10])

    def late() -> ChunkedClip:
        deadline = time.monotonic() + 60
        while not pool.begun:
            assert time.monotonic() < deadline, "nothing was painted while this was planned"
            time.sleep(0.005)
        return second

    scheduler.add("a", lambda: first)
    scheduler.add("b", late)
    assert [name for name, _ in scheduler.results()] == ["a", "b"]


def test_a_clip_that_fails_does_not_cost_the_others(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1)
    pool.outcome = lambda task, _: ModelError("not finite") if task.clip.jobs[0].input.name == "a" else None
    scheduler = scheduler_of(pool, monkeypatch)
    made = {"a": clips("a", [30, 30, 30]), "b": clips("b", [20, 20])}
    for name, clip in made.items():
        scheduler.add(name, lambda clip=clip: clip)  # type: ignore[misc]

    def broken() -> ChunkedClip:
        raise OutputError("locked")

    scheduler.add("c", broken)
    all_planned(scheduler)
    results = dict(scheduler.results())
    assert isinstance(results["a"], ModelError)
    assert isinstance(results["b"], list)
    assert isinstance(results["c"], OutputError)
    # Nothing more of it was begun after its failure.
    assert pool.begun == [("a", 0), ("b", 0), ("b", 1)]
    assert all(clip._writers[0].aborted for clip in made.values())  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", ["planning", "painting", "finishing"])
def test_a_bug_met_in_one_clip_does_not_cost_the_others(
    where: str, clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1)
    scheduler = scheduler_of(pool, monkeypatch)
    bad, good = clips("a", [30, 30]), clips("b", [20])

    def fail(*arguments: object) -> Any:
        raise ZeroDivisionError

    if where == "painting":
        pool.outcome = lambda task, _: ZeroDivisionError() if task.clip is bad else None
    if where == "finishing":
        monkeypatch.setattr(bad, "finish", fail)
    scheduler.add("a", fail if where == "planning" else lambda: bad)
    scheduler.add("b", lambda: good)
    results = dict(scheduler.results())
    assert isinstance(results["a"], ZeroDivisionError)
    assert isinstance(results["b"], list)
    assert pool.closed
    assert where == "planning" or bad._writers[0].aborted  # type: ignore[attr-defined]


def test_what_may_pass_is_tried_again_on_a_cluster(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Hands(1, attempts=3)
    pool.outcome = lambda _, number: OutputError("node lost") if number < 3 else None
    scheduler = scheduler_of(pool, monkeypatch)
    clip = clips("a", [30])
    scheduler.add("a", lambda: clip)
    assert isinstance(dict(scheduler.results())["a"], list)
    assert pool.begun == [("a", 0)] * 3
    pool = Hands(1, attempts=3)
    pool.outcome = lambda _, number: OutputError("node lost")
    scheduler = scheduler_of(pool, monkeypatch)
    scheduler.add("a", lambda: clips("a", [30]))
    assert isinstance(dict(scheduler.results())["a"], OutputError)
    assert pool.begun == [("a", 0)] * 3


def test_an_idle_worker_paints_what_another_is_late_with(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, reported = Hands(2, copies=True), []
    pool.slow = {("a", 0)}
    scheduler = scheduler_of(pool, monkeypatch, on_progress=reported.append)
    clip = clips("a", [30, 20, 20])
    scheduler.add("a", lambda: clip)
    assert isinstance(dict(scheduler.results())["a"], list)
    assert pool.begun.count(("a", 0)) == 2
    assert sum(reported) == 70


def test_a_scheduler_that_is_stopped_keeps_what_is_finished_and_lets_the_outputs_go(
    clips: Callable[..., ChunkedClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, cancel = Hands(1), threading.Event()
    pool.outcome = lambda task, number: cancel.set() if number == 2 else None
    scheduler = scheduler_of(pool, monkeypatch, cancel=cancel)
    clip = clips("a", [30, 30, 30])
    scheduler.add("a", lambda: clip)
    with pytest.raises(Interrupted, match="finished chunks are kept"):
        list(scheduler.results())
    assert len(pool.begun) == 2
    assert pool.closed
    assert clip._writers[0].aborted  # type: ignore[attr-defined]
