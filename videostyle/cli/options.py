"""Options that several verbs share, and their conversion to settings.

The schema of settings, with defaults, is in ``rendering.settings``. The parsed command line holds an option only if the
user gave it, under the name of the setting.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from videostyle.errors import DeviceError, SettingError, UsageError
from videostyle.inference.startup import BACKENDS
from videostyle.media.choices import BIT_DEPTHS, HARDWARE_DECODERS, TONE_MAPS
from videostyle.network.precision import PRECISIONS
from videostyle.rendering.choices import ENGINES, SHOWN
from videostyle.rendering.delivery import DELIVERIES

LARGEST_SIDE = 8192  # pixels

if TYPE_CHECKING:
    from videostyle.rendering.settings import Engine, RenderSettings


def add_render_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options on painting and writing: those for all ``RenderSettings`` except the style."""
    absent: Any = argparse.SUPPRESS
    look = parser.add_argument_group("look")
    look.add_argument(
        "--strength",
        type=float,
        default=absent,
        metavar="0..1",
        help="0 leaves the picture as it is, 1 paints fully (default: 1)",
    )
    look.add_argument(
        "--canvas",
        type=float,
        default=absent,
        metavar="0..1",
        help="how much is painted where the scene shows nothing, as in skies and on walls: 0 nothing, 1 as the style "
        "was trained (default: what suits the style)",
    )
    look.add_argument(
        "--seed",
        type=int,
        default=absent,
        metavar="N",
        help="another number gives another painting of the same clip, with other strokes in even areas (default: 0)",
    )
    look.add_argument(
        "--stroke-size",
        type=float,
        default=absent,
        metavar="0.5..4",
        help="2 paints strokes twice as large, and faster; 0.5 smaller ones (default: 1 up to 720 lines, and as large "
        "a part of larger frames: 1.5 at 1080 lines, 3 in 4K)",
    )
    look.add_argument(
        "--preserve-color",
        "--preserve-colour",
        action="store_true",
        default=absent,
        help="paint the strokes, keep the clip's own colours",
    )
    look.add_argument(
        "--compare",
        default=absent,
        metavar="side|split|wipe",
        help="show the original as well: side by side, as the left half of each frame, or with a line that wipes over "
        "it (default: the painting alone)",
    )
    add_processor_option(look, default=absent)
    add_region_options(look, default=absent)
    look.add_argument(
        "--max-size",
        type=int,
        default=absent,
        metavar="PIXELS",
        help="shrink frames so that the longest side has at most this length (default: the clip's size)",
    )
    add_timeline_options(look, default=absent)
    part = parser.add_argument_group("part and rate")
    part.add_argument(
        "-ss",
        "--start",
        default=absent,
        metavar="TIME",
        help="begin here: seconds (12.5), hh:mm:ss (0:01:30) or a frame (120f) (default: the beginning)",
    )
    part.add_argument(
        "-to", "--end", default=absent, metavar="TIME", help="stop before this time or frame (default: the end)"
    )
    part.add_argument(
        "--fps",
        default=absent,
        metavar="RATE",
        help="write at this constant rate, as 25, 29.97 or 30000/1001; frames are dropped or repeated for it "
        "(default: each frame keeps its own time)",
    )
    writing = parser.add_argument_group("writing")
    writing.add_argument(
        "--for",
        dest="delivery",
        choices=list(DELIVERIES),
        help="codec, quality and size for a purpose, where no option says otherwise: "
        + "; ".join(f"{name}: {delivery.text}" for name, delivery in DELIVERIES.items()),
    )
    writing.add_argument(
        "--codec",
        default=absent,
        metavar="NAME",
        help="h264, hevc, av1, vp9, prores, qtrle, ffv1, gif, webp, png (a sequence of pictures), or a hardware "
        "encoder such as h264_nvenc (default: the usual one for the output's suffix, h264 for .mp4)",
    )
    writing.add_argument(
        "--crf",
        type=int,
        default=absent,
        metavar="N",
        help="constant quality, lower is better and larger: 0 to 51 for h264 and hevc, 0 to 63 for av1 and vp9, 0 to "
        "49 for JPEG and WebP; prores, qtrle, ffv1, gif and png have none (default: h264 18, hevc 22, av1 28, vp9 28)",
    )
    writing.add_argument(
        "--preset",
        default=absent,
        metavar="WORD",
        help="slower ones make smaller files: ultrafast to placebo for h264 and hevc, 0 (slow) to 13 (fast) for av1, 0 "
        "to 8 for vp9 (default: fast for h264, veryfast for hevc, else the encoder's own)",
    )
    writing.add_argument(
        "--fast",
        dest="preset",
        action="store_const",
        const="draft",
        default=absent,
        help="a draft: the encoder's quickest preset that is any good; the file may be larger, and a little worse",
    )
    writing.add_argument(
        "--pix-fmt",
        default=absent,
        metavar="FORMAT",
        help="pixel format to store, in ffmpeg's words, as yuv444p (default: yuv420p for most codecs)",
    )
    writing.add_argument(
        "--bit-depth",
        choices=BIT_DEPTHS,
        default=absent,
        help="bits of a stored sample; auto: as the source, where the codec can (hevc, av1, vp9, ffv1), 10 for prores "
        "(default: auto)",
    )
    writing.add_argument(
        "--threads",
        type=int,
        default=absent,
        metavar="N",
        help="threads of the encoder (default: one for each processor of this machine, at most 16)",
    )
    writing.add_argument(
        "--no-audio", dest="audio", action="store_false", default=absent, help="leave sound and subtitles out"
    )
    writing.add_argument(
        "-y", "--overwrite", action="store_true", default=absent, help="replace an output that exists already"
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--batch-size",
        type=int,
        default=absent,
        metavar="N",
        help="frames computed at once: more need more memory (default: chosen by their size)",
    )
    add_device_options(machine)
    machine.add_argument(
        "--strict",
        action="store_true",
        default=absent,
        help="stop where the input is damaged, or chunks were painted on unlike machines (default: warn, and hold the "
        "frame before the gap)",
    )
    machine.add_argument(
        "--no-hdr",
        dest="hdr",
        action="store_false",
        default=absent,
        help="refuse HDR video (default: it is mapped to SDR, with a warning)",
    )
    machine.add_argument(
        "--tone-map",
        choices=TONE_MAPS,
        default=absent,
        help="how HDR becomes SDR: mobius (nearest to what players show), hable (darker), reinhard, clip; keep: it "
        "stays HDR, in 10 bits (hevc, av1, vp9, prores, ffv1) (default: mobius)",
    )
    machine.add_argument(
        "--hwaccel",
        choices=HARDWARE_DECODERS,
        default=absent,
        help="decode in hardware where it works: cuda (NVIDIA), vaapi (Linux), videotoolbox (macOS), d3d11va "
        "(Windows); frames may differ in the last bits (default: on the processor)",
    )


