"""The live painting of the studio: at most one, in a thread of its own, changed while it runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from videostyle.errors import VideostyleError
from videostyle.frames import UInt8Array
from videostyle.media.readers.camera import Grabber
from videostyle.studio.live.browser_camera import BrowserCamera
from videostyle.studio.live.pictures import Pictures
from videostyle.studio.loading import load
from videostyle.studio.web.problems import Problem, as_json, bug

if TYPE_CHECKING:
    from videostyle.live.painter import LivePainter

log = logging.getLogger("videostyle")

CROSSFADE = 0.5  # seconds
OFF, STARTING, RUNNING, FAILED = "off", "starting", "running", "failed"
END = 5.0  # seconds that a run may take to end; one that still compiles takes longer, in its own thread


class LiveSession:
    """A live painting. All methods may be called from any thread.

    Args:
        on_change: called when its state changes.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._camera: BrowserCamera | None = None
        self._changes: dict[str, Any] = {}
        self._state: dict[str, Any] = {"state": OFF, "error": None}
        self.pictures = Pictures()
        self._busy = threading.Lock()

    @property
    def state(self) -> dict[str, Any]:
        """What it does, as JSON."""
        pictures = self.pictures
        figures = {"fps": round(pictures.rate, 1), "delay_ms": round(1000 * pictures.delay), "size": pictures.size}
        running = self._state["state"] == RUNNING
        return {**self._state, **(figures if running else dict.fromkeys(figures))}

    def start(self, settings: Mapping[str, Any], source: str, opened: Callable[[], Grabber]) -> None:
        """Begins to paint.

        Args:
            settings: by the names of ``live.session.LiveSettings``.
            source: "camera", "browser" or "clip".
            opened: opens the camera.

        Raises:
            Problem: if it paints already.
            VideostyleError: if there is no such camera.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise Problem("conflict", "it paints live already", hint="end it first, or wait for its end")
            grabber = opened()
            self._camera = grabber if isinstance(grabber, BrowserCamera) else None
            self._stop, self.pictures, self._changes = threading.Event(), Pictures(), {}
            self._state = {
                "state": STARTING,
                "source": source,
                "styles": list(settings["styles"]),
                "style": settings["styles"][0],
                **{name: settings[name] for name in ("strength", "canvas", "seed", "stroke_size")},
                "error": None,
            }
            work = (settings, grabber, self._stop, self.pictures)
            self._thread = threading.Thread(target=self._run, args=work, name="studio live", daemon=True)
            self._thread.start()
        self._on_change()

    def _run(self, settings: Mapping[str, Any], grabber: Grabber, stop: threading.Event, pictures: Pictures) -> None:
        error: VideostyleError | None = None
        try:
            load()
            from videostyle.live.session import LiveSettings, run_live

            run_live(
                LiveSettings(**settings), grabber, {"page": pictures}, stop, watch=self._change, on_ready=self._ready
            )
        except VideostyleError as found:
            error = found
        except Exception as found:
            log.exception("the live painting failed")
            error = bug(found)
        finally:
            pictures.close()
            grabber.close()
        over = {"state": OFF if error is None else FAILED, "error": None if error is None else as_json(error)}
        self._state = {**self._state, **over}
        self._on_change()

    def _ready(self) -> None:
        self._state = {**self._state, "state": RUNNING}
        self._on_change()

    def set(self, changes: dict[str, Any]) -> None:
        """Changes style, strength, canvas, seed or stroke size while it runs.

        Raises:
            Problem: if it does not run, or has no such style.
        """
        with self._lock:
            if self._state["state"] not in (STARTING, RUNNING):
                raise Problem("conflict", "nothing is painted live", hint="begin with POST /api/live")
            if (style := changes.get("style")) is not None and style not in self._state["styles"]:
                raise Problem(
                    "bad_request", "the run has no such style", hint=f"it has {', '.join(self._state['styles'])}"
                )
            self._changes = {**self._changes, **changes}
            self._state = {**self._state, **changes}
        self._on_change()

    def _change(self, painter: LivePainter, now: float) -> None:
        """Makes the changes that were asked for; called in the thread of the run."""
        with self._lock:
            changes, self._changes = self._changes, {}
        if "style" in changes:
            painter.select_style(self._state["styles"].index(changes["style"]), now, CROSSFADE)
        if "strength" in changes:
            painter.set_strength(changes["strength"], now)
        if "canvas" in changes:
            painter.set_canvas(changes["canvas"], now)
        if "seed" in changes:
            painter.set_seed(changes["seed"])
        if "stroke_size" in changes:
            painter.set_stroke_size(changes["stroke_size"])

    def painted(self, picture: UInt8Array) -> bytes:
        """Paints a picture of the browser's camera; returns a JPEG.

        Args:
            picture: uint8 ``[H, W, 3]`` RGB.

        Raises:
            Problem: if the run is another one, or is busy with the picture before.
        """
        camera, pictures = self._camera, self.pictures
        if camera is None or self._state["state"] not in (STARTING, RUNNING):
            raise Problem("conflict", "the camera of a browser is not painted", hint='POST /api/live, source "browser"')
        if not self._busy.acquire(blocking=False):
            raise Problem("busy", "the picture before is being painted", hint="leave this one out")
        try:
            found = pictures.after(0, camera.put(picture))
        finally:
            self._busy.release()
        if found is None:
            raise Problem("busy", "it is still getting ready", hint="send the next picture")
        return found[1]

    def stop(self) -> None:
        """Ends the run, and waits for its end."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(END)
            self._state = {**self._state, "state": OFF, "error": None}
            self._on_change()


def live_size(text: str) -> tuple[int, int]:
    """Width and height of "640x360".

    Raises:
        Problem: if they are none, or too large.
    """
    width, _, height = text.partition("x")
    sides = tuple(int(one) if one.isdecimal() and len(one) < 5 else 0 for one in (width, height))
    if not all(64 <= side <= 1920 for side in sides):
        raise Problem("bad_request", "cannot use that size", hint="as in 640x360, sides of 64 to 1920")
    return sides[0], sides[1]
