"""Jobs as browsers see them: with ids of files instead of paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from videostyle.errors import VideostyleError
from videostyle.rendering.settings import settings_from
from videostyle.studio.folders import Folders
from videostyle.studio.jobs.job import DONE, RENDER, TRAIN, Job
from videostyle.studio.jobs.queue import JobQueue
from videostyle.studio.painting.choices import with_ids


def listed(folders: Folders, queue: JobQueue) -> dict[str, Any]:
    """All jobs as JSON."""
    return {"jobs": [described(folders, queue, job) for job in queue.jobs], "paused": queue.paused}


def described(folders: Folders, queue: JobQueue, job: Job) -> dict[str, Any]:
    """A job as JSON for browsers: with ids of files instead of paths."""
    output = folders.id_of(Path(job.output)) if job.output else None
    copied = (
        "id",
        "kind",
        "state",
        "title",
        "phase",
        "total",
        "rate",
        "seconds_left",
        "created",
        "started",
        "finished",
    )
    found: dict[str, Any] = {name: getattr(job, name) for name in (*copied, "error", "command", "warnings", "resumed")}
    request = job.request
    settings = settings_from(request["settings"]) if job.kind == RENDER else None
    report = next((one for one in queue.jobs if one.id == job.report_job), None)
    return {
        **found,
        "done": job.count,
        "seconds": round(job.seconds, 1),
        "input": folders.id_of(Path(request["input"])),
        "output": output,
        "result": f"/api/media?id={quote(output)}" if output and job.state == DONE else None,
        "settings": with_ids(settings, folders) if settings is not None else None,
        "report_job": report.id if report is not None else None,
        "report": f"/api/jobs/{report.id}/report" if report is not None and report.state == DONE else None,
        "train": _training(job) if job.kind == TRAIN else None,
    }


def _training(job: Job) -> dict[str, Any]:
    strip = [f"/api/jobs/{job.id}/preview/{name}" for name in job.previews]
    return {
        "style": job.request["name"],
        "losses": job.losses,
        "preview": strip[-1] if strip else None,
        "strip": strip,
        "steps": job.request["steps"],
    }


def check(folders: Folders, job: Job) -> None:
    """Makes sure that a job may still see its files: other folders may have been named since it was added.

    Raises:
        VideostyleError: if it may not.
    """
    paths = [job.request["input"], *job.request.get("content", [])]
    if any(folders.id_of(Path(path)) is None for path in paths):
        raise VideostyleError("its clip is in no folder of this studio", hint="start the studio with that folder")
    if job.output and folders.id_of(Path(job.output)) is None:
        raise VideostyleError("its output is in no folder of this studio", hint="start the studio with that folder")
