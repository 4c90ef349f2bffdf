"""Makes faces unrecognisable."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from videostyle.frames import AnyArray, FrameBatch, UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.processors.masked import within
from videostyle.processors.on_faces import OnFaces
from videostyle.processors.protocol import Needs
from videostyle.processors.regions.faces import FacesOptions

LEAST_CELL = 4  # pixels; a small face has fewer cells
SEED = 7  # of the places of dabs


class AnonymizeOptions(FacesOptions):
    """How to hide faces."""

    mode: Literal["pixelate", "blur", "paint"] = Field(
        "pixelate", description="pixelate: squares; blur: out of focus; paint: dabs of even colour"
    )
    cells: int = Field(6, ge=2, le=16, description="squares or dabs across a face; fewer hide more")
    hold: int = Field(
        12,
        ge=1,
        le=30,
        description="frames for which a face stays hidden when it is found no more, and is before it is",
    )
    score: float = Field(0.35, gt=0, lt=1, description="how sure the detector must be; less hides more, wrong ones too")
    detail: int = Field(2, ge=1, le=3, description="1 is faster and misses small faces, 3 finds the smallest")


class Anonymize(OnFaces[AnonymizeOptions]):
    """Makes faces unrecognisable: pixelates, blurs or paints them over, and holds on to faces that turn away."""

    schema = AnonymizeOptions

    @property
    def needs(self) -> Needs:
        """Those of the detector; and no later processor may read the clip's own frames, which would show the faces."""
        return replace(super().needs, hides=True)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Hides the faces of each frame."""
        masks = self.mask(batch)
        if not masks.any():
            return batch
        pairs = zip(batch.frames, masks, strict=True)
        hidden = np.stack([self._hidden(frame, mask) if mask.any() else frame for frame, mask in pairs])
        return replace(batch, frames=within(masks, hidden, batch.frames))

    def _hidden(self, frame: AnyArray, mask: UInt8Array) -> AnyArray:
        hide = {"pixelate": pixelated, "blur": blurred, "paint": dabbed}[self.options.mode]
        found = frame.copy()
        _, _, places, _ = load_cv2().connectedComponentsWithStats((mask > 0).astype(np.uint8))
        for left, top, width, height, _ in places[1:]:
            part = np.s_[top : top + height, left : left + width]
            found[part] = hide(np.ascontiguousarray(frame[part]), self.options.cells)
        return found


def _grid(picture: AnyArray, cells: int) -> tuple[int, int]:
    """Columns and rows of a picture that is cut into squares, ``cells`` across its longer side."""
    height, width = picture.shape[:2]
    size = max(LEAST_CELL, max(height, width) / cells)
    return max(1, round(width / size)), max(1, round(height / size))


def pixelated(picture: AnyArray, cells: int) -> AnyArray:
    """A picture ``[h, w, 3]`` in even squares."""
    cv2 = load_cv2()
    size = picture.shape[1], picture.shape[0]
    small = cv2.resize(picture, _grid(picture, cells), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), picture.dtype)


def blurred(picture: AnyArray, cells: int) -> AnyArray:
    """A picture ``[h, w, 3]`` out of focus."""
    cv2 = load_cv2()
    size = picture.shape[1], picture.shape[0]
    small = cv2.resize(picture, _grid(picture, cells), interpolation=cv2.INTER_AREA)
    # A smooth picture is easier to recognise than squares of the same number, so fewer places are kept.
    small = cv2.GaussianBlur(small, (0, 0), 1.0, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), picture.dtype)


def dabbed(picture: AnyArray, cells: int) -> AnyArray:
    """A picture ``[h, w, 3]`` in dabs of even colour, each around a place that is the same for all pictures."""
    height, width = picture.shape[:2]
    columns, rows = _grid(picture, cells)
    apart = np.random.default_rng(SEED).uniform(-0.4, 0.4, (rows, columns, 2))
    x = (np.arange(columns) + 0.5 + apart[..., 0]) * width / columns
    y = (np.arange(rows)[:, None] + 0.5 + apart[..., 1]) * height / rows
    seeds = np.stack([x, y], axis=-1).reshape(-1, 1, 1, 2)
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    nearest = ((places - seeds) ** 2).sum(axis=-1).argmin(axis=0)
    counts = np.maximum(np.bincount(nearest.ravel(), minlength=len(seeds)), 1)
    means = [
        np.bincount(nearest.ravel(), picture[..., channel].ravel().astype(np.float64), len(seeds)) / counts
        for channel in range(3)
    ]
    return np.rint(np.stack(means, axis=-1)[nearest]).astype(picture.dtype)
