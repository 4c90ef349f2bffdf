"""``videostyle live``: paints a camera, a stream or a file as it comes."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.cli.options import size, trains
from videostyle.errors import OutputError, UsageError

if TYPE_CHECKING:
    from videostyle.live.telemetry import LiveReport
    from videostyle.media.provenance import Painted


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        help="name, file, picture or mix; give several to switch between them with the keys n and p",
    )
    parser.add_argument("--strength", type=float, default=1.0, metavar="0..1", help="0 = camera's picture, 1 = painted")
    parser.add_argument(
        "--crossfade", type=float, default=1.0, metavar="SECONDS", help="duration of a change of style (default: 1)"
    )
    parser.add_argument("--every", type=float, metavar="SECONDS", help="switch to the next style at this interval")
    camera = parser.add_argument_group("camera")
    camera.add_argument("--camera", type=int, default=0, metavar="N", help="index of the camera (default: 0)")
    camera.add_argument("--input", metavar="FILE|URL", help="play a file, or receive a stream, instead of a camera")
    camera.add_argument("--loop", action="store_true", help="start a file again at its end")
    camera.add_argument(
        "--size", metavar="WxH", help="size to ask the camera for (default: 640x360)", default="640x360"
    )
    camera.add_argument("--fps", type=float, metavar="N", help="rate to ask the camera for, frames/s")
    camera.add_argument(
        "--pixels",
        default="auto",
        metavar="FOURCC",
        help="pixel format to ask the camera for: MJPG, YUYV... (default: MJPG)",
    )
    camera.add_argument("--mirror", action="store_true", help="flip the picture left to right")
    camera.add_argument("--reconnect", action="store_true", help="if the camera fails, wait for it to come back")
    out = parser.add_argument_group("outputs (any combination; a window if none is given)")
    out.add_argument("--window", action="store_true", help="a window on this display")
    out.add_argument("--fullscreen", action="store_true", help="a window that fills the screen")
    out.add_argument("--record", metavar="FILE", help="record to .mp4, .mov or .mkv")
    out.add_argument("--stream-to", metavar="URL", help="send to an rtmp://, srt://, udp:// or rtp:// address")
    out.add_argument("--page", type=int, metavar="PORT", help="a web page for this machine; 0 = any free port")
    out.add_argument("--virtual-camera", action="store_true", help="a camera for other programs, such as video calls")
    out.add_argument("-y", "--overwrite", action="store_true", help="replace the --record file if it exists")
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--target-fps",
        type=float,
        metavar="N",
        help="frames/s to keep by painting at a smaller size (default: the camera's rate)",
    )
    pace.add_argument("--fixed-size", action="store_true", help="always paint at full size, at whatever rate")
    pace.add_argument("--duration", type=float, metavar="SECONDS", help="stop after this time")
    pace.add_argument("--device", default="auto", help="auto, cpu, gpu, gpu:1")
    pace.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16", "float16"])


def _check(options: argparse.Namespace) -> None:
    if not 0.0 <= options.strength <= 1.0:
        raise UsageError(f"strength {options.strength} is outside 0..1")
    for name in ("fps", "target_fps", "duration", "every"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= 1e6:
            raise UsageError(f"--{name.replace('_', '-')} must be above 0")
    if options.pixels != "auto" and not re.fullmatch(r"[A-Za-z0-9]{4}", options.pixels):
        raise UsageError("--pixels needs four letters, as MJPG or YUYV")
    if options.crossfade < 0:
        raise UsageError("--crossfade must be at least 0")
    if options.page is not None and not 0 <= options.page <= 65535:
        raise UsageError("--page needs a port between 0 and 65535")


def run(options: argparse.Namespace) -> int:
    """Paints until it is stopped."""
    started = time.monotonic()
    from videostyle.media.opencv import load_cv2

    load_cv2()  # must be loaded before PyAV, see ``live.window.Window``
    from videostyle.cli.progress import stoppable
    from videostyle.inference.startup import load_tensorflow
    from videostyle.live.outputs.page import Page
    from videostyle.live.outputs.recording import Recording
    from videostyle.live.outputs.stream import StreamOut
    from videostyle.live.outputs.virtual_camera import VirtualCamera
    from videostyle.live.window import Window, check_display
    from videostyle.media.address import is_address
    from videostyle.media.readers.camera import open_grabber

    _check(options)
    screen: Any = None
    outputs: dict[str, Any] = {}
    grabber: Any = None
    opener = partial(
        open_grabber,
        options.camera,
        options.input,
        size=size(options.size),
        fps=options.fps,
        pixels=options.pixels,
        repeat=options.loop,
    )
    try:
        # Everything that can fail quickly comes before TensorFlow is loaded, which takes seconds.
        if options.record:
            outputs["recording"] = Recording(
                options.record,
                overwrite=options.overwrite,
                painted=_provenance(options),
                sources=() if options.input is None or is_address(options.input) else (Path(options.input),),
            )
        if options.stream_to:
            outputs["stream"] = StreamOut(options.stream_to)
        if options.virtual_camera:
            outputs["virtual camera"] = VirtualCamera()
        if options.page is not None:
            outputs["page"] = Page(options.page)
            print(f"open {outputs['page'].address}", file=sys.stderr, flush=True)
        windowed = options.window or options.fullscreen or not outputs
        if windowed:
            check_display()
        if any(trains(style) for style in options.style):
            _train_styles(options)
        grabber = opener()
        if options.virtual_camera:
            info = grabber.info
            outputs["virtual camera"].open(info.width, info.height, float(info.fps or 30))
        if windowed:
            screen = Window(grabber.info.width, grabber.info.height, fullscreen=options.fullscreen)
            if not options.quiet:
                from videostyle.live.viewer import KEYS

                print(KEYS, file=sys.stderr)
        with stoppable() as stop:
            load_tensorflow()
            from videostyle.live.session import LiveSettings, run_live

            settings = LiveSettings(
                options.style,
                strength=options.strength,
                crossfade=options.crossfade,
                every=options.every,
                mirror=options.mirror,
                target_fps=options.target_fps,
                adaptive=not options.fixed_size,
                device=options.device,
                precision=options.precision,
                duration=options.duration,
            )
            report = run_live(
                settings,
                grabber,
                outputs,
                stop,
                reopen=opener if options.reconnect else None,
                screen=screen,
                recorder=partial(_numbered_recording, Recording, _provenance(options)),
                started=started,
            )
    except BaseException:
        for output in outputs.values():
            output.close()
        if grabber is not None:
            grabber.close()
        raise
    finally:
        if screen is not None:
            screen.close()
    _print(options, report)
    # An output that failed makes the run a failure, though the other outputs are complete.
    return OutputError.exit_code if any(figures["error"] for figures in report.outputs.values()) else 0


def _train_styles(options: argparse.Namespace) -> None:
    """Trains a style for each ``--style`` that is a picture without one, on the photos that ship with the program."""
    from videostyle.cli.progress import Bars, stoppable
    from videostyle.inference.startup import load_tensorflow
    from videostyle.rendering.progress import cancellable
    from videostyle.training.session import from_picture

    load_tensorflow()
    bars = Bars(options.quiet)
    with stoppable() as stop:
        try:
            for style in filter(trains, options.style):
                from_picture(Path(style), None, cancellable(bars, stop))
        finally:
            bars.close()


def _provenance(options: argparse.Namespace) -> Painted:
    """What a recording stores about its making; all styles that were given are named."""
    from videostyle import __version__
    from videostyle.media.provenance import Painted

    return Painted(", ".join(options.style), "", "", options.strength, __version__)


def _numbered_recording(kind: Any, painted: Painted) -> tuple[str, Any]:
    """Opens a recording under the first free name in the current folder, and gives its name with it."""
    number = 1
    # A recording that is still being finished exists under its running name only.
    while any(Path(f"videostyle-{number:03d}{end}").exists() for end in (".mp4", ".recording.mp4")):
        number += 1
    name = f"videostyle-{number:03d}.mp4"
    return name, kind(name, painted=painted)


def _print(options: argparse.Namespace, report: LiveReport) -> None:
    if options.json:
        print(json.dumps(report.row()))
        return
    rates = f"{report.fps_out:.1f} frames/s of {report.fps_in:.1f} captured, {report.dropped} dropped"
    rates += f", {report.skipped} skipped to keep the rate" if report.skipped else ""
    delay = f"delay {report.latency_p50:.0f} ms (p50), {report.latency_p95:.0f} ms (p95)"
    print(f"{report.painted} frames in {report.seconds:.1f} s: {rates}; {delay}")
    for name, figures in report.outputs.items():
        print(f"{name}: {figures['frames']} frames{', ' + figures['error'] if figures['error'] else ''}")
    for warning in report.warnings if not options.quiet else ():
        print(f"warning: {warning}", file=sys.stderr)
