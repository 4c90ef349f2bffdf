"""Runs TensorFlow Lite models on one picture."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import AnyArray, Float32Array, UInt8Array
from videostyle.inference.startup import held_stderr
from videostyle.media.opencv import load_cv2


def _interpreter(path: Path) -> Any:
    try:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it says that it will move to a package of its own
            # Two threads at most: detectors run beside the painting.
            return tf.lite.Interpreter(model_path=str(path), num_threads=2)
    except AttributeError:
        try:
            package = importlib.import_module("ai_edge_litert.interpreter")
        except ImportError as error:
            hint = "pip install ai-edge-litert"
            raise ModelError("this TensorFlow cannot run TensorFlow Lite models", hint=hint) from error
        return package.Interpreter(model_path=str(path), num_threads=2)


class LiteModel:
    """A model that takes one picture.

    Args:
        path: of the ``.tflite`` file.

    Attributes:
        size: height and width of the picture.

    Raises:
        ModelError: if it cannot be loaded, or takes something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            with held_stderr():  # it tells what it was built with
                self._model = _interpreter(path)
                self._model.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the model '{path}' cannot be loaded", str(error)[:200], "give another one") from error
        inputs = self._model.get_input_details()
        shape = [int(length) for length in inputs[0]["shape"]]
        if len(inputs) != 1 or len(shape) != 4 or shape[3] != 3 or inputs[0]["dtype"] != np.float32:
            raise ModelError(f"the model '{path}' takes no picture", f"but {shape}", "give another one")
        self.size = shape[1], shape[2]
        self._input = inputs[0]["index"]
        self._outputs = self._model.get_output_details()

    def __call__(self, picture: Float32Array) -> list[AnyArray]:
        """What the model makes of a picture ``[H, W, 3]`` of its size; each array without its first axis."""
        self._model.set_tensor(self._input, np.ascontiguousarray(picture[None], np.float32))
        self._model.invoke()
        return [np.array(self._model.get_tensor(output["index"])[0]) for output in self._outputs]


def letterboxed(picture: UInt8Array, size: tuple[int, int]) -> tuple[UInt8Array, float, tuple[float, float]]:
    """A picture shrunk or enlarged to fit into a size, black around it.

    Returns:
        The picture, its scale, and x and y of its corner in it.
    """
    cv2 = load_cv2()
    height, width = picture.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    corner = (size[1] - inner[0]) // 2, (size[0] - inner[1]) // 2
    found = np.zeros((*size, 3), np.uint8)
    found[corner[1] : corner[1] + inner[1], corner[0] : corner[0] + inner[0]] = cv2.resize(
        picture, inner, interpolation=method
    )
    return found, scale, corner
