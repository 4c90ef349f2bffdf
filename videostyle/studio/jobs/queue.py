"""The queue of jobs: on disk, so that it goes on after the server was ended or killed; one job runs at a time."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from videostyle.errors import VideostyleError
from videostyle.media.atomic import read_object, write_object
from videostyle.rendering.job_store import remove_job, work_folder
from videostyle.studio.jobs.job import (
    CANCELLED,
    DONE,
    FAILED,
    OPEN,
    PAUSED,
    RENDER,
    RUNNING,
    TRAIN,
    WAITING,
    Job,
    job_from,
)
from videostyle.studio.jobs.process import JobProcess
from videostyle.studio.jobs.rate import Rate
from videostyle.studio.web.problems import Problem, as_json, bug, not_found

log = logging.getLogger("videostyle")

MOST_OPEN = 500  # jobs that wait
MOST_KEPT = 500  # jobs that are over
LISTEN = 0.2  # seconds between two looks at what is wanted of the job that runs
PATIENCE = 20.0  # seconds that a process may take to stop


class JobQueue:
    """The queue. All methods may be called from any thread.

    Args:
        work: folder of the studio.
        check: called before a job runs; raises if it may not.
        on_change: called with "job" and a job, or "jobs" and None, when something changes.
    """

    def __init__(self, work: Path, check: Callable[[Job], None], on_change: Callable[[str, Job | None], None]) -> None:
        self._path, self._folder = work / "queue.json", work / "jobs"
        self._check, self._on_change = check, on_change
        self._changed = threading.Condition()
        self._wanted = ""  # of the job that runs: "", PAUSED, CANCELLED, "finish" or "close"
        self._closed = False
        self.paused = False
        self._jobs: list[Job] = []
        self._load()
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in the order in which they run; those that are over come first."""
        with self._changed:
            return list(self._jobs)

    def job(self, id: str) -> Job:
        """A job.

        Raises:
            Problem: if there is none of that name.
        """
        with self._changed:
            found = next((job for job in self._jobs if job.id == id), None)
        if found is None:
            raise not_found("there is no such job", "look at /api/jobs")
        return found

    def folder(self, job: Job) -> Path:
        """The folder for what a job keeps."""
        return self._folder / job.id

    # -- what is asked for -------------------------------------------------------------------------------------------

    def add(self, job: Job) -> Job:
        """Adds a job at the end.

        Raises:
            Problem: if there are too many, or another one makes the same file.
        """
        with self._changed:
            waiting = [one for one in self._jobs if one.state in OPEN]
            if len(waiting) >= MOST_OPEN:
                raise Problem("busy", "too many jobs wait", hint="wait for some, or cancel them")
            if job.output and any(one.output == job.output for one in waiting):
                raise Problem("conflict", f"another job makes '{Path(job.output).name}' already", hint="name another")
            self._jobs.append(job)
            over = [one for one in self._jobs if one.state not in OPEN]
            for one in over[: max(0, len(over) - MOST_KEPT)]:
                self._forget(one)
            self._save()
        return job

    def pause(self, id: str) -> Job:
        """Stops a job for now; what a render has finished, and what a training has learnt, is kept."""
        return self._stop(id, PAUSED)

    def cancel(self, id: str) -> Job:
        """Gives a job up, with what it has half done."""
        return self._stop(id, CANCELLED)

    def finish(self, id: str) -> Job:
        """Ends a training early; it keeps the style.

        Raises:
            Problem: if it is no training that runs.
        """
        with self._changed:
            job = self.job(id)
            if job.kind != TRAIN or job.state != RUNNING:
                raise Problem("conflict", "only a training that runs can end early", hint="cancel or pause others")
            self._wanted = "finish"
            self._changed.notify_all()
        return job

    def _stop(self, id: str, state: str) -> Job:
        with self._changed:
            job = self.job(id)
            if job.state == RUNNING:
                self._wanted = state
                self._changed.notify_all()
            elif job.state in OPEN:
                job.over(state)
                self._clean(job)
                self._save(job)
            else:
                raise Problem("conflict", f"the job is {job.state}", hint="only one that waits or runs can be stopped")
        return job

    def resume(self, id: str) -> Job:
        """Lets a job wait again that was paused, has failed or was cancelled.

        Raises:
            Problem: if it is another one.
        """
        with self._changed:
            job = self.job(id)
            if job.state not in (PAUSED, FAILED, CANCELLED):
                raise Problem("conflict", f"the job is {job.state}", hint="only one that was stopped can go on")
            if job.output and any(one.output == job.output for one in self._jobs if one.state in OPEN and one != job):
                raise Problem("conflict", "another job makes the same file", hint="wait for it")
            if job.state != PAUSED:  # to the end of the queue
                self._jobs.remove(job)
                self._jobs.append(job)
            job.reset()
            self._save(job)
        return job

    def order(self, ids: list[str]) -> None:
        """Puts jobs that wait or are paused into another order.

        Args:
            ids: some of them, in the order wanted; the others come behind these.

        Raises:
            Problem: if one is not there, is over, or comes twice.
        """
        with self._changed:
            if len(set(ids)) < len(ids):
                raise Problem("bad_request", "a job is there twice")
            wanted = [self.job(id) for id in ids]
            if any(job.state not in (WAITING, PAUSED) for job in wanted):
                raise Problem("conflict", "only jobs that wait or are paused have an order", hint="look at /api/jobs")
            movable = [job for job in self._jobs if job.state in (WAITING, PAUSED)]
            rest = [job for job in self._jobs if job not in movable]
            self._jobs = [*rest, *wanted, *(job for job in movable if job not in wanted)]
            self._save()

    def hold(self, paused: bool) -> None:
        """Whether no more jobs begin; the one that runs goes on."""
        with self._changed:
            self.paused = paused
            self._save()

    def remove(self, id: str) -> None:
        """Removes a job from the list; the file that it made stays.

        Raises:
            Problem: if it runs.
        """
        with self._changed:
            job = self.job(id)
            if job.state == RUNNING:
                raise Problem("conflict", "the job runs", hint="cancel it first")
            if job.state == PAUSED or job.state == FAILED:
                job.state = CANCELLED
                self._clean(job)
            self._forget(job)
            self._save()

    # -- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                while (job := self._next()) is None and not self._closed:
                    self._changed.wait()
                if self._closed or job is None:
                    return
                job.state, job.started, self._wanted = RUNNING, time.time(), ""
                self._save(job)
            try:
                self._check(job)
                self._work(job)
            except VideostyleError as error:
                job.over(FAILED, as_json(error))
            except Exception as error:
                log.exception("a job failed")
                job.over(FAILED, as_json(bug(error)))
            with self._changed:
                self._clean(job)
                self._save(job)

    def _next(self) -> Job | None:
        return None if self.paused else next((job for job in self._jobs if job.state == WAITING), None)

    def _work(self, job: Job) -> None:
        process, rate = JobProcess(job, self.folder(job)), Rate()
        asked, asked_at, began, before = "", 0.0, time.monotonic(), job.seconds
        result: tuple[str, Any] | None = None
        try:
            while True:
                messages = process.messages(LISTEN)
                if messages is None:
                    break
                for word, data in messages:
                    if word in ("done", "stopped", "failed"):
                        result = word, data
                    else:
                        self._heard(job, word, data, rate)
                job.seconds = before + time.monotonic() - began
                if messages:
                    self._on_change("job", job)
                wanted = self._wanted
                if wanted and wanted != asked:
                    asked, asked_at = wanted, time.monotonic()
                    process.say("finish" if wanted == "finish" else "stop")
                if asked and asked != "finish" and time.monotonic() - asked_at > PATIENCE:
                    process.kill()
                if result is not None:
                    break
        finally:
            process.close()
        self._ended(job, result, asked, process)

    def _heard(self, job: Job, word: str, data: Any, rate: Rate) -> None:
        if word == "progress":
            phase, count, total, left = data
            speed = rate.add(phase, count)
            if phase == "paint":
                count += job.resumed
            job.phase, job.count, job.total, job.rate = phase, count, total, speed
            if left is None and speed and total and phase in ("paint", "compare"):
                left = (total - count) / speed
            job.seconds_left = left
        elif word == "resumed":
            job.resumed = data
        elif word == "losses":
            job.add_losses(*data)
        elif word == "preview" and data not in job.previews:
            job.previews.append(data)

    def _ended(self, job: Job, result: tuple[str, Any] | None, asked: str, process: JobProcess) -> None:
        word, data = result or ("", {})
        if word == "done":
            job.warnings = data["warnings"]
            job.output = data.get("output", job.output)
            job.count = job.total = data.get("frames", job.total or job.count)
            job.over(DONE)
        elif asked == "close":
            job.reset()
        elif asked in (PAUSED, CANCELLED):
            job.over(asked)
        elif word == "stopped":
            job.over(CANCELLED)
        elif word == "failed":
            job.over(FAILED, data)
        else:
            job.over(FAILED, as_json(process.ended()))

    def _clean(self, job: Job) -> None:
        """Removes what a job that was given up has half done."""
        if job.state != CANCELLED:
            return
        job.count = job.resumed = 0
        if job.kind == RENDER and job.output:
            remove_job(work_folder(Path(job.output)))
        with contextlib.suppress(OSError):
            (self.folder(job) / "training.safetensors").unlink()

    def _forget(self, job: Job) -> None:
        self._jobs.remove(job)
        shutil.rmtree(self.folder(job), ignore_errors=True)

    # -- on disk -----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        data = read_object(self._path, "it begins anew")
        self.paused = data.get("paused") is True
        kept = data.get("jobs", [])
        for one in kept if isinstance(kept, list) else []:
            try:
                self._jobs.append(job_from(one))
            except (TypeError, ValueError, KeyError, AttributeError) as error:
                log.warning("a job of %s is left out: %s", self._path, error)

    def _save(self, job: Job | None = None) -> None:
        """Keeps the queue, tells of it, and wakes the thread."""
        self._jobs.sort(key=lambda one: one.state in OPEN)  # stable
        with contextlib.suppress(OSError):  # of a full disk; what runs goes on all the same
            write_object(self._path, {"paused": self.paused, "jobs": [one.stored() for one in self._jobs]})
        self._changed.notify_all()
        self._on_change("jobs", job)

    def close(self) -> None:
        """Stops the job that runs, which goes on when the queue is opened again."""
        with self._changed:
            self._closed, self._wanted = True, "close"
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE + 10)
