"""Finds persons, pixel by pixel: with a segmentation model from a package that ships one, or of the user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.processors.detectors.model_file import in_package, of_user
from videostyle.processors.detectors.tflite import LiteModel

PersonFinder = Callable[[UInt8Array], UInt8Array]  # a picture uint8 [H, W, 3] -> mask uint8 [h, w]

MODEL = "modules/selfie_segmentation/selfie_segmentation_landscape.tflite"
INSTALL = (
    "pip install --no-deps mediapipe==0.10.21 brings one; or give one as model=FILE,sha256=... "
    "('videostyle help regions')"
)


def model_file(model: str, sha256: str) -> Path:
    """The file of a model that finds persons.

    Args:
        model: a ``.tflite`` file: a picture in 0..1, a mask out; "" = that of an installed package.
        sha256: checksum of ``model``.

    Raises:
        ModelError: if there is none, or the file is another one.
        InputError: if it cannot be read.
    """
    file = of_user(model, sha256) if model else in_package("mediapipe", MODEL)
    if file is None:
        raise ModelError("no detector of persons is installed", hint=INSTALL)
    return file


def person_finder(file: Path) -> PersonFinder:
    """A function that finds persons.

    Raises:
        ModelError: if the file is another kind of model.
    """
    model = LiteModel(file)
    outputs = model(np.zeros((*model.size, 3), np.float32))
    if len(outputs) != 1 or outputs[0].ndim != 3:
        raise ModelError(f"the model '{file}' gives no mask", hint="give another one")

    def find(picture: UInt8Array) -> UInt8Array:
        cv2 = load_cv2()
        fitted = cv2.resize(picture, (model.size[1], model.size[0]), interpolation=cv2.INTER_AREA)
        (mask,) = model(fitted.astype(np.float32) / 255)
        return np.asarray(np.rint(255 * np.clip(mask[..., -1], 0, 1)), np.uint8)

    return find
