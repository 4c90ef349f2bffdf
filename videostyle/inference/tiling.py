"""Geometry of padding and tiles: frames are padded to the network's stride, and split into tiles if too large."""

from __future__ import annotations

from dataclasses import dataclass

from videostyle.errors import DeviceError
from videostyle.network.architecture import padded_size


@dataclass(frozen=True)
class Tile:
    """A tile of a padded frame: rows and columns to read, and the part of the result to keep, in pixels.

    Attributes:
        top: first row to read.
        left: first column to read.
        height: rows to read.
        width: columns to read.
        keep_top: first row to keep, counted from ``top``.
        keep_left: first column to keep, counted from ``left``.
        keep_height: rows to keep.
        keep_width: columns to keep.
    """

    top: int
    left: int
    height: int
    width: int
    keep_top: int
    keep_left: int
    keep_height: int
    keep_width: int


def plan_tiles(height: int, width: int, halo: int, limit: int, stride: int = 8) -> list[Tile]:
    """Splits a padded frame into equal tiles of at most ``limit`` pixels each, halo included.

    Tiles begin at multiples of ``stride``, so every pixel has the same position in its cell as in the whole frame. With
    a halo of the network's receptive radius, a tile reads all pixels that its kept part depends on.

    Args:
        height: padded height, a multiple of ``stride``.
        width: padded width, a multiple of ``stride``.
        halo: pixels to read beyond what is kept, a multiple of ``stride``.
        limit: largest number of pixels of a tile.
        stride: alignment of tiles.

    Raises:
        DeviceError: if ``limit`` leaves no room beside the halo.
    """
    if height * width <= limit:
        return [Tile(0, 0, height, width, 0, 0, height, width)]
    for pieces in range(2, 4096):
        for rows in range(1, pieces + 1):
            if pieces % rows:
                continue
            columns = pieces // rows
            keep_h = -(-height // (rows * stride)) * stride
            keep_w = -(-width // (columns * stride)) * stride
            tile_h, tile_w = min(height, keep_h + 2 * halo), min(width, keep_w + 2 * halo)
            if tile_h * tile_w > limit:
                continue
            tiles = []
            for top in range(0, height, keep_h):
                for left in range(0, width, keep_w):
                    # All tiles have the same size, so that one compiled program serves all: tiles at an edge
                    # read further inwards.
                    from_top = min(max(0, top - halo), height - tile_h)
                    from_left = min(max(0, left - halo), width - tile_w)
                    kept = min(keep_h, height - top), min(keep_w, width - left)
                    tiles.append(Tile(from_top, from_left, tile_h, tile_w, top - from_top, left - from_left, *kept))
            return tiles
    raise DeviceError(f"frames of {width}x{height} do not fit", f"a tile may have {limit} pixels", "lower `max_size`")


def mirrored_margins(side: int, total: int) -> tuple[int, int]:
    """The next margins, before and after, of a side that is padded by mirroring, in pixels.

    A margin cannot be larger than the side itself, so a tiny frame is padded in several rounds. Each round splits what
    is missing evenly.

    Args:
        side: current length, pixels.
        total: wanted length, pixels.
    """
    before = min((total - side) // 2, side)
    return before, min(total - side - before, side)


def frame_margins(height: int, width: int, stride: int) -> tuple[int, int, int, int]:
    """Pixels that padding to multiples of ``stride`` adds to a frame at its top, bottom, left and right."""
    margins = []
    for side in (height, width):
        total = -(-side // stride) * stride
        before = padding_offset(side, total)
        margins += [before, total - side - before]
    return margins[0], margins[1], margins[2], margins[3]


def grid_size(height: int, width: int, stride: int, *, moving: bool) -> tuple[int, int]:
    """The size to pad frames to, in multiples of ``stride``; ``moving`` ones lie anywhere in a cell of the grid."""
    more = stride - 1 if moving else 0
    return padded_size(height + more, width + more, stride)


def moving_margins(height: int, width: int, stride: int, offset: tuple[int, int]) -> tuple[int, int, int, int]:
    """As ``frame_margins``, for a frame with an ``offset`` (x, y), 0 to ``stride - 1``, on the grid."""
    total, (left, top) = grid_size(height, width, stride, moving=True), offset
    return top, total[0] - height - top, left, total[1] - width - left


def padding_offset(side: int, total: int) -> int:
    """Number of pixels that mirrored padding from ``side`` to ``total`` puts before the frame."""
    offset = 0
    while side < total:
        before, after = mirrored_margins(side, total)
        offset += before
        side += before + after
    return offset
