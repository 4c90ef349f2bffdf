"""The studio: everything that the server's answers share, made once and closed once."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from videostyle.errors import UsageError, VideostyleError
from videostyle.inference.canvas_sampling import draw_ahead
from videostyle.media.locks import Lock
from videostyle.rendering.settings import RenderSettings
from videostyle.studio.clips import Clip, Clips
from videostyle.studio.events import Events
from videostyle.studio.folders import Folders
from videostyle.studio.jobs.job import Job
from videostyle.studio.jobs.queue import JobQueue
from videostyle.studio.jobs.shown import check, described, listed
from videostyle.studio.latest import Latest
from videostyle.studio.live.session import LiveSession
from videostyle.studio.loading import load
from videostyle.studio.painting.plans import Plans
from videostyle.studio.painting.preview import PreviewPainter
from videostyle.studio.painting.preview_thread import LATER, PreviewThread
from videostyle.studio.painting.survey import Surveys
from videostyle.styles import gallery

UPLOAD_LIMIT = 4 << 30  # bytes
FIRST_SEED = RenderSettings("").seed
FIRST_SIZE = 640  # pixels; longest side at which the page shows a clip first


class Studio:
    """What the server works with.

    Args:
        named: folders and files that the user named.
        work: folder for uploads, results and the queue; made if it is missing.
        upload_limit: bytes of an upload.

    Attributes:
        folders: that may be seen.
        clips: reads clips.
        latest: knows which requests are overtaken.
        events: what browsers are told.
        previews: the thread that paints previews.
        painter: paints them, in that thread.
        surveys: shots of clips.
        plans: plans of renders with a timeline.
        live: paints live.
        queue: renders, trainings and evaluations.
        work: as given.
        upload_limit: as given.

    Raises:
        VideostyleError: if a folder is not there, or another studio works in ``work``.
    """

    def __init__(self, named: list[Path], work: Path, upload_limit: int = UPLOAD_LIMIT) -> None:
        self.work, self.upload_limit = work, upload_limit
        try:
            work.mkdir(parents=True, exist_ok=True)
            self._lock = Lock(work / ".studio.lock")
        except BlockingIOError as error:
            hint = "use the page that is open, or give another folder as `work`"
            raise UsageError(f"a studio works in '{work}' already", hint=hint) from error
        except OSError as error:
            raise UsageError(
                f"cannot use the folder '{work}'", error.strerror or str(error), "give another folder as `work`"
            ) from error
        try:
            self.folders = Folders(named, work)
        except BaseException:
            self._lock.release()
            raise
        self.clips, self.latest, self.events = Clips(), Latest(), Events()
        self.previews, self.painter = PreviewThread(), PreviewPainter(self.clips)
        self.surveys = Surveys(self._surveyed, lambda: self.previews.busy)
        self.plans = Plans(self._planned)
        self.live = LiveSession(lambda: self.events.tell("live", self.live.state))
        self.queue = JobQueue(work, lambda job: check(self.folders, job), self._job_told)

    def start(self) -> None:
        """Gets ready to paint, while the browser opens: loads TensorFlow, and paints what will be looked at first."""
        draw_ahead(FIRST_SEED)
        self.queue.start()
        self.previews.submit(LATER, self._warm_up)

    def _warm_up(self) -> None:
        if self.folders.opened is None:
            load()
            return
        with contextlib.suppress(VideostyleError):  # reported when the clip is looked at
            clip = self.clips.clip(self.folders.file(self.folders.opened))
            self.clips.frame(clip, 0, FIRST_SIZE)
            names = [entry.name for entry in gallery.entries()]
            first, second = (RenderSettings(name) for name in names[:2])
            load()
            # Behind the first picture: what another style, and the first move of a control, will need. Shrunk frames,
            # and mixed weights, are measured by other programs.
            for settings, quick in ((second, False), (first, True), (replace(first, strength=0.5), True)):
                self.previews.submit(LATER, partial(self._prepare, clip, settings, quick))
            self.painter.at_once = True  # until these are compiled
            self.painter.paint(clip, 0, FIRST_SIZE, first, None)  # what the page asks for first

    def _prepare(self, clip: Clip, settings: RenderSettings, quick: bool) -> None:
        self.painter.at_once = False
        self.painter.paint(clip, 0, FIRST_SIZE, settings, None, quick=quick)

    def state(self) -> dict[str, dict[str, Any]]:
        """The events that a browser gets first when it begins to listen."""
        return {"jobs": listed(self.folders, self.queue), "live": self.live.state}

    def _job_told(self, name: str, job: Job | None) -> None:
        if name == "job" and job is not None:
            self.events.tell("job", {"job": described(self.folders, self.queue, job)})
        else:
            self.events.tell("jobs", listed(self.folders, self.queue))

    def _surveyed(self, clip: Clip, state: dict[str, Any]) -> None:
        if (id := self.folders.id_of(clip.source.path)) is not None:
            self.events.tell("shots", {"id": id, **state})

    def _planned(self, clip: Clip, state: dict[str, Any]) -> None:
        if (id := self.folders.id_of(clip.source.path)) is not None:
            self.events.tell("plan", {"id": id, **state})

    def close(self) -> None:
        """Ends all work, and frees everything."""
        self.events.close()
        self.live.stop()
        self.queue.close()
        self.surveys.close()
        self.plans.close()
        self.previews.close()
        self.painter.close()
        self.clips.close()
        self._lock.release()
