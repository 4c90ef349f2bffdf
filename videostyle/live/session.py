"""One live run: builds capture, painter, pace, viewer and loop from settings, and runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videostyle.errors import UsageError
from videostyle.live.capture import Capture
from videostyle.live.chained import ChainedPainter
from videostyle.live.controls import Controls
from videostyle.live.layers import FollowingPainter
from videostyle.live.loop import LiveLoop, Painter
from videostyle.live.outputs.output import Output
from videostyle.live.outputs.page import Page
from videostyle.live.pace import Pace
from videostyle.live.painter import LivePainter
from videostyle.live.schedule import Schedule
from videostyle.live.telemetry import LiveReport
from videostyle.live.viewer import Screen, WindowViewer
from videostyle.media.readers.camera import Grabber, PacedFile
from videostyle.processors.curve import read_curve
from videostyle.processors.regions.kinds import RegionChoice
from videostyle.processors.registry import Choice
from videostyle.processors.timeline import KeyFrame
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.resolve import resolve, with_equal_depth


@dataclass(frozen=True)
class LiveSettings:
    """Settings of a live run.

    Attributes:
        styles: names, files or mixes, see ``styles.resolve``; the run begins with the first one.
        strength: 0..1.
        canvas: how much is painted where the scene shows nothing, 0..1; None = what the card of each style says.
        seed: number of the canvas, 0..``LARGEST_SEED``.
        stroke_size: how large strokes are, 1 = as the styles were trained; None = usual for the frames.
        crossfade: duration of a change of style, seconds.
        every: seconds after which the next style is selected automatically; None = never.
        mirror: flip frames left to right.
        target_fps: rate to keep by painting smaller frames, frames/s; None = the camera's.
        adaptive: whether the painted size may change.
        device: see ``StyleProcessor``.
        precision: see ``StyleProcessor``.
        processors: other steps of the frame chain, in order.
        regions: parts of the frame that limit the painting, or are painted otherwise.
        show_region: show the regions instead of painting: "overlay" or "mask"; None = paint.
        timeline: changes, by the time since the first painted frame.
        strength_from: a CSV file of times and values, 0..1, by which the strength is multiplied; None = 1.
        duration: seconds from the first painted frame to the end; None = until it is stopped.
    """

    styles: Sequence[str]
    strength: float = 1.0
    canvas: float | None = None
    seed: int = 0
    stroke_size: float | None = None
    crossfade: float = 1.0
    every: float | None = None
    mirror: bool = False
    target_fps: float | None = None
    adaptive: bool = True
    device: str = "auto"
    precision: str = "auto"
    processors: Sequence[Choice] = ()
    regions: Sequence[RegionChoice] = ()
    show_region: str | None = None
    timeline: Sequence[KeyFrame] = ()
    strength_from: str | None = None
    duration: float | None = None


class StyleRotator:
    """Selects the next style at regular intervals.

    Args:
        painter: whose style to change.
        every: interval, seconds.
        crossfade: duration of a change, seconds.
    """

    def __init__(self, painter: LivePainter, every: float, crossfade: float) -> None:
        self._painter, self._every, self._crossfade = painter, every, crossfade
        self._due: float | None = None

    def __call__(self, now: float) -> None:
        """Selects the next style if the interval has passed at time ``now``, seconds."""
        if self._due is None:
            self._due = now + self._every
        elif now >= self._due:
            self._due += self._every
            self._painter.select_style(self._painter.style_index + 1, now, self._crossfade)


def run_live(
    settings: LiveSettings,
    grabber: Grabber,
    outputs: dict[str, Output],
    stop: threading.Event,
    *,
    reopen: Callable[[], Grabber] | None = None,
    screen: Screen | None = None,
    recorder: Callable[[], tuple[str, Output]] | None = None,
    started: float | None = None,
    watch: Callable[[LivePainter, float], Any] | None = None,
    on_ready: Callable[[], None] | None = None,
    on_painted: Callable[[int], None] | None = None,
) -> LiveReport:
    """Paints until ``stop`` is set, the duration has passed, or the camera has ended.

    Args:
        settings: how to paint.
        grabber: the opened camera; closed at the end.
        outputs: name -> output; closed at the end.
        stop: ends the run when it is set.
        reopen: opens the camera again after a failure; None = a failure ends the run.
        screen: a window; None = there is none.
        recorder: creates a recording for the record key, and gives its name with it.
        started: start of the program, ``time.monotonic``.
        watch: called about twenty times a second with the painter and the time.
        on_ready: called when the first frame is painted, which waits until everything is compiled.
        on_painted: called about twenty times a second with the number of frames that were painted since, if any.

    Raises:
        VideostyleError: if a style cannot be used, or the camera failed.
    """
    names = list(dict.fromkeys([*settings.styles, *(frame.style for frame in settings.timeline if frame.style)]))
    regions = [region for region in settings.regions if region.paints and settings.show_region is None]
    over = [region.style for region in regions if region.style is not None]
    styles = dict(zip([*names, *over], with_equal_depth([resolve(name) for name in [*names, *over]]), strict=True))
    own = [styles[name] for name in names]
    if any(style.architecture != own[0].architecture for style in styles.values()):
        raise UsageError("the styles are of different networks", hint="give styles of one size of network")
    info = grabber.info
    # If there is no base of this architecture, any base will do: no style is its child, so none is interpolated.
    base = gallery.find_base(own[0].architecture) or gallery.base()

    def painter_of(found: Sequence[Style], strength: float) -> LivePainter:
        return LivePainter(
            base,
            found,
            info,
            precision=settings.precision,
            device=settings.device,
            strength=strength,
            canvas=settings.canvas,
            seed=settings.seed,
            stroke_size=settings.stroke_size,
            adaptive=settings.adaptive,
        )

    painter = painter_of(own, settings.strength)
    layers: list[Painter] = []
    for region in regions:
        strength = 1.0 if region.strength is None else region.strength
        if region.style is not None:
            layers.append(painter_of([styles[region.style]], strength))
        else:
            layers.append(FollowingPainter(painter_of(own, strength), painter, settings.crossfade))
    # A target above the camera's rate would shrink the picture for nothing.
    camera_fps = float(info.fps) if info.fps else 30.0
    fps = min(settings.target_fps or camera_fps, camera_fps)
    rotator = StyleRotator(painter, settings.every, settings.crossfade) if settings.every else None

    controls = Controls(painter, crossfade=settings.crossfade, recorder=recorder)
    pages = [output for output in outputs.values() if isinstance(output, Page)]

    waiting, told = on_ready, 0

    def tick(now: float) -> None:
        nonlocal waiting, told
        if waiting is not None and loop.report.painted:
            waiting()
            waiting = None
        if on_painted is not None and (painted := loop.report.painted) > told:
            on_painted(painted - told)
            told = painted
        controls.check_recordings()
        for page in pages:
            page.answer_keys(controls.press_remotely)
        if rotator is not None:
            rotator(now)
        if watch is not None:
            watch(painter, now)

    schedule = None
    if settings.timeline or settings.strength_from is not None:
        curve = read_curve(Path(settings.strength_from)) if settings.strength_from is not None else None
        changes = settings.timeline, camera_fps, settings.strength, curve, names, settings.processors
        schedule = Schedule(painter, *changes)
    chained: Painter = painter
    if settings.processors or settings.regions or schedule is not None:
        chained = ChainedPainter(
            painter,
            settings.processors,
            info,
            regions=settings.regions,
            layers=layers,
            shown=settings.show_region,
            schedule=schedule,
        )
    viewer = WindowViewer(controls, screen) if screen is not None else None
    file = grabber if isinstance(grabber, PacedFile) else None
    if file is not None:
        file.hold()
    capture = Capture(
        grabber, reopen, mirror=settings.mirror, fps=fps if fps < camera_fps else None, patient=file is not None
    )

    def play() -> None:
        capture.expect_frames()
        if file is not None:
            file.play()

    size = (info.width, info.height)
    pace = Pace(1.0 / fps, adaptive=settings.adaptive)
    loop = LiveLoop(
        capture,
        chained,
        outputs,
        pace,
        size,
        fps,
        compose=controls.compose,
        viewer=viewer,
        tick=tick,
        started=started,
        prepared=play,
    )
    controls.loop = loop
    return loop.run(stop, settings.duration)
