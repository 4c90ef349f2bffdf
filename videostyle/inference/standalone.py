"""The program for single frames as a module of TensorFlow, from which other runtimes' files are made."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from videostyle.inference.program import (
    FrameInputs,
    folded_program,
    for_stroke_size,
    for_whole_frames,
    normalising_program,
)
from videostyle.inference.stroke_scaling import stroke_scaling
from videostyle.inference.stroke_size import painted_size
from videostyle.network.folding import fold
from videostyle.network.statistics import Statistics
from videostyle.styles.card import Style


def standalone(
    style: Style,
    height: int,
    width: int,
    statistics: Statistics | None = None,
    canvas: NDArray[np.float32] | None = None,
    canvas_input: bool = False,
    stroke_size: float | None = 1.0,
) -> Any:
    """The program for single frames, with the weights as constants, for other runtimes.

    Args:
        style: what to paint with.
        height: of the frames.
        width: of the frames.
        statistics: statistics for all frames; None = each frame is normalised on its own.
        canvas: the canvas, sampled for the padded frame at its painted size, ``[h, w, C]``; None = no canvas.
        canvas_input: whether the program takes the canvas as an input for each frame; otherwise ``canvas`` is a
            constant in it.
        stroke_size: as in ``stroke_scaling``.

    Returns:
        A ``tf.Module`` whose ``paint`` maps "frame", uint8 ``[1, height, width, 3]`` RGB, and with ``canvas_input``
        "canvas", float32 of the shape of ``canvas`` with a first axis of 1, to a dictionary with "painted", of the
        frame's shape.
    """
    arch = style.architecture
    if statistics is None:
        arrays, program = style.weights, normalising_program(arch)
    else:
        arrays, program = fold(style.weights, statistics, white=255.0), folded_program(arch, "float32")
    painted = painted_size(height, width, stroke_size)
    program = for_whole_frames(program, *painted, arch.stride)
    program = for_stroke_size(program, stroke_scaling((height, width), stroke_size))
    module = tf.Module()
    module.arrays = {name: tf.Variable(value, trainable=False) for name, value in arrays.items()}
    module.canvas = None if canvas is None else tf.Variable(canvas[None], trainable=False)

    def paint(frame: Any) -> Any:
        return {"painted": program(module.arrays, FrameInputs(frame, module.canvas))[0]}

    def paint_on(frame: Any, canvas: Any) -> Any:
        return {"painted": program(module.arrays, FrameInputs(frame, canvas))[0]}

    signature = [tf.TensorSpec((1, height, width, 3), tf.uint8, name="frame")]
    if canvas_input and canvas is not None:
        signature.append(tf.TensorSpec((1, *canvas.shape), tf.float32, name="canvas"))
    module.paint = tf.function(paint_on if len(signature) > 1 else paint, autograph=False, input_signature=signature)
    return module
