"""Options that several verbs share, and the settings they mean."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from videostyle.errors import UsageError

LARGEST_SIDE = 8192  # pixels

if TYPE_CHECKING:
    from videostyle.rendering.settings import Engine, RenderSettings


def add_render_options(parser: argparse.ArgumentParser) -> None:
    """How to paint and how to write: all that ``RenderSettings`` holds but the style."""
    look = parser.add_argument_group("look")
    look.add_argument(
        "--strength", type=float, default=1.0, metavar="0..1", help="0 leaves the picture as it is (default: 1)"
    )
    look.add_argument("--preserve-color", action="store_true", help="keep the clip's own colours")
    look.add_argument("--max-size", type=int, metavar="PIXELS", help="longest side of the output")
    part = parser.add_argument_group("part and rate")
    part.add_argument("--start", metavar="TIME", help="seconds, hh:mm:ss or frames (120f)")
    part.add_argument("--end", metavar="TIME", help="where to stop, not included")
    part.add_argument(
        "--fps", metavar="RATE", help="constant rate, as 25 or 30000/1001 (default: the source's own times)"
    )
    writing = parser.add_argument_group("writing")
    writing.add_argument(
        "--codec", help="h264, hevc, av1, vp9, prores, ffv1, gif, webp, png, or a hardware encoder such as h264_nvenc"
    )
    writing.add_argument("--crf", type=int, help="constant quality, lower is better (default: the codec's own)")
    writing.add_argument("--preset", help="speed of the encoder, in its own words (medium, slow...)")
    writing.add_argument("--pix-fmt", help="stored pixel format, such as yuv444p")
    writing.add_argument("--no-audio", action="store_true", help="leave sound and subtitles out")
    writing.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")
    machine = parser.add_argument_group("machine")
    machine.add_argument("--batch-size", type=int, help="frames computed at once (default: chosen by size)")
    machine.add_argument("--device", default="auto", help="auto, cpu, gpu, gpu:1; gpu:0,gpu:1 for a worker on each")
    machine.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    machine.add_argument("--strict", action="store_true", help="damage in the input is an error")
    machine.add_argument("--no-hdr", action="store_true", help="refuse HDR instead of mapping it to SDR")


def add_chunk_options(parser: argparse.ArgumentParser) -> None:
    """Options on broken-off renders and on who paints, which ``batch`` has as well."""
    chunks = parser.add_argument_group("long clips")
    kept = chunks.add_mutually_exclusive_group()
    kept.add_argument("--resume", action="store_true", help="go on with a render that was broken off (the default)")
    kept.add_argument("--restart", action="store_true", help="throw away what a broken-off render left and begin anew")
    chunks.add_argument("--engine", default="local", choices=["local", "ray"], help="who paints (default: local)")
    chunks.add_argument("--workers", type=int, help="processes, or chunks at once on a cluster (default: 1; all of it)")
    chunks.add_argument("--address", help="of a Ray cluster (default: one on this machine)")


def engine_from(options: argparse.Namespace) -> Engine:
    """Who paints.

    Raises:
        UsageError: if the options do not go together.
    """
    from videostyle.rendering.settings import Engine

    devices = _devices(options)
    return Engine(options.engine, options.workers, options.address, devices if len(devices) > 1 else ())


def _devices(options: argparse.Namespace) -> tuple[str, ...]:
    devices = tuple(name.strip() for name in options.device.split(","))
    if not all(devices) or len(set(devices)) < len(devices):
        raise UsageError(f"cannot read the devices '{options.device}'", hint="give gpu:0,gpu:1, each once")
    return devices


def trains(style: str) -> bool:
    """Whether a style may have to be trained first, for which all cores should work on each operation."""
    return style.lower().endswith((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))


def rate(text: str | None) -> Fraction | None:
    """A frame rate as users write it; 29.97 and its like mean the exact broadcast rates.

    Raises:
        UsageError: if it cannot be read.
    """
    if text is None:
        return None
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(f"cannot read the rate '{text}'", hint="give 25, 29.97 or 30000/1001")
    known = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]
    return next((k for k in known if abs(k - rate) < Fraction(1, 100) and rate.denominator != 1), rate)


def size(text: str, least: int = 16, *, even: bool = False) -> tuple[int, int]:
    """Width and height as users write them, 640x360.

    Args:
        text: what they wrote.
        least: pixels of a side.
        even: whether both must be even.

    Raises:
        UsageError: if it cannot be read, or is not of that kind.
    """
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(least <= side <= LARGEST_SIDE and not (even and side % 2) for side in sides):
        what = f"WIDTHxHEIGHT, {'even sides of ' if even else ''}{least} to {LARGEST_SIDE} pixels, as in 640x360"
        raise UsageError(f"cannot use the size '{text}'", hint=f"give {what}")
    return sides


def settings_from(options: argparse.Namespace, style: str) -> RenderSettings:
    """The settings that the options of ``add_render_options`` mean.

    Raises:
        UsageError: if one cannot be read.
    """
    from videostyle.media.timecode import parse
    from videostyle.media.writers.base import EncodeOptions
    from videostyle.rendering.settings import RenderSettings

    encode = EncodeOptions(
        codec=options.codec,
        crf=options.crf,
        preset=options.preset,
        pixel_format=options.pix_fmt,
        audio=not options.no_audio,
        overwrite=options.overwrite,
    )
    return RenderSettings(
        style=style,
        strength=options.strength,
        preserve_color=options.preserve_color,
        start=parse(options.start) if options.start else None,
        end=parse(options.end) if options.end else None,
        max_size=options.max_size,
        frame_rate=rate(options.fps),
        encode=encode,
        batch_size=options.batch_size,
        device=_devices(options)[0],
        precision=options.precision,
        strict=options.strict,
        allow_hdr=not options.no_hdr,
    )
