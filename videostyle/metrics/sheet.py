"""A contact sheet: pictures in rows, each with its name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.drawing import draw_text
from videostyle.media.opencv import load_cv2

COLUMNS = 4
WIDTH = 480  # pixels of a cell


def small(picture: UInt8Array) -> UInt8Array:
    """A picture of the width of a cell, uint8 ``[H, W, 3]``, both sides even."""
    cv2 = load_cv2()
    height = 2 * max(1, round(WIDTH * picture.shape[0] / picture.shape[1] / 2))
    return np.asarray(cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def contact_sheet(cells: Sequence[tuple[str, UInt8Array]], columns: int = COLUMNS) -> UInt8Array:
    """Pictures of one size in rows, uint8 ``[H, W, 3]``; what is left of the last row is white.

    Args:
        cells: name and picture, uint8 ``[H, W, 3]`` RGB, at least one.
        columns: pictures in a row.
    """
    named = []
    for name, picture in cells:
        cell = picture.copy()
        draw_text(cell, name, (7, cell.shape[0] - 9))
        named.append(cell)
    named += [np.full_like(named[0], 255)] * (-len(named) % columns)
    return np.concatenate([np.concatenate(named[i : i + columns], axis=1) for i in range(0, len(named), columns)])
