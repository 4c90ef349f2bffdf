"""Measures the endpoint error of the optical flow that flicker is measured with, on pairs whose true flow is known.

    python scripts/flow_report.py MIDDLEBURY_DIR

Each folder below holds ``frame10.png``, ``frame11.png`` and ``flow10.flo`` (from the first to the second).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.readers.pictures import read_picture
from videostyle.motion.dis import dis_flow, flow_and_mask
from videostyle.motion.flow import Float, endpoint_error, read_flo


def true_pairs(folder: Path) -> Iterator[tuple[str, UInt8Array, UInt8Array, Float]]:
    """Name, both frames and the true flow from the first to the second, of each pair below a folder."""
    for flo in sorted(folder.rglob("*.flo")):
        frames = sorted(p for p in flo.parent.iterdir() if p.suffix.lower() in (".png", ".jpg"))
        if len(frames) >= 2:
            yield flo.parent.name, read_picture(frames[0]), read_picture(frames[1]), read_flo(flo)


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    rows = []
    print(f"{'pair':14} {'fast':>6} {'medium':>7} {'trusted':>8} {'kept':>6}   endpoint error, pixels")
    for name, first, second, truth in true_pairs(options.folder):
        errors = [endpoint_error(dis_flow(first, second, preset), truth) for preset in ("fast", "medium")]
        flow, mask = flow_and_mask(first, second)
        trusted = truth.copy()
        trusted[mask[..., 0] == 0] = np.nan  # what the masks leave out does not count when stillness is measured
        rows.append((*errors, endpoint_error(flow, trusted), float(mask.mean())))
        print(f"{name:14} {rows[-1][0]:6.2f} {rows[-1][1]:7.2f} {rows[-1][2]:8.2f} {rows[-1][3]:6.0%}")
    if not rows:
        raise SystemExit(f"no pair with true flow below '{options.folder}'")
    mean = np.mean(rows, axis=0)
    print(f"{'mean':14} {mean[0]:6.2f} {mean[1]:7.2f} {mean[2]:8.2f} {mean[3]:6.0%}")


if __name__ == "__main__":
    main()