def add_processor_option(parser: argparse._ActionsContainer, default: Any) -> None:
    """Adds the option that chooses processors."""
    parser.add_argument(
        "--processor",
        dest="processors",
        action="append",
        default=default,
        metavar="NAME[:KEY=VALUE,...]",
        help="another step of the frame chain, as sharpen:amount=0.5 ('videostyle processors list'); may be given "
        "several times, in order (default: none)",
    )


def add_backend_option(parser: argparse._ActionsContainer) -> None:
    """Adds the option that chooses the backend; ``cli.main`` applies it before any backend is imported."""
    parser.add_argument(
        "--backend",
        choices=list(BACKENDS),
        help="library that computes the network, for GPUs that another one knows better ('videostyle help backends'; "
        "default: what KERAS_BACKEND says, or tensorflow)",
    )


def add_region_options(parser: argparse._ActionsContainer, default: Any, *, shown: Any = argparse.SUPPRESS) -> None:
    """Adds the options that choose regions and show them; ``shown`` is the default of the latter."""
    parser.add_argument(
        "--region",
        dest="regions",
        action="append",
        default=default,
        metavar="KIND[:KEY=VALUE,...]",
        help="limit the style to a part of the frame: mask, rectangle, polygon, color, moving, foreground, person, "
        "faces; with style=NAME or strength=0..1 it is painted otherwise, over the rest; may be given several times "
        "('videostyle help regions'; default: the whole frame)",
    )
    parser.add_argument(
        "--show-region",
        choices=SHOWN,
        default=shown,
        help="show where the regions are instead of painting: over the clip, or white on black (default: paint)",
    )


def add_timeline_options(parser: argparse._ActionsContainer, default: Any, *, curve: Any = argparse.SUPPRESS) -> None:
    """Adds the options on changes along time; ``curve`` is the default of ``--strength-from``."""
    parser.add_argument(
        "--at",
        dest="timeline",
        nargs="+",
        action="append",
        default=default,
        metavar=("TIME", "NAME=VALUE"),
        help="change from here on: --at 12.5s style=starry-night ease=2s; style, strength, canvas, or a number of a "
        "processor (sharpen.amount=1); may be given several times ('videostyle help processors'; default: no changes)",
    )
    parser.add_argument(
        "--strength-from",
        default=curve,
        metavar="FILE.csv|sound",
        help="multiply the strength by values, 0 to 1, of a file of times and values, or by the loudness of the "
        "clip's sound (default: it stays as it is)",
    )


def add_device_options(parser: argparse._ActionsContainer, *, several: bool = True) -> None:
    """Adds the options on backend, device and precision.

    Args:
        parser: a parser, or a group of one.
        several: whether several GPUs may be named.
    """
    add_backend_option(parser)
    more = "; gpu:0,gpu:1 starts a worker on each" if several else ""
    parser.add_argument(
        "--device",
        default="auto",
        help=f"auto, cpu, gpu, or one GPU as gpu:1{more} (default: auto, a GPU if there is one)",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=PRECISIONS,
        help="number format of the network; float32 is the most exact, mixed is bfloat16 but for the layers that carry "
        "the picture, exact enough for 10 bits (default: auto, the fastest on the device)",
    )


