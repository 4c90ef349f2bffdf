"""Draws four paintings of the project's own for the gallery: stained glass, woodcut, marbled paper, brush strokes.

python scripts/make_paintings.py --output DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

SIZE = 900


def smooth_noise(rng: np.random.Generator, cells: int, octaves: int = 3) -> np.ndarray:
    """Fractal noise ``[SIZE, SIZE]`` with mean about 0.5."""
    total = np.zeros((SIZE, SIZE), np.float32)
    for octave in range(octaves):
        n = cells * 2**octave
        total += cv2.resize(rng.random((n, n), np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) / 2 ** (
            octave + 1
        )
    return total / (1 - 0.5**octaves)


def scene(rng: np.random.Generator) -> np.ndarray:
    """A grey landscape in 0..1 (sun, hills, field) for the others to draw after."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    tone = 0.85 - 0.35 * y + 0.25 * (smooth_noise(rng, 5) - 0.5)
    tone[np.hypot(x - 0.66, y - 0.26) < 0.13] = 1.0
    for level, dark in ((0.48, 0.55), (0.60, 0.35), (0.74, 0.62), (0.86, 0.2)):
        top = level + 0.09 * np.sin(7 * x + 20 * level) + 0.05 * np.sin(17 * x + 50 * level)
        tone = np.where(y > top, dark + 0.5 * (y - top) + 0.4 * (smooth_noise(rng, 9) - 0.5), tone)
    return np.clip(tone, 0, 1)


