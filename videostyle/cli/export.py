"""``videostyle export``: writes a style as a program for other software."""

from __future__ import annotations

import argparse
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.cli.options import size
from videostyle.errors import DeviceError, OutputError, UsageError
from videostyle.platforms import portable_name

if TYPE_CHECKING:
    from videostyle.cli.progress import Bars
    from videostyle.frames import UInt8Array
    from videostyle.styles.card import Style

SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "saved_model": ""}
LIBRARIES = {"onnx": ("onnx", "tf2onnx", "onnxruntime")}  # of the extra [export], by the format that needs them


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "style", metavar="STYLE", help="a style's name, a style file, a mix, or a picture that was a --style before"
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=list(SUFFIXES),
        help="onnx: ONNX Runtime and others; litert: phones and small devices; saved_model: TensorFlow",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PATH",
        help="the file or folder to write (default: STYLE-WIDTHxHEIGHT in this folder)",
    )
    parser.add_argument(
        "--size",
        default="640x360",
        metavar="WIDTHxHEIGHT",
        help="size of the frames that it will paint (default: 640x360)",
    )
    parser.add_argument(
        "--scene",
        metavar="FILE",
        help="a clip or a picture of the scene that will be painted: all frames are painted with its statistics, which "
        "is faster and does not flicker (default: each frame with its own)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="0..1",
        help="0 leaves the picture as it is, 1 paints fully; below 1, and for a mix, --scene is needed (default: 1)",
    )
    parser.add_argument(
        "--canvas",
        type=float,
        metavar="0..1",
        help="how much is painted where the scene shows nothing (default: what suits the style)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="number of the canvas: another one places strokes elsewhere (default: 0)",
    )
    parser.add_argument("--stroke-size", type=float, metavar="0.5..4", help="as in 'videostyle render'")
    parser.add_argument(
        "--canvas-input",
        action="store_true",
        help="the program takes each frame's canvas as a second input, for software that follows the camera's motion "
        "(default: the canvas is inside and stands still on the screen)",
    )
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")


def run(options: argparse.Namespace) -> int:
    """Writes the program and prints its path."""
    from videostyle.inference.stroke_size import check_stroke_size

    width, height = size(options.size)
    check_stroke_size(options.stroke_size)
    from videostyle.media.inputs import vet_input
    from videostyle.styles.resolve import resolve
    from videostyle.training.content import scene_frames

    style = resolve(options.style, options.strength)
    scene = scene_frames(vet_input(options.scene, "video or picture"), width, height) if options.scene else None
    if style.ends and scene is None:
        raise UsageError(
            "cannot export a mix, or a strength below 1, by itself",
            "its colours are set by what a scene looks like",
            "give a clip or a picture with --scene",
        )
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", style.card.name or Path(options.style).stem)
    target = options.output or Path(f"{portable_name(name)}-{width}x{height}{SUFFIXES[options.format]}")
    _check_target(target, options)
    from videostyle.cli.progress import Bars
    from videostyle.inference.startup import backend_title, load_backend

    with Bars(options.quiet) as bars:
        bars.note(f"loading {backend_title()}")
        load_backend()
        deviation = _write(options, style, scene, target, (width, height), bars)
    if options.json:
        print(
            json.dumps(
                {
                    "output": str(target),
                    "format": options.format,
                    "style": style.card.name,
                    "size": [width, height],
                    "input": f"frame: uint8 [1, {height}, {width}, 3], RGB",
                    "output_array": f"painted: uint8 [1, {height}, {width}, 3], RGB",
                    "normalised_by": options.scene or "each frame itself",
                    "deviation": round(deviation, 4),
                }
            )
        )
    else:
        print(target)
    return 0


def _check_target(target: Path, options: argparse.Namespace) -> None:
    """Checks the target and the libraries that writing needs, before TensorFlow is loaded.

    Raises:
        OutputError: if the target exists or cannot be written.
        DeviceError: if a library is missing.
    """
    from videostyle.media.atomic import vet_output

    if options.format != "saved_model":
        vet_output(target, overwrite=options.overwrite)
    elif target.exists() and not options.overwrite:
        raise OutputError(f"'{target}' exists already", hint="use --overwrite to replace it, or another name")
    missing = [name for name in LIBRARIES.get(options.format, ()) if find_spec(name) is None]
    if missing:
        why = f"{' and '.join(missing)} cannot be found"
        raise DeviceError(f"no {options.format} can be written", why, "pip install 'videostyle[export]'")


def _write(
    options: argparse.Namespace,
    style: Style,
    scene: UInt8Array | None,
    target: Path,
    size: tuple[int, int],
    bars: Bars,
) -> float:
    """Writes the program; returns the mean difference between its painting and a render's, levels of 255.

    Args:
        options: of the command line.
        style: what it paints with.
        scene: frames of what will be painted, uint8 ``[K, H, W, 3]`` RGB; None = it measures each frame by itself.
        target: the file or folder to write.
        size: width and height of its frames.
        bars: where progress is shown.
    """
    from videostyle.inference.canvas_sampling import CanvasSettings
    from videostyle.inference.export import export
    from videostyle.media.readers.pictures import read_picture
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles import gallery
    from videostyle.training.content import covering

    width, height = size
    canvas = CanvasSettings(style.card.canvas if options.canvas is None else options.canvas, options.seed)
    statistics = None
    if scene is not None:
        bars.note("measuring the scene", logged=False)
        processor = StyleProcessor(
            style, precision="float32", device="cpu", canvas=canvas, stroke_size=options.stroke_size
        )
        statistics = processor.statistics_of(scene)
    trial = scene[0] if scene is not None else covering(read_picture(gallery.ordinary_picture()), width, height)
    bars.note("writing the program, and comparing what it paints", logged=False)
    return export(
        style,
        options.format,
        target,
        trial,
        statistics,
        canvas=canvas,
        canvas_input=options.canvas_input,
        stroke_size=options.stroke_size,
        overwrite=options.overwrite,
    )
