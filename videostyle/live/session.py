"""A live run from styles and settings: puts capture, painter, pace, outputs and window together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from videostyle.errors import UsageError
from videostyle.live.capture import Capture
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs.output import Output
from videostyle.live.pace import Pace
from videostyle.live.painter import LivePainter
from videostyle.live.telemetry import LiveReport
from videostyle.live.viewer import Screen, WindowViewer
from videostyle.media.readers.camera import Grabber
from videostyle.styles import gallery


@dataclass(frozen=True)
class LiveSettings:
    """How a live run is to be.

    Attributes:
        styles: names, files or mixes, as in ``gallery.resolve``; the first one is painted with first.
        strength: 0..1.
        crossfade: seconds of a change of style.
        every: seconds after which the next style comes by itself; None = never.
        mirror: turn frames left to right.
        target_fps: frames/s to hold by painting smaller frames; None = the camera's.
        adaptive: whether the size may change.
        device: as in ``StyleProcessor``.
        precision: as in ``StyleProcessor``.
        duration: seconds from the first painted frame to the end; None = until it is stopped.
    """

    styles: Sequence[str]
    strength: float = 1.0
    crossfade: float = 1.0
    every: float | None = None
    mirror: bool = False
    target_fps: float | None = None
    adaptive: bool = True
    device: str = "auto"
    precision: str = "auto"
    duration: float | None = None


class StyleRotator:
    """Goes to the next style when its time has come."""

    def __init__(self, painter: LivePainter, every: float, crossfade: float) -> None:
        self._painter, self._every, self._crossfade = painter, every, crossfade
        self._due: float | None = None

    def __call__(self, now: float) -> None:
        """Called now and then with the time in seconds."""
        if self._due is None:
            self._due = now + self._every
        elif now >= self._due:
            self._due += self._every
            self._painter.choose(self._painter.number + 1, now, self._crossfade)


def run_live(
    settings: LiveSettings,
    grabber: Grabber,
    outputs: dict[str, Output],
    stop: threading.Event,
    *,
    again: Callable[[], Grabber] | None = None,
    screen: Screen | None = None,
    recorder: Callable[[], tuple[str, Output]] | None = None,
    started: float | None = None,
    watch: Callable[[LivePainter, float], Any] | None = None,
) -> LiveReport:
    """Paints until ``stop`` is set, the duration has passed, or the camera has ended.

    Args:
        settings: how.
        grabber: where frames come from; closed at the end.
        outputs: name -> output; closed at the end.
        stop: ends the run.
        again: opens the camera once more when it has failed; None = the run ends then.
        screen: a window; None = there is none.
        recorder: makes a recording, with its name, for the window's record key.
        started: when the program began, ``time.monotonic``.
        watch: called some twenty times a second with the painter and the time.

    Raises:
        VideostyleError: if a style cannot be used, or the camera failed.
    """
    styles = gallery.of_one_depth([gallery.resolve(name) for name in settings.styles])
    if any(style.architecture != styles[0].architecture for style in styles):
        raise UsageError("the styles are of different networks", hint="give styles of one size of network")
    info = grabber.info
    painter = LivePainter(
        gallery.find_base(styles[0].architecture) or gallery.base(),  # without one of their sizes nothing is walked
        styles,
        info,
        precision=settings.precision,
        device=settings.device,
        strength=settings.strength,
        adaptive=settings.adaptive,
    )
    # Painting faster than frames come would cost size for nothing.
    camera_fps = float(info.fps) if info.fps else 30.0
    fps = min(settings.target_fps or camera_fps, camera_fps)
    turns = StyleRotator(painter, settings.every, settings.crossfade) if settings.every else None

    def tick(now: float) -> None:
        if turns is not None:
            turns(now)
        if watch is not None:
            watch(painter, now)

    viewer = WindowViewer(painter, screen, crossfade=settings.crossfade, recorder=recorder) if screen else None
    capture = Capture(grabber, again, mirror=settings.mirror, fps=fps if fps < camera_fps else None)
    size = (info.width, info.height)
    pace = Pace(1.0 / fps, adaptive=settings.adaptive)
    loop = LiveLoop(capture, painter, outputs, pace, size, fps, viewer=viewer, tick=tick, started=started)
    if viewer is not None:
        viewer.loop = loop
    return loop.run(stop, settings.duration)
