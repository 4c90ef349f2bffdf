"""Makes README's pictures from the sample scene: before and after, the gallery, and a walk of strength.

    python scripts/contact_sheet.py [--output samples]

Also writes each bundled style's thumbnail beside its file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from videostyle.api import Stylizer
from videostyle.media.drawing import draw_text
from videostyle.media.readers.pictures import read_picture
from videostyle.styles import gallery
from videostyle.styles.style_file import load_style

CELL = (320, 180)


def labelled(picture: np.ndarray, text: str) -> np.ndarray:
    """A cell with its name in the corner."""
    cell = np.ascontiguousarray(cv2.resize(picture, CELL, interpolation=cv2.INTER_AREA))
    draw_text(cell, text, (7, CELL[1] - 9))
    return cell


def write(path: Path, picture: np.ndarray) -> None:
    """Writes a JPEG."""
    cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    """Paints and lays out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scene", type=Path, default=Path("samples/harbour.jpg"))
    parser.add_argument("--output", type=Path, default=Path("samples"))
    options = parser.parse_args()
    scene = read_picture(options.scene)

    def paint(style: str, strength: float = 1.0) -> np.ndarray:
        return Stylizer(style, strength)(scene[None])[0]

    write(options.output / "before_after.jpg", np.concatenate([scene, paint("great-wave")], axis=1))
    cells = [labelled(scene, "the scene")]
    for entry in gallery.entries():
        if not entry.bundled:
            continue
        painted = paint(entry.name)
        card = load_style(entry.path).card
        cells.append(
            labelled(
                painted,
                f"{entry.name} ({card.artist.split(' ')[-1].strip(')')})"
                if "videostyle" not in card.artist
                else entry.name,
            )
        )
        write(entry.path.with_suffix(".jpg"), cv2.resize(painted, CELL, interpolation=cv2.INTER_AREA))
    while len(cells) % 4:
        cells.append(np.full((CELL[1], CELL[0], 3), 255, np.uint8))
    rows = [np.concatenate(cells[i : i + 4], axis=1) for i in range(0, len(cells), 4)]
    write(options.output / "gallery.jpg", np.concatenate(rows, axis=0))
    walk = []
    for style in ("great-wave", "starry-night"):
        walk.append(
            np.concatenate([labelled(paint(style, s), f"{s:.2f}") for s in (0.0, 0.25, 0.5, 0.75, 1.0)], axis=1)
        )
    mixes = [
        f"great-wave:{1 - s},starry-night:{s}" if 0 < s < 1 else ("great-wave", "starry-night")[int(s)]
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    walk.append(
        np.concatenate([labelled(paint(m), m.replace("great-", "").replace("starry-", "")) for m in mixes], axis=1)
    )
    write(options.output / "strength.jpg", np.concatenate(walk, axis=0))


if __name__ == "__main__":
    main()
