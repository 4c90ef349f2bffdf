"""The queue of jobs, with processes that only pretend; and one render in a process of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.studio.asking import PORT, TOKEN, Client
from videostyle.errors import VideostyleError
from videostyle.studio.app import make_app
from videostyle.studio.jobs import queue as queue_module
from videostyle.studio.jobs.job import Job
from videostyle.studio.jobs.rate import Rate
from videostyle.studio.studio import Studio


def until(check: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


class Pretended:
    """A process that waits to be told what it does: ``said`` holds what it heard."""

    running: list[Pretended]
    seen = 0

    def __init__(self, job: Job, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.job, self.said, self.killed = job, [], False
        self._messages: list[tuple[str, Any]] = []
        self._new = threading.Condition()
        self._over = False
        Pretended.running.append(self)

    def tells(self, word: str, data: Any = None) -> None:
        with self._new:
            self._messages.append((word, data))
            self._new.notify_all()

    def dies(self) -> None:
        with self._new:
            self._over = True
            self._new.notify_all()

    def messages(self, patience: float) -> list[tuple[str, Any]] | None:
        with self._new:
            if not self._messages and not self._over:
                self._new.wait(patience)
            found, self._messages = self._messages, []
            return found or (None if self._over else [])

    def say(self, word: str) -> None:
        self.said.append(word)
        if word == "stop":
            self.tells("stopped")

    def ended(self) -> VideostyleError:
        return VideostyleError("its process ended unexpectedly", "signal 9", "retry")

    def kill(self) -> None:
        self.killed = True
        self.dies()

    def close(self) -> None:
        Pretended.running.remove(self)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> type[Pretended]:
    Pretended.running = []
    monkeypatch.setattr(queue_module, "JobProcess", Pretended)
    monkeypatch.setattr(queue_module, "LISTEN", 0.01)
    return Pretended


@pytest.fixture
def started(studio: Studio, pretended: type[Pretended]) -> Iterator[Studio]:
    studio.queue.start()
    yield studio


def render(client: Client, **more: Any) -> dict[str, Any]:
    added = client.post(
        "/api/jobs", {"kind": "render", "id": "f0/plain.mp4", "settings": {"style": "great-wave"}, **more}
    )
    assert added.status == 201, added.body
    found: dict[str, Any] = added.json
    return found


def state(client: Client, job: dict[str, Any]) -> str:
    return str(client.get(f"/api/jobs/{job['id']}").json["state"])


def the_one_that_runs() -> Pretended:
    until(lambda: len(Pretended.running) == 1)
    return Pretended.running[0]


@pytest.mark.usefixtures("started")
def test_one_job_runs_at_a_time_in_the_order_wanted(client: Client) -> None:
    first, second, third = (render(client) for _ in range(3))
    assert [job["output"].rpartition("great-wave")[2] for job in (first, second, third)] == [".mp4", "-2.mp4", "-3.mp4"]
    assert the_one_that_runs().job.id == first["id"]
    assert client.post("/api/jobs/order", {"ids": [third["id"], second["id"]]}).status == 200
    assert client.post("/api/jobs/order", {"ids": [first["id"]]}).status == 409
    Pretended.running[0].tells("done", {"output": first["output"], "frames": 25, "warnings": ["a word"]})
    until(lambda: state(client, first) == "done")
    assert the_one_that_runs().job.id == third["id"]
    done = client.get(f"/api/jobs/{first['id']}").json
    assert (done["done"], done["total"], done["warnings"]) == (25, 25, ["a word"])


@pytest.mark.usefixtures("started")
def test_progress_time_left_and_resumed_frames_are_told(client: Client) -> None:
    job = render(client)
    process = the_one_that_runs()
    process.tells("resumed", 100)
    process.tells("progress", ("paint", 10, 1000, None))
    time.sleep(0.6)
    process.tells("progress", ("paint", 20, 1000, None))
    until(lambda: client.get(f"/api/jobs/{job['id']}").json["seconds_left"] is not None)
    found = client.get(f"/api/jobs/{job['id']}").json
    assert (found["phase"], found["done"], found["total"], found["resumed"]) == ("paint", 120, 1000, 100)
    assert found["seconds_left"] == pytest.approx(880 / found["rate"], rel=0.01)


@pytest.mark.usefixtures("started")
def test_pause_resume_cancel_retry(client: Client) -> None:
    job, other = render(client), render(client)
    process = the_one_that_runs()
    assert client.post(f"/api/jobs/{job['id']}/pause").status == 200
    until(lambda: state(client, job) == "paused")
    assert process.said == ["stop"]
    until(lambda: state(client, other) == "running")
    client.post(f"/api/jobs/{other['id']}/cancel")
    until(lambda: state(client, other) == "cancelled")
    assert client.post(f"/api/jobs/{other['id']}/pause").status == 409
    client.post(f"/api/jobs/{job['id']}/resume")
    until(lambda: state(client, job) == "running")
    assert client.delete(f"/api/jobs/{job['id']}").status == 409
    the_one_that_runs().dies()
    until(lambda: state(client, job) == "failed")
    assert "signal 9" in client.get(f"/api/jobs/{job['id']}").json["error"]["why"]
    assert client.post(f"/api/jobs/{job['id']}/retry").json["error"] is None
    until(lambda: state(client, job) == "running")
    client.post(f"/api/jobs/{job['id']}/cancel")
    until(lambda: state(client, job) == "cancelled")
    assert client.delete(f"/api/jobs/{job['id']}").status == 200
    assert client.get(f"/api/jobs/{job['id']}").status == 404


@pytest.mark.usefixtures("started")
def test_a_queue_that_is_held_begins_nothing(client: Client) -> None:
    assert client.post("/api/jobs/pause").json["paused"] is True
    job = render(client)
    time.sleep(0.1)
    assert state(client, job) == "waiting"
    client.post("/api/jobs/resume")
    until(lambda: state(client, job) == "running")


def test_the_queue_goes_on_after_a_restart(started: Studio, folder: Path, pretended: type[Pretended]) -> None:
    client = Client(make_app(started, PORT, TOKEN))
    first, second = (
        render(client),
        render(client, settings={"style": "the-scream", "regions": [{"kind": "mask", "file": "f0/photo.png"}]}),
    )
    the_one_that_runs()
    # As after a kill: the file says that it runs.
    assert [one["state"] for one in json.loads((started.work / "queue.json").read_text())["jobs"]] == [
        "running",
        "waiting",
    ]
    started.close()
    again = Studio([folder], started.work)
    try:
        client = Client(make_app(again, PORT, TOKEN))
        assert [state(client, job) for job in (first, second)] == ["waiting", "waiting"]
        again.queue.start()
        assert the_one_that_runs().job.id == first["id"]
    finally:
        again.close()
    # A clip that the user has not named this time is not read.
    other = Studio([], started.work)
    try:
        client = Client(make_app(other, PORT, TOKEN))
        other.queue.start()
        until(lambda: state(client, first) == "failed")
        assert "no folder" in client.get(f"/api/jobs/{first['id']}").json["error"]["what"]
    finally:
        other.close()


def test_a_damaged_queue_is_begun_anew(folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for text in ("{", "[]", '{"jobs": [3, {}, {"id": "../x", "kind": "render", "state": "waiting"}]}', '{"jobs": 3}'):
        (work / "queue.json").write_text(text)
        studio = Studio([folder], work)
        assert studio.queue.jobs == []
        studio.close()


@pytest.mark.usefixtures("started")
def test_a_training_is_followed_and_ends_early(client: Client) -> None:
    added = client.post("/api/jobs", {"kind": "train", "id": "f0/photo.png", "name": "mine", "steps": 50})
    assert added.status == 201, added.body
    job = added.json
    assert "train" in job["command"]
    assert "--steps 50" in job["command"]
    process = the_one_that_runs()
    for step in range(1, 1001):
        process.tells("losses", (step, [9.0 / step, 1.0, 2.0, 3.0]))
    process.tells("preview", "step-000001.png")
    process.tells("progress", ("train", 1000, 2000, 60.0))
    until(lambda: client.get(f"/api/jobs/{job['id']}").json["seconds_left"] == 60.0)
    trained = client.get(f"/api/jobs/{job['id']}").json["train"]
    assert (trained["losses"][0][0], trained["losses"][-1][0]) == (1, 1000)
    assert len(trained["losses"]) <= 400
    assert trained["strip"] == [f"/api/jobs/{job['id']}/preview/step-000001.png"]
    assert client.get(f"/api/jobs/{job['id']}/preview/..%2f..%2fqueue.json").status == 404
    client.post(f"/api/jobs/{job['id']}/stop")
    until(lambda: process.said == ["finish"])
    process.tells("done", {"style": "mine", "warnings": []})
    until(lambda: state(client, job) == "done")


def test_what_cannot_be_done_is_refused_at_once(client: Client) -> None:
    settings = {"style": "great-wave"}
    for body, status in (
        ({"kind": "render", "id": "f0/plain.mp4"}, 400),
        ({"kind": "render", "settings": settings}, 400),
        ({"kind": "render", "id": "f0/plain.mp4", "settings": {**settings, "start": 99}}, 400),
        (
            {"kind": "render", "id": "f0/plain.mp4", "settings": settings, "output": "f0/plain.mp4", "overwrite": True},
            409,
        ),
        ({"kind": "render", "id": "f0/plain.mp4", "settings": settings, "output": "results/a.xyz"}, 400),
        ({"kind": "train", "id": "f0/plain.mp4"}, 422),
        ({"kind": "train", "id": "f0/photo.png", "name": "great-wave"}, 400),
        ({"kind": "evaluate", "job": "abc"}, 404),
        ({"kind": "dance"}, 400),
    ):
        assert client.post("/api/jobs", body).status == status, body


def test_the_rate_is_that_of_late() -> None:
    rate = Rate()
    assert rate.add("paint", 0, 0.0) is None
    assert rate.add("paint", 10, 1.0) == 10.0
    for second in range(2, 100):
        last = rate.add("paint", 10 + 2 * second, float(second))
    assert last == pytest.approx(2.0)
    assert rate.add("plan", 5, 100.0) is None
