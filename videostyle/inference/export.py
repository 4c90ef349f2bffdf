"""Exports a style as a program for other runtimes, ONNX, LiteRT or SavedModel, that paints one frame at a time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from videostyle.errors import DeviceError, OutputError, UsageError
from videostyle.frames import UInt8Array
from videostyle.inference.canvas_sampling import CanvasSettings, still_canvas
from videostyle.inference.standalone import standalone
from videostyle.inference.startup import held_stderr
from videostyle.inference.stroke_size import check_stroke_size, painted_size
from videostyle.media.atomic import PendingOutput, disk_error, short_name
from videostyle.network.statistics import Statistics
from videostyle.styles.card import Style, has_canvas
from videostyle.version import __version__

OPSET = 17  # of ONNX; known to every runtime since 2022
TOLERANCE = 0.5  # largest mean difference of an exported program, levels of 255; rounding alone is below 0.1
CARD = "style.json"  # in the folder of a SavedModel


def export(
    style: Style,
    kind: str,
    target: Path,
    trial: UInt8Array,
    statistics: Statistics | None = None,
    *,
    canvas: CanvasSettings | None = None,
    canvas_input: bool = False,
    stroke_size: float | None = None,
    overwrite: bool = False,
) -> float:
    """Writes a style as a program for another runtime.

    The program maps "frame", uint8 ``[1, H, W, 3]`` RGB, to "painted", of the same shape. It gets its name only after
    it has painted a frame as this package does. The canvas is part of the program and fixed to the screen, which suits
    a still camera. A caller who tracks the motion of the scene can request a second input, "canvas"
    (``canvas_sampling.sample_canvas``). The card of the style is stored as metadata "style" in ONNX and as
    ``style.json`` in a SavedModel; LiteRT has no place for it.

    Args:
        style: the style, already at the wanted strength.
        kind: "onnx", "litert" or "saved_model".
        target: file to write, a folder for "saved_model".
        trial: a frame to verify the program with, uint8 ``[H, W, 3]``; its size is the size of the program.
        statistics: statistics for all frames; None = each frame is normalised on its own.
        canvas: amount and seed of the canvas; None = the style's default.
        canvas_input: whether the program takes each frame's canvas as a second input.
        stroke_size: as in ``StyleProcessor``; scaling is part of the program.
        overwrite: whether an existing target may be replaced.

    Returns:
        Mean difference between the frames that the program and this package paint, in levels of 255.

    Raises:
        OutputError: if the target exists or cannot be written.
        DeviceError: if a library is missing, or the program paints differently.
    """
    check_stroke_size(stroke_size)
    height, width = trial.shape[:2]
    settings = canvas or CanvasSettings(style.card.canvas)
    on_canvas = has_canvas(style.weights) and settings.amount > 0
    noise = (
        still_canvas(*painted_size(height, width, stroke_size), style.architecture.stride, settings)
        if on_canvas
        else None
    )
    if canvas_input and noise is None:
        raise UsageError(
            "the program cannot take a canvas",
            "the style has none, or its amount is 0",
            "leave `canvas_input` out, or train the style again",
        )
    module = standalone(style, height, width, statistics, noise, canvas_input, stroke_size)
    inputs: dict[str, NDArray[Any]] = {
        "frame": trial[None],
        **({"canvas": noise[None]} if canvas_input and noise is not None else {}),
    }
    wanted = module.paint(**{name: tf.constant(value) for name, value in inputs.items()})["painted"].numpy()
    card = json.dumps({**asdict(style.card), "exported_by": f"videostyle {__version__}"}, default=str)
    if kind == "saved_model":
        with _pending_folder(target, overwrite) as folder:
            tf.saved_model.save(module, str(folder), signatures=module.paint)
            (folder / CARD).write_text(card, encoding="utf-8")
            found = _run_saved_model(folder)(inputs)
            return _deviation(found, wanted)
    data, run = (_onnx(module, card), _run_onnx) if kind == "onnx" else (_litert(module), _run_litert)
    with PendingOutput(target, overwrite=overwrite) as output:
        deviation = _deviation(run(data)(inputs), wanted)
        try:
            output.temporary.write_bytes(data)
        except OSError as error:
            raise disk_error(target, error) from error
        output.commit()
    return deviation


def _deviation(found: UInt8Array, wanted: UInt8Array) -> float:
    deviation = float(np.abs(found.astype(np.int16) - wanted).mean())
    if not deviation <= TOLERANCE:
        raise DeviceError(
            "the exported program failed verification",
            f"its frame differs by {deviation:.1f} levels of 255 on average",
            "the converter or its runtime has a fault: try another `format`",
        )
    return deviation


@contextlib.contextmanager
def _pending_folder(target: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside the target, which replaces the target when it is complete."""
    if target.exists():
        if not overwrite:
            raise OutputError(f"'{target}' exists already", hint="use `overwrite` to replace it, or another name")
        if not (target / "saved_model.pb").is_file():
            raise OutputError(
                f"'{target}' is not a SavedModel", hint="choose another name: only a SavedModel is replaced"
            )
    try:
        place = Path(tempfile.mkdtemp(prefix=f".{short_name(target.name)}.videostyle.", dir=target.absolute().parent))
    except OSError as error:
        raise disk_error(target, error) from error
    try:
        yield place / "new"
        if target.exists():
            os.rename(target, place / "old")
        try:
            os.rename(place / "new", target)
        except OSError:
            if (place / "old").exists():
                os.rename(place / "old", target)
            raise
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _missing(error: ImportError, what: str) -> DeviceError:
    return DeviceError(f"{what} needs a library that is not installed", str(error), "pip install 'videostyle[export]'")


def _onnx(module: Any, card: str) -> bytes:
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise _missing(error, "ONNX") from error
    signature = module.paint.input_signature
    model, _ = tf2onnx.convert.from_function(module.paint, input_signature=signature, opset=OPSET)
    model.producer_name, model.producer_version = "videostyle", __version__
    onnx.helper.set_model_props(model, {"style": card})
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _litert(module: Any) -> bytes:
    if not hasattr(tf, "lite"):
        raise DeviceError("this TensorFlow cannot write LiteRT", tf.__version__, "use the `format` onnx")
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.paint.get_concrete_function()], module)
    return bytes(converter.convert())


Run = Callable[[Mapping[str, NDArray[Any]]], UInt8Array]  # inputs by name -> painted


def _run_saved_model(folder: Path) -> Run:
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    return lambda inputs: np.asarray(signature(**{n: tf.constant(x) for n, x in inputs.items()})["painted"])


def _run_onnx(data: bytes) -> Run:
    try:
        import onnxruntime
    except ImportError as error:
        raise _missing(error, "verifying an ONNX program") from error
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(["painted"], dict(inputs))[0])


def _run_litert(data: bytes) -> Run:
    with warnings.catch_warnings(), held_stderr():
        warnings.simplefilter("ignore")  # a notice that LiteRT moves to a package of its own
        interpreter = tf.lite.Interpreter(model_content=data)
        interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner("serving_default")
    return lambda inputs: np.asarray(runner(**inputs)["painted"])
