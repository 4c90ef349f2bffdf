"""Measures whether the edge of a region flickers: the warping error in a band along it, over that further inside.

    python scripts/region_report.py samples/harbour.mp4 --region moving --start 0 --end 2
    python scripts/region_report.py --made --region moving:frames=16

``--made`` renders a clip of its own: a textured disc moves before a textured ground that passes by.

The band is 16 pixels wide, half of it on each side of the middle of the edge. Inside is what lies further in. All are
measured along the motion of the unpainted clip, where it can be trusted (``metrics.temporal.pair_error``). The outer
half shows mostly the clip itself, which is steadier than any painting, so the inner half stands alone as well.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videostyle.api import paint
from videostyle.frames import Float32Array, UInt8Array
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.timecode import parse_time
from videostyle.media.writers.images import write_png
from videostyle.metrics.temporal import pair_error
from videostyle.motion.dis import flow_and_mask

BAND = 16  # pixels
FEWEST = 200  # pixels of an area in a pair of frames; fewer say nothing


def moving_disc(frames: int = 40, height: int = 240, width: int = 416) -> UInt8Array:
    """A textured disc that moves by 3 pixels a frame before a ground that passes by at 1, uint8 ``[T, H, W, 3]``."""
    rng = np.random.default_rng(3)

    def texture(rows: int, columns: int, contrast: float) -> Float32Array:
        fine = [cv2.GaussianBlur(rng.normal(0, 1, (rows, columns, 3)), (0, 0), size) * size for size in (2, 5, 14)]
        return np.asarray(128 + contrast * sum(fine), np.float32)

    ground, thing = texture(height, width + frames + 8, 50), texture(height, width, 60) * (0.9, 0.7, 0.5) + (70, 30, 0)
    clip = []
    for number in range(frames):
        x = 90 + 3.0 * number
        mask = np.zeros((height, width), np.uint8)
        cv2.circle(mask, (round(16 * x), 16 * height // 2), 16 * 60, 255, -1, cv2.LINE_AA, 4)
        share = mask[..., None] / 255
        inside = cv2.warpAffine(
            thing, np.array([[1, 0, x - 90], [0, 1, 0]]), (width, height), borderMode=cv2.BORDER_WRAP
        )
        frame = share * inside + (1 - share) * ground[:, number : number + width]
        clip.append(np.clip(np.rint(frame), 0, 255).astype(np.uint8))
    return np.stack(clip)


def areas(mask: UInt8Array) -> dict[str, NDArray[np.bool_]]:
    """The band along the edge of a mask uint8 ``[H, W]``, its inner half, and what lies further inside."""
    within = (mask > 127).astype(np.uint8)
    deep = cv2.distanceTransform(np.pad(within, BAND, mode="edge"), cv2.DIST_L2, 5)
    far = cv2.distanceTransform(np.pad(1 - within, BAND, mode="edge"), cv2.DIST_L2, 5)
    cut = np.s_[BAND:-BAND, BAND:-BAND]
    edge = np.where(within, deep[cut], far[cut]) <= BAND / 2
    inner = within > 0
    return {f"band of {BAND} pixels": edge, "its inner half": edge & inner, "further inside": inner & ~edge}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", help="a video")
    parser.add_argument("--made", action="store_true", help="measure on a clip of its own instead")
    parser.add_argument("--region", action="append", required=True, help="as in render")
    parser.add_argument("--style", default="great-wave")
    parser.add_argument("--start", default="0")
    parser.add_argument("--end", default=None)
    parser.add_argument("--max-size", type=int, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clip = options.clip
        if options.made:
            for number, frame in enumerate(moving_disc()):
                write_png(Path(scratch) / f"made_{number:03d}.png", frame)
            clip = str(Path(scratch) / "made_%03d.png")
        start, end = parse_time(options.start), parse_time(options.end) if options.end else None
        part = {"start": start, "end": end, "max_size": options.max_size}
        with open_reader(clip, ReadOptions(start=start, end=end, max_size=options.max_size)) as reader:
            frames = np.concatenate([batch.frames for batch in reader])
        painted, masks, whole = (
            np.concatenate([batch.frames for batch in paint(clip, options.style, **more, **part)])
            for more in (
                {"regions": options.region},
                {"regions": options.region, "show_region": "mask"},
                {},
            )
        )
    flows = [flow_and_mask(now, before) for before, now in pairwise(frames)]
    rows: list[list[float]] = []
    names: list[str] = []
    for number, (flow, trusted) in enumerate(flows, 1):
        rows.append([])
        for area in (found := areas(masks[number, ..., 0])).values():
            weight = trusted * area[..., None]
            for pictures in (painted, whole):
                error = pair_error(pictures[number], pictures[number - 1], flow, weight)
                rows[-1].append(error if weight.sum() >= FEWEST else np.nan)
        names = list(found)
    mean = [1e3 * float(np.mean(column[~np.isnan(column)])) for column in np.array(rows).T]
    print(f"{len(rows)} pairs of frames; warping error, thousandths, to that of what lies inside; without the region:")
    for number, name in enumerate(names):
        here, plain = mean[2 * number], mean[2 * number + 1]
        print(f"  {name:18} {here:7.3f} {here / mean[-2]:6.2f}      {plain:7.3f} {plain / mean[-1]:6.2f}")


if __name__ == "__main__":
    main()