def add_chunk_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options on interrupted renders and on workers."""
    chunks = parser.add_argument_group("long clips")
    kept = chunks.add_mutually_exclusive_group()
    kept.add_argument("--resume", action="store_true", help="resume a render that was interrupted (the default)")
    kept.add_argument(
        "--restart", action="store_true", help="delete what an interrupted render of this output left, and start again"
    )
    chunks.add_argument(
        "--engine",
        default="local",
        choices=ENGINES,
        help="local: processes on this machine; ray: a Ray cluster (default: local)",
    )
    chunks.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="local: processes (default: 1); ray: chunks painted at once (default: as many as the cluster can)",
    )
    chunks.add_argument(
        "--address", metavar="HOST:PORT", help="address of a running Ray cluster (default: a new one on this machine)"
    )


def engine_from(options: argparse.Namespace) -> Engine:
    """The engine that the options describe.

    Raises:
        UsageError: if the options do not fit together.
        DeviceError: if Ray is asked for, and not installed.
    """
    from videostyle.rendering.settings import Engine

    if options.engine == "ray" and importlib.util.find_spec("ray") is None:
        raise DeviceError("Ray is not installed", hint="pip install 'videostyle[cluster]'")
    devices = _devices(options)
    return Engine(options.engine, options.workers, options.address, devices if len(devices) > 1 else ())


def _devices(options: argparse.Namespace) -> tuple[str, ...]:
    devices = tuple(name.strip() for name in options.device.split(","))
    if not all(devices) or len(set(devices)) < len(devices):
        raise SettingError("device", f"cannot read '{options.device}'", "give each GPU once, as gpu:0,gpu:1")
    if unknown := [name for name in devices if not re.fullmatch(r"/?(auto|cpu(:0)?|gpu(:\d+)?)", name.lower())]:
        raise SettingError("device", f"there is no '{unknown[0]}'", "give auto, cpu, gpu, or one GPU as gpu:1")
    return devices


def trains(style: str) -> bool:
    """Whether a style may have to be trained first; training needs all cores for each operation."""
    from videostyle.media.readers.pictures import PICTURES

    return style.lower().endswith(PICTURES)


def size(text: str, least: int = 16, *, even: bool = False) -> tuple[int, int]:
    """Width and height as users write them, 640x360.

    Args:
        text: what they wrote.
        least: pixels of a side.
        even: whether both must be even.

    Raises:
        UsageError: if it cannot be read, or is outside these limits.
    """
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text.strip())
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(least <= side <= LARGEST_SIDE and not (even and side % 2) for side in sides):
        what = f"WIDTHxHEIGHT, {'even sides of ' if even else ''}{least} to {LARGEST_SIDE} pixels, as in 640x360"
        raise UsageError(f"cannot use the size '{text}'", hint=f"give {what}")
    return sides


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that the command line gives: by options of ``add_render_options``, and by ``--for``."""
    from videostyle.rendering.settings import NAMES

    given = {name: value for name, value in vars(options).items() if name in NAMES and name != "style"}
    for name in ("device", "precision"):
        if given.get(name) == "auto":
            del given[name]  # the default, or the same
    if "device" in given:
        given["device"] = _devices(options)[0]
    return {**(DELIVERIES[options.delivery].settings if options.delivery else {}), **given}


def base_settings() -> RenderSettings:
    """The settings of the configuration file, and the defaults for what it does not say."""
    from videostyle.rendering.config import read_config
    from videostyle.rendering.settings import RenderSettings, settings_from

    return settings_from(read_config(), RenderSettings(""))


def render_settings(options: argparse.Namespace, style: str) -> RenderSettings:
    """The settings of a command: its options of ``add_render_options``, then the configuration file, then defaults.

    Raises:
        SettingError: if one has a value that it cannot have.
    """
    from videostyle.rendering.settings import named, settings_from

    given, base = given_settings(options), base_settings()
    settings = settings_from({**given, "style": style}, base)
    if settings.codec != base.codec:
        base = replace(base, crf=None, preset=None, pix_fmt=None)  # they are words of another codec
        settings = settings_from({**given, "style": style}, base)
    return named(settings) if style else settings


def add_inputs(parser: argparse.ArgumentParser, text: str) -> None:
    """Adds the inputs, which may be given with ``-i`` as well."""
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help=text)
    parser.add_argument(
        "-i", "--input", dest="more_inputs", action="append", default=[], metavar="INPUT", help="the same as INPUT"
    )


def inputs_of(options: argparse.Namespace) -> list[str]:
    """All inputs of the command line.

    Raises:
        UsageError: if there is none.
    """
    if not (inputs := [*options.inputs, *options.more_inputs]):
        raise UsageError(
            "the following arguments are required: INPUT",
            hint=f"'videostyle {options.verb} --help' lists what there is",
        )
    return inputs
