"""Style files: safetensors with a JSON card in the metadata, checked before arrays are read into memory.

A file holds arrays and text only. The network is code, and the card gives its sizes.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_safetensors

from videostyle.errors import ModelError, OutputError
from videostyle.media.atomic import write_whole
from videostyle.styles.card import CANVAS, Arrays, Style, StyleCard, card_from_json

FORMAT = 4  # version of the file format; a new number means that earlier versions of the program cannot read it
WITHOUT_CANVAS = 3  # files of this format have no canvas kernel, which then is zero
LARGEST_HEADER = 1 << 20  # bytes; a card is a few KB
DTYPES = ("F16", "F32")  # in the words of safetensors
REPLACE = "train it again, or copy it again from where it came"


def load_style(path: str | os.PathLike[str]) -> Style:
    """Reads and checks a style file.

    Names, shapes and dtypes of the arrays are compared with the architecture in the card before the arrays are read.
    safetensors itself compares the size of the file with the sum of its arrays.

    Raises:
        ModelError: if there is no such file, or it is not a valid style file; the message names the first fault.
    """
    path = Path(path)
    what = f"'{path}' is not a style file"
    try:
        _check_header_size(path)
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            card = _card_of(path, metadata)
            shapes = dict(card.architecture.shapes())
            silent = shapes.pop(CANVAS) if metadata["format"] == str(WITHOUT_CANVAS) else None
            _check_arrays(path, file, shapes)
            weights: Arrays = {name: file.get_tensor(name).astype(np.float32) for name in shapes}
    except FileNotFoundError as error:
        raise ModelError(
            f"no style file '{path}'", hint="check the path; 'videostyle styles list' shows names"
        ) from error
    except SafetensorError as error:
        reason = f"it is cut off, damaged or of another kind: {error}"
        raise ModelError(what, reason, hint=REPLACE) from error
    except OSError as error:
        raise ModelError(what, error.strerror or str(error), hint=REPLACE) from error
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ModelError(
                f"the style file '{path}' holds values that are not finite", f"array {name}", "train it again"
            )
    if silent is not None:
        weights[CANVAS] = np.zeros(silent, np.float32)
    return Style(card, weights)


def read_card(path: str | os.PathLike[str]) -> StyleCard:
    """Reads the card of a style file, and none of its arrays.

    Raises:
        ModelError: if it has none.
    """
    path = Path(path)
    try:
        _check_header_size(path)
        with safe_open(path, "numpy") as file:
            return _card_of(path, file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path}' is not a style file", str(error), hint=REPLACE) from error


def save_style(style: Style, path: str | os.PathLike[str]) -> None:
    """Writes a style file in half precision; it gets its name only when it is complete.

    Raises:
        ModelError: if an array is missing, misshapen or not finite in half precision.
        OutputError: if the file cannot be written.
    """
    path = Path(path)
    arrays = {}
    for name, shape in style.architecture.shapes().items():
        value = style.weights.get(name)
        if value is None or value.shape != shape:
            reason = f"array {name} is missing or misshapen"
        else:
            arrays[name] = value.astype(np.float16)
            reason = "" if np.isfinite(arrays[name]).all() else f"array {name} is not finite"
        if reason:
            raise ModelError(
                f"cannot save the style '{style.card.name}'", reason, hint="train it again with a lower `learning_rate`"
            )
    card = json.dumps({**asdict(style.card), "format": FORMAT}, sort_keys=True, ensure_ascii=False)
    data = save_safetensors(arrays, {"format": str(FORMAT), "videostyle": card})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise OutputError(
            f"cannot write the style '{path}'", error.strerror or str(error), hint="choose another place"
        ) from error


def _check_header_size(path: Path) -> None:
    """Refuses what is not a regular file, and a header far too large for a card, which safetensors would read."""
    what = f"'{path}' is not a style file"
    path.stat()  # raises FileNotFoundError
    if not path.is_file():  # a pipe would block
        raise ModelError(what, "it is not a regular file", hint=REPLACE)
    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8:
        raise ModelError(what, "it is empty or cut off" if start else "it is empty", hint=REPLACE)
    (length,) = struct.unpack("<Q", start)
    if length > LARGEST_HEADER:
        raise ModelError(what, "its header is not one of safetensors", hint=REPLACE)


def _card_of(path: Path, metadata: dict[str, str]) -> StyleCard:
    what = f"'{path}' is not a style file"
    if "videostyle" not in metadata:
        raise ModelError(what, "it carries no card", hint="give a file that 'videostyle train' wrote")
    if metadata.get("format") not in (str(WITHOUT_CANVAS), str(FORMAT)):
        reason = f"its format is {metadata.get('format')!r}, this program reads {WITHOUT_CANVAS} and {FORMAT}"
        raise ModelError(what, reason, "update videostyle or train the style again")
    try:
        return card_from_json(metadata["videostyle"])
    except ValueError as error:
        raise ModelError(f"the style file '{path}' has a broken card", str(error), hint=REPLACE) from error


def _check_arrays(path: Path, file: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    """Compares names, shapes and dtypes of the arrays of an open safetensors file with those of the network."""
    what = f"'{path}' is not a style file"
    names = set(file.keys())
    for name in sorted(names ^ set(shapes)):
        reason = f"array {name} is {'missing' if name in shapes else 'not part of the network'}"
        raise ModelError(what, reason, hint=REPLACE)
    for name, shape in shapes.items():
        stored = file.get_slice(name)
        if stored.get_shape() != list(shape) or stored.get_dtype() not in DTYPES:
            found = f"{stored.get_dtype()} {stored.get_shape()}"
            reason = f"array {name} is {found}, not {' or '.join(DTYPES)} {list(shape)}"
            raise ModelError(what, reason, hint=REPLACE)
