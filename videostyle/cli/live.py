"""``videostyle live``: paints a camera, a stream or a file while it plays."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.cli.messages import message
from videostyle.cli.options import (
    add_device_options,
    add_processor_option,
    add_region_options,
    add_timeline_options,
    size,
    trains,
)
from videostyle.errors import OutputError, SettingError, UsageError
from videostyle.live.keys import listed

if TYPE_CHECKING:
    from videostyle.live.session import LiveSettings
    from videostyle.live.telemetry import LiveReport
    from videostyle.media.provenance import Painted


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.epilog = f"Keys in the window: {listed()}. A page takes them too, except q."
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        help="as in 'videostyle render'; may be given several times: keys n and p switch between them",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="0..1",
        help="0 leaves the picture as it is, 1 paints fully; keys + and - change it (default: 1)",
    )
    parser.add_argument(
        "--canvas",
        type=float,
        metavar="0..1",
        help="how much is painted where the scene shows nothing, as in skies and on walls: 0 nothing, 1 as the style "
        "was trained; keys [ and ] change it (default: what suits the style)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="another number gives another painting of the same scene, with other strokes in even areas; key e takes "
        "the next number (default: 0)",
    )
    parser.add_argument(
        "--stroke-size",
        type=float,
        metavar="0.5..4",
        help="2 paints strokes twice as large, and faster; 0.5 smaller ones; keys , and . change it (default: as in "
        "'videostyle render')",
    )
    parser.add_argument(
        "--crossfade",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how long one style takes to turn into another (default: 1)",
    )
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="switch to the next style this often (default: never)"
    )
    add_processor_option(parser, default=[])
    add_region_options(parser, default=[], shown=None)
    add_timeline_options(parser, default=[], curve=None)
    camera = parser.add_argument_group("camera")
    camera.add_argument("--camera", type=int, default=0, metavar="N", help="index of the camera (default: 0)")
    camera.add_argument(
        "-i",
        "--input",
        metavar="FILE|URL",
        help="paint a video file at its own pace, or a network stream (rtsp, rtmp, http, udp...), instead of a camera",
    )
    camera.add_argument("--loop", action="store_true", help="with a file: begin again at its end")
    camera.add_argument(
        "--size", metavar="WxH", help="frame size to ask the camera for (default: 640x360)", default="640x360"
    )
    camera.add_argument("--fps", metavar="RATE", help="frame rate to ask the camera for (default: the camera's own)")
    camera.add_argument(
        "--camera-format",
        "--pixels",
        dest="pixels",
        default="auto",
        metavar="FOURCC",
        help="pixel format to ask the camera for, in four letters: MJPG, YUYV... (default: MJPG)",
    )
    camera.add_argument("--mirror", action="store_true", help="flip the picture left to right")
    camera.add_argument(
        "--reconnect", action="store_true", help="if the camera fails, wait for it to come back (default: stop)"
    )
    out = parser.add_argument_group("outputs (any combination; a window if none is given)")
    out.add_argument("--window", action="store_true", help="show a window on this display")
    out.add_argument("--fullscreen", action="store_true", help="show a window that fills the screen")
    out.add_argument("--record", metavar="FILE", help="record into a .mp4, .mov or .mkv file")
    out.add_argument("--stream-to", metavar="URL", help="send to a rtmp, rtmps, srt, udp, rtp or tcp address")
    out.add_argument(
        "--page",
        type=int,
        metavar="PORT",
        help="show it in a browser on this machine; its address is printed (0: any free port)",
    )
    out.add_argument(
        "--virtual-camera",
        action="store_true",
        help="offer it as a camera to other programs (needs: pip install 'videostyle[live]')",
    )
    out.add_argument("-y", "--overwrite", action="store_true", help="replace a recording that exists already")
    pace = parser.add_argument_group("pace")
    pace.add_argument(
        "--target-fps",
        metavar="RATE",
        help="hold this rate by painting smaller frames where this machine is too slow (default: the camera's rate)",
    )
    pace.add_argument(
        "--fixed-size", action="store_true", help="paint at full size, and drop frames where this machine is too slow"
    )
    pace.add_argument(
        "--duration", type=float, metavar="SECONDS", help="stop after this long (default: when you stop it)"
    )
    add_device_options(pace, several=False)


def _check(options: argparse.Namespace) -> None:
    """Checks the values of options, and converts rates to numbers.

    Raises:
        SettingError: if a value cannot be used.
    """
    from videostyle.inference.stroke_size import check_stroke_size
    from videostyle.live.chained import check_chain
    from videostyle.live.schedule import check_schedule
    from videostyle.media.timecode import parse_rate
    from videostyle.network.canvas import LARGEST_SEED
    from videostyle.processors.regions.kinds import make_region, regions_from
    from videostyle.processors.registry import chain_from
    from videostyle.processors.timeline import timeline_from
    from videostyle.styles.resolve import check_style

    options.processors = chain_from(options.processors)
    check_chain(options.processors)
    options.regions, options.timeline = regions_from(options.regions), timeline_from(options.timeline)
    check_schedule(options.timeline, options.strength_from, options.processors)
    for region in options.regions:
        make_region(region).check()
    if options.show_region is not None and not options.regions:
        raise SettingError("show_region", "there is no region", "name one with `regions`")
    others = (*(region.style for region in options.regions), *(frame.style for frame in options.timeline))
    for style in (*options.style, *filter(None, others)):
        check_style(style, options.strength)
    if not 0.0 <= options.strength <= 1.0:
        raise SettingError("strength", f"{options.strength:g} is outside 0..1", "0 leaves the picture as it is")
    if options.canvas is not None and not 0.0 <= options.canvas <= 1.0:
        raise SettingError("canvas", f"{options.canvas:g} is outside 0..1", "0 paints nothing where the scene is even")
    if not 0 <= options.seed <= LARGEST_SEED:
        raise SettingError("seed", f"cannot use {options.seed}", f"give a whole number from 0 to {LARGEST_SEED}")
    check_stroke_size(options.stroke_size)
    for name in ("fps", "target_fps"):
        if getattr(options, name) is not None:
            try:
                setattr(options, name, float(parse_rate(getattr(options, name))))
            except UsageError as error:
                raise SettingError(name, error.what, error.hint) from error
    for name in ("duration", "every"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= 1e6:
            raise SettingError(name, f"cannot use {value:g}", "give seconds above 0")
    if options.pixels != "auto" and not re.fullmatch(r"[A-Za-z0-9]{4}", options.pixels):
        raise SettingError("camera_format", f"cannot use '{options.pixels}'", "give four letters, as MJPG or YUYV")
    if options.crossfade < 0:
        raise SettingError("crossfade", f"cannot use {options.crossfade:g}", "give seconds, 0 for none")
    if options.page is not None and not 0 <= options.page <= 65535:
        raise SettingError("page", f"cannot use port {options.page}", "give one from 1 to 65535, or 0 for any")


def run(options: argparse.Namespace) -> int:
    """Paints until it is stopped."""
    started = time.monotonic()
    from videostyle.media.opencv import load_cv2

    load_cv2()  # must be loaded before PyAV, see ``live.window.Window``
    from videostyle.media.address import is_address
    from videostyle.media.inputs import vet_input

    _check(options)
    if options.input is not None and not is_address(options.input):
        vet_input(options.input)
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.cli.training_notice import announce
    from videostyle.inference.startup import backend_title, load_backend
    from videostyle.live.chained import lookahead_warnings
    from videostyle.live.warmup import show_first_picture
    from videostyle.live.window import Window, check_display
    from videostyle.media.readers.camera import open_grabber

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
    for text in () if options.quiet else lookahead_warnings(options.regions):
        print(f"warning: {text}", file=sys.stderr)
    try:
        # Everything that can fail quickly comes before TensorFlow is loaded, which takes seconds.
        _open_outputs(options, outputs)
        windowed = options.window or options.fullscreen or not outputs
        if windowed:
            check_display()
        if announce(options.style, Bars(options.quiet)):
            _train_styles(options)
        grabber = opener()
        if options.virtual_camera:
            info = grabber.info
            outputs["virtual camera"].open(info.width, info.height, float(info.fps or 30))
        if windowed:
            screen = Window(grabber.info.width, grabber.info.height, fullscreen=options.fullscreen)
            if not options.quiet:
                print(f"keys: {listed()}", file=sys.stderr)
        pages = [outputs["page"]] if "page" in outputs else []
        if (screen is not None or pages) and (first := _first_picture(options, grabber, opener)) is not None:
            show_first_picture(first, screen, pages, mirror=options.mirror)
        with stoppable() as stop, Bars(options.quiet) as bars:
            bars.note(f"warming up: loading {backend_title()}")
            load_backend()
            bars.note("warming up: compiling the network", logged=False)
            from videostyle.live.session import run_live

            report = run_live(
                _settings(options),
                grabber,
                outputs,
                stop,
                reopen=opener if options.reconnect else None,
                screen=screen,
                recorder=partial(_numbered_recording, _provenance(options)),
                started=started,
                on_painted=lambda count: bars("paint", count, None),
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


def _first_picture(options: argparse.Namespace, grabber: Any, opener: Any) -> Any:
    """A picture to show while everything gets ready: uint8 ``[H, W, 3]``, or None if there is none.

    Of a file it is read by another reader, so that the run begins with the first frame.
    """
    from videostyle.media.address import is_address

    if options.input is None or is_address(options.input):
        found = grabber.read()
    else:
        other = opener()
        try:
            found = other.read()
        finally:
            other.close()
    return found[0] if found is not None else None


def _open_outputs(options: argparse.Namespace, outputs: dict[str, Any]) -> None:
    """Opens what was asked for into ``outputs``, by name; those that are open stay there when one is refused."""
    from videostyle.live.outputs.page import Page
    from videostyle.live.outputs.recording import Recording
    from videostyle.live.outputs.stream import StreamOut
    from videostyle.live.outputs.virtual_camera import VirtualCamera
    from videostyle.media.address import is_address
    from videostyle.styles.resolve import thumbnail

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
        outputs["page"] = Page(options.page, styles=[(style, thumbnail(style)) for style in options.style])
        print(f"open {outputs['page'].address}", file=sys.stderr, flush=True)


def _settings(options: argparse.Namespace) -> LiveSettings:
    from videostyle.live.session import LiveSettings

    return LiveSettings(
        options.style,
        strength=options.strength,
        canvas=options.canvas,
        seed=options.seed,
        stroke_size=options.stroke_size,
        crossfade=options.crossfade,
        every=options.every,
        mirror=options.mirror,
        target_fps=options.target_fps,
        adaptive=not options.fixed_size,
        device=options.device,
        precision=options.precision,
        processors=options.processors,
        regions=options.regions,
        show_region=options.show_region,
        timeline=options.timeline,
        strength_from=options.strength_from,
        duration=options.duration,
    )


def _train_styles(options: argparse.Namespace) -> None:
    """Trains a style for each ``--style`` that is a picture without one, on the photos that ship with the program."""
    from videostyle.cli.interrupt import stoppable
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import load_backend
    from videostyle.rendering.progress import cancellable
    from videostyle.training.session import style_of_picture

    with Bars(options.quiet) as bars, stoppable() as stop:
        bars.note("getting ready to learn")
        load_backend()
        for style in filter(trains, options.style):
            style_of_picture(Path(style), cancellable(bars, stop))


def _provenance(options: argparse.Namespace) -> Painted:
    """The provenance that a recording stores; it names all styles of the run."""
    from videostyle.media.provenance import Painted
    from videostyle.version import __version__

    return Painted(", ".join(options.style), "", "", options.strength, __version__)


def _numbered_recording(painted: Painted) -> tuple[str, Any]:
    """Opens a recording under the first free name in the current folder, and gives its name with it."""
    from videostyle.live.outputs.recording import Recording

    number = 1
    # A recording that is still being finished exists under its running name only.
    while any(Path(f"videostyle-{number:03d}{end}").exists() for end in (".mp4", ".recording.mp4")):
        number += 1
    name = f"videostyle-{number:03d}.mp4"
    return name, Recording(name, painted=painted)


def _print(options: argparse.Namespace, report: LiveReport) -> None:
    if options.json:
        print(json.dumps(report.row()))
        return
    rates = f"{report.fps_out:.1f} frames/s of {report.fps_in:.1f} captured, {report.dropped} dropped"
    rates += f", {report.skipped} skipped to keep the rate" if report.skipped else ""
    delay = f"delay {report.latency_p50:.0f} ms (p50), {report.latency_p95:.0f} ms (p95)"
    print(f"{report.painted} frames in {report.seconds:.1f} s: {rates}; {delay}")
    for name, figures in report.outputs.items():
        print(f"{name}: {figures['frames']} frames{', ' + message(figures['error']) if figures['error'] else ''}")
    for warning in report.warnings if not options.quiet else ():
        print(f"warning: {message(warning)}", file=sys.stderr)
