"""Slow results that are made in a thread: which comes first, and what is dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from videostyle.errors import InputError
from videostyle.studio.painting.background import KEPT, Background, Count, Progress


class Work:
    """Makes results that wait until they are let go, and notes which were begun and which came to an end."""

    def __init__(self, *, latest_only: bool) -> None:
        self.background: Background[str, str] = Background("work", latest_only=latest_only)
        self.go, self.begun, self.ended = threading.Event(), list[str](), list[str]()

    def ask(self, key: str) -> Progress[str]:
        return self.background.ask(
            key, lambda count: self._make(key, count), lambda progress: self._note(key, progress)
        )

    def _make(self, key: str, count: Count) -> str:
        self.begun.append(key)
        while not self.go.wait(0.002):
            count(0, None)
        count(1, 1)
        return key.upper()

    def _note(self, key: str, progress: Progress[str]) -> None:
        if progress.over:
            self.ended.append(key)

    def wait(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not done():
            assert time.monotonic() < end
            time.sleep(0.002)


@pytest.mark.parametrize("latest_only", [False, True])
def test_what_is_asked_for_last_comes_first(latest_only: bool) -> None:
    work = Work(latest_only=latest_only)
    work.ask("a")
    work.wait(lambda: work.begun == ["a"])
    for key in ("b", "c", "c"):
        work.ask(key)
    if latest_only:
        work.wait(lambda: work.begun == ["a", "c"])  # it waits for none of the others
    work.go.set()
    wanted = ["c"] if latest_only else ["a", "c", "b"]
    work.wait(lambda: work.ended == wanted)
    assert work.background.find("c") == "C"
    assert work.background.find("b") == (None if latest_only else "B")
    work.background.close()


@pytest.mark.parametrize("latest_only", [False, True])
def test_what_is_being_made_is_made_once_however_often_it_is_asked_for(latest_only: bool) -> None:
    work = Work(latest_only=latest_only)
    work.ask("a")
    work.wait(lambda: work.begun == ["a"])
    work.ask("a")
    work.go.set()
    work.wait(lambda: work.ended == ["a"])
    work.ask("b")
    work.wait(lambda: work.ended == ["a", "b"])
    assert work.begun == ["a", "b"]
    work.background.close()


def test_a_result_that_cannot_be_made_says_why_and_an_old_one_is_forgotten() -> None:
    work = Work(latest_only=False)
    work.go.set()

    def fails(count: Count) -> str:
        raise InputError("broken")

    failed = work.background.ask("bad", fails, lambda progress: None)
    work.wait(lambda: failed.over)
    assert str(failed.error) == "broken"
    for number in range(KEPT):
        work.ask(str(number))
    work.wait(lambda: len(work.ended) == KEPT)
    work.ask("bad")
    work.wait(lambda: work.background.find("bad") == "BAD")
    work.background.close()