def stained_glass(rng: np.random.Generator) -> np.ndarray:
    """Jewel-coloured cells between lead lines, round a rose."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    points = [rng.random(2) * SIZE for _ in range(90)]
    for ring, count in ((60, 6), (130, 12), (210, 16), (290, 22)):
        points += [
            np.array([450 + ring * np.cos(a), 450 + ring * np.sin(a)])
            for a in np.linspace(0, 2 * np.pi, count, endpoint=False)
        ]
    distance = np.stack([np.hypot(x - px, y - py) for px, py in points])
    order = np.argpartition(distance, 1, axis=0)[:2]
    pair = np.sort(np.take_along_axis(distance, order, 0), axis=0)
    cell = distance.argmin(axis=0)
    palette = np.array(
        [
            (0.75, 0.06, 0.10),
            (0.05, 0.18, 0.62),
            (0.96, 0.72, 0.10),
            (0.05, 0.48, 0.25),
            (0.42, 0.10, 0.55),
            (0.10, 0.55, 0.70),
            (0.92, 0.40, 0.08),
            (0.85, 0.88, 0.70),
        ]
    )
    colours = palette[rng.integers(len(palette), size=len(points))] * rng.uniform(0.7, 1.15, (len(points), 1))
    glow = (
        0.65
        + 0.5 * np.exp(-((pair[0] / 40) ** 2))
        + 0.35 * (smooth_noise(rng, 40) - 0.5)
        + 0.25 * (smooth_noise(rng, 8) - 0.5)
    )
    picture = colours[cell] * glow[..., None]
    lead = np.clip((pair[1] - pair[0] - 7) / 4, 0, 1)[..., None]
    return picture * lead + np.array([0.04, 0.04, 0.05]) * (1 - lead)


def woodcut(rng: np.random.Generator) -> np.ndarray:
    """Black ink on cream paper; lines follow the land and swell with its darkness."""
    tone = cv2.GaussianBlur(scene(rng), (0, 0), 4)
    field = cv2.GaussianBlur(smooth_noise(rng, 3, 2), (0, 0), 30)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    waves = np.sin((y + 260 * field + 14 * np.sin(x / 60)) * 2 * np.pi / 13)
    rays = np.sin(np.arctan2(y - 0.26 * SIZE, x - 0.66 * SIZE) * 70)
    lines = np.where(tone > 0.62, np.where(y < 0.5 * SIZE, rays, waves), waves)
    lines = lines + 0.5 * (smooth_noise(rng, 90, 2) - 0.5)
    ink = np.clip((1.9 * (0.62 - tone) - lines * 0.75) * 4 + 0.5, 0, 1)
    ink = np.where(tone > 0.97, 0, ink)
    edge = np.clip(cv2.magnitude(cv2.Sobel(tone, cv2.CV_32F, 1, 0), cv2.Sobel(tone, cv2.CV_32F, 0, 1)) * 6 - 0.3, 0, 1)
    ink = np.clip(np.maximum(ink, edge) - 0.35 * (smooth_noise(rng, 200, 2) > 0.62), 0, 1)[..., None]
    paper = np.array([0.93, 0.87, 0.74]) * (0.94 + 0.12 * smooth_noise(rng, 120)[..., None])
    return paper * (1 - ink) + np.array([0.07, 0.06, 0.08]) * ink


def marbled_paper(rng: np.random.Generator) -> np.ndarray:
    """Ink that was dropped on water, drawn out with combs and lifted off with paper.

    Each pixel is followed back through the combs and the drops, last first, to the ink that covers it.

    *Source:* Lu, Jaffer et al. 2012, Mathematical Marbling.
    """
    palette = np.array(
        [
            (0.93, 0.88, 0.76),
            (0.06, 0.12, 0.30),
            (0.72, 0.14, 0.16),
            (0.10, 0.42, 0.50),
            (0.94, 0.66, 0.16),
            (0.96, 0.94, 0.90),
            (0.16, 0.10, 0.12),
        ]
    )
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    x += 14 * np.sin(y / 50 + 1) + 60 * (smooth_noise(rng, 3, 2) - 0.5)
    y += 14 * np.sin(x / 60)
    for spacing, reach, sharpness in ((80, 75, 8), (160, -110, 16)):
        for tine in np.arange(rng.uniform(0, spacing), SIZE, spacing):
            y = y - reach * sharpness / (np.abs(x - tine) + sharpness)
    for tine in np.arange(60, SIZE, 130):
        x = x + 70 * 13 / (np.abs(y - tine) + 13)
    ink = np.zeros((SIZE, SIZE), int)
    covered = np.zeros((SIZE, SIZE), bool)
    for _ in range(420):
        centre, radius = rng.uniform(-0.15, 1.15, 2) * SIZE, rng.uniform(10, 46)
        distance = np.hypot(x - centre[0], y - centre[1])
        inside = (distance < radius) & ~covered
        ink[inside] = rng.integers(1, len(palette))
        covered |= inside
        back = np.sqrt(np.maximum(1 - (radius / np.maximum(distance, radius)) ** 2, 0))
        x, y = centre[0] + (x - centre[0]) * back, centre[1] + (y - centre[1]) * back
    picture = cv2.GaussianBlur(palette[ink].astype(np.float32), (0, 0), 0.8)
    return picture * (0.94 + 0.12 * smooth_noise(rng, 150)[..., None])


def brush_strokes(rng: np.random.Generator) -> np.ndarray:
    """Thick bristle strokes along a swirling field, in layers from broad to fine."""
    tone = scene(rng)
    angle = cv2.GaussianBlur(smooth_noise(rng, 4, 2), (0, 0), 20) * 9
    palette = np.array(
        [
            (0.10, 0.14, 0.40),
            (0.16, 0.42, 0.62),
            (0.38, 0.66, 0.60),
            (0.86, 0.76, 0.42),
            (0.92, 0.50, 0.26),
            (0.70, 0.22, 0.28),
            (0.96, 0.92, 0.80),
        ]
    )
    picture = np.ones((SIZE, SIZE, 3), np.float32) * palette[1].astype(np.float32)
    for width, length, count in ((34, 130, 900), (20, 90, 2200), (11, 60, 4200)):
        for _ in range(count):
            cx, cy = rng.integers(0, SIZE, 2)
            shade = float(tone[cy, cx]) * (len(palette) - 1)
            colour = palette[int(np.clip(round(shade + rng.normal(0, 0.8)), 0, len(palette) - 1))]
            px, py, path = float(cx), float(cy), []
            for _ in range(int(length / 6)):
                path.append((px, py))
                turn = angle[int(np.clip(py, 0, SIZE - 1)), int(np.clip(px, 0, SIZE - 1))]
                px, py = px + 6 * np.cos(turn), py + 6 * np.sin(turn)
            track = np.array(path)
            normal = np.array([-np.sin(angle[cy, cx]), np.cos(angle[cy, cx])])
            for hair in np.linspace(-width / 2, width / 2, max(3, width // 3)):
                tint = np.clip(colour + rng.normal(0, 0.055), 0, 1)
                points = (track + hair * normal).round().astype(np.int32)[None, int(rng.integers(0, 3)) :]
                cv2.polylines(picture, [points], False, tuple(map(float, tint)), 3, cv2.LINE_AA)
    relief = cv2.Sobel(picture.mean(axis=2).astype(np.float32), cv2.CV_32F, 1, 1)[..., None]
    return picture + 0.25 * relief


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for seed, draw in enumerate((stained_glass, woodcut, marbled_paper, brush_strokes)):
        picture = np.clip(draw(np.random.default_rng(seed)), 0, 1)
        cv2.imwrite(
            str(options.output / f"{draw.__name__.replace('_', '-')}.png"),
            (picture[..., ::-1] * 255 + 0.5).astype(np.uint8),
        )


if __name__ == "__main__":
    main()
