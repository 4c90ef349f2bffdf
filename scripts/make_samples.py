"""Makes the sample clip and stills: a harbour at evening, rendered from layers at known depths.

The camera slides sideways and sways; every layer is a picture on a plane, so that the true optical flow and
occlusion of each pixel are known and are written beside the clip for a few pairs of frames. The sound is
made here too: a slow chord and the wash of waves.

    python scripts/make_samples.py [--output samples]
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.motion.flow import grid, sample, write_flo

WIDTH, HEIGHT, RATE, SECONDS = 640, 360, 25, 6
MARGIN = 220  # pixels that layers are wider than the frame on each side, for the camera to slide over
PAIRS = (20, 75, 130)  # frames whose flow to the frame STEP before is written
STEP = 5


def noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: int, octaves: int = 5, aspect: float = 1.0
) -> np.ndarray:
    """Fractal noise in 0..1; ``aspect`` above 1 stretches it sideways."""
    total, weight = np.zeros(shape, np.float32), 0.0
    for octave in range(octaves):
        n = cells * 2**octave
        rows, columns = max(2, int(n)), max(2, int(n * shape[1] / shape[0] / aspect))
        layer = cv2.resize(rng.random((rows, columns), np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        total += layer * 0.55**octave
        weight += 0.55**octave
    return np.clip(total / weight, 0, 1)


def mix(a: np.ndarray | tuple, b: np.ndarray | tuple, t: np.ndarray) -> np.ndarray:
    """From colour ``a`` to colour ``b``."""
    return np.asarray(a, np.float32) * (1 - t[..., None]) + np.asarray(b, np.float32) * t[..., None]


def ridge(rng: np.random.Generator, width: int, height: float, rough: float, cells: int) -> np.ndarray:
    """A skyline: its row for each column."""
    line = noise(rng, (8, width), 2, 6, 1.0)[4]
    line = cv2.GaussianBlur(line[None], (0, 0), width / cells / 6)[0]
    line = (line - line.min()) / (np.ptp(line) + 1e-6)
    return height - rough * line


def layers(rng: np.random.Generator) -> list[tuple[float, np.ndarray]]:
    """Back to front: (share of the camera's motion that a layer shows, RGBA float ``[H, W, 4]``)."""
    w, h = WIDTH + 2 * MARGIN, HEIGHT + 2 * 24
    x, y = grid(h, w)
    out = []
    # Sky: evening colours, clouds lit from below, a low sun.
    t = y / (0.55 * h)
    sky = mix((0.20, 0.34, 0.62), (0.98, 0.72, 0.45), np.clip(t, 0, 1) ** 1.3)
    clouds = noise(rng, (h, w), 3, 6, 2.5)
    cover = np.clip((clouds - 0.50) * 6, 0, 1) * np.clip(1.15 - t, 0, 1)
    sky = mix(sky, mix((0.95, 0.62, 0.48), (0.99, 0.92, 0.84), np.clip((clouds - 0.5) * 4, 0, 1)), cover)
    sun = np.hypot(x - 0.62 * w, y - 0.38 * h)
    sky += np.exp(-((sun / 60) ** 2))[..., None] * np.array([0.5, 0.38, 0.15]) + (sun < 17)[..., None] * 0.35
    out.append((0.04, np.dstack([sky, np.ones((h, w))])))
    # Mountains, each range nearer, darker and rougher.
    ranges = (
        (0.10, 0.50, 90, 5, (0.50, 0.50, 0.66), (0.78, 0.66, 0.66)),
        (0.18, 0.54, 75, 9, (0.28, 0.34, 0.46), (0.52, 0.50, 0.52)),
    )
    for share, level, rough, cells, dark, light in ranges:
        top = ridge(rng, w, level * h, rough, cells)
        stone = noise(rng, (h, w), 10, 5, 0.7)
        slope = np.gradient(top)[None] * 0.6 + (stone - 0.5) * 1.6
        picture = mix(dark, light, np.clip(0.5 + slope, 0, 1))
        out.append((share, np.dstack([picture, np.clip(y - top[None] + 0.5, 0, 1)])))
    # The town: houses with lit windows and gabled roofs.
    town = np.zeros((h, w, 4), np.float32)
    column = -10
    while column < w:
        width, tall = int(rng.integers(26, 52)), int(rng.integers(34, 84))
        bottom = int(0.60 * h)
        roof = int(rng.integers(10, 24))
        wall = np.array(
            [(0.86, 0.74, 0.56), (0.78, 0.42, 0.30), (0.90, 0.86, 0.76), (0.55, 0.60, 0.66), (0.84, 0.62, 0.38)][
                rng.integers(5)
            ]
        )
        tile = np.array([(0.55, 0.20, 0.14), (0.36, 0.22, 0.20), (0.45, 0.28, 0.18)][rng.integers(3)])
        box = (x >= column) & (x < column + width) & (y >= bottom - tall) & (y < bottom)
        shade = 0.75 + 0.25 * (x - column) / width + 0.10 * (noise(rng, (h, w), 40, 2) - 0.5)
        town[box] = np.dstack([wall * shade[..., None], np.ones((h, w))])[box]
        middle = column + width / 2
        gable = (
            (np.abs(x - middle) < (width / 2 + 3) * (y - (bottom - tall - roof)) / roof)
            & (y < bottom - tall)
            & (y >= bottom - tall - roof)
        )
        rows = 0.85 + 0.15 * np.sin(y * 1.6)
        town[gable] = np.dstack([tile * rows[..., None], np.ones((h, w))])[gable]
        for wy in range(bottom - tall + 8, bottom - 10, 15):
            for wx in range(column + 6, column + width - 8, 12):
                pane = (x >= wx) & (x < wx + 6) & (y >= wy) & (y < wy + 9)
                town[pane, :3] = (1.0, 0.84, 0.45) if rng.random() < 0.45 else (0.18, 0.20, 0.28)
        column += width + int(rng.integers(-4, 9))
    quay = (y >= 0.60 * h) & (y < 0.64 * h)
    stones = 0.5 + 0.35 * noise(rng, (h, w), 50, 2, 2.0)
    town[quay] = np.dstack([mix((0.30, 0.28, 0.28), (0.66, 0.60, 0.54), stones), np.ones((h, w))])[quay]
    out.append((0.36, town))
    # Water with the sunset in it, in rows that widen towards the camera.
    depth = np.clip((y - 0.635 * h) / (0.365 * h), 0, 1)
    ripple = np.sin(y * (0.9 - 0.55 * depth) + 5.0 * noise(rng, (h, w), 6, 4, 4.0)) * 0.5 + 0.5
    water = mix(
        (0.10, 0.22, 0.36),
        (0.94, 0.66, 0.46),
        np.clip(0.25 + 0.5 * ripple * (1.1 - depth) + 0.25 * np.exp(-(((x - 0.62 * w) / 120) ** 2)), 0, 1),
    )
    out.append((0.60, np.dstack([water, (y >= 0.635 * h).astype(np.float32)])))
    # A sailing boat.
    boat = np.zeros((h, w, 4), np.float32)
    bx, by = 0.40 * w, 0.80 * h
    hull = (np.abs(x - bx) < 70 - 0.9 * np.clip(y - by, 0, 40)) & (y >= by) & (y < by + 24)
    boat[hull] = np.dstack(
        [mix((0.42, 0.14, 0.12), (0.78, 0.30, 0.22), np.clip((x - bx + 70) / 140, 0, 1)), np.ones((h, w))]
    )[hull]
    rail = hull & (y < by + 4)
    boat[rail, :3] = (0.95, 0.90, 0.80)
    mast = (np.abs(x - bx) < 2) & (y > by - 150) & (y < by)
    boat[mast] = (0.30, 0.20, 0.14, 1)
    for side, reach, colour in ((1, 0.36, (0.96, 0.93, 0.86)), (-1, 0.26, (0.92, 0.80, 0.62))):
        sail = (side * (x - bx) > 3) & (side * (x - bx) < reach * (y - (by - 148))) & (y < by - 10) & (y > by - 148)
        folds = 0.86 + 0.14 * np.sin((x - bx) * 0.22 + (y - by) * 0.03)
        boat[sail] = np.dstack([np.asarray(colour) * folds[..., None], np.ones((h, w))])[sail]
    out.append((0.80, boat))
    # In front: grass and a tree, the fastest.
    front = np.zeros((h, w, 4), np.float32)
    edge = ridge(rng, w, 0.985 * h, 42, 14)[None]
    blades = (
        edge - 16 * noise(rng, (h, w), 4, 1)[:1] - 18 * np.abs(np.sin(x * 0.55 + 4 * noise(rng, (h, w), 3, 2))) ** 3
    )
    grass = mix((0.08, 0.13, 0.06), (0.50, 0.55, 0.16), noise(rng, (h, w), 30, 3, 0.4))
    front[..., :3], front[..., 3] = grass, np.clip(y - blades, 0, 1)
    for tx in (0.12 * w, 0.88 * w):
        trunk = (np.abs(x - tx - 6 * np.sin(y * 0.02)) < 7 + 5 * (y / h) ** 3) & (y > 0.22 * h)
        bark = mix((0.14, 0.09, 0.06), (0.42, 0.29, 0.18), noise(rng, (h, w), 24, 3, 0.15))
        front[trunk] = np.dstack([bark, np.ones((h, w))])[trunk]
        crown = np.exp(-(((x - tx) / 105) ** 2 + ((y - 0.16 * h) / 74) ** 2)) + 0.55 * (noise(rng, (h, w), 14, 4) - 0.5)
        leaf = mix((0.07, 0.14, 0.05), (0.64, 0.50, 0.14), noise(rng, (h, w), 36, 3))
        leaves = crown > 0.52
        front[leaves] = np.dstack([leaf, np.ones((h, w))])[leaves]
    out.append((1.15, front))
    return [(share, np.clip(picture, 0, 1).astype(np.float32)) for share, picture in out]


def camera(frame: int) -> tuple[float, float]:
    """Where the camera stands, pixels of a layer that shows its motion in full."""
    t = frame / (RATE * SECONDS)
    return -150 + 300 * (0.5 - 0.5 * np.cos(np.pi * t)), 6 * np.sin(2 * np.pi * t) + 3 * np.sin(5 * np.pi * t)


def render(scene: list[tuple[float, np.ndarray]], frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Frame ``[H, W, 3]`` 0..1, and which layer each pixel shows, ``[H, W]``."""
    x, y = grid(HEIGHT, WIDTH)
    cx, cy = camera(frame)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    shown = np.zeros((HEIGHT, WIDTH), int)
    for number, (share, layer) in enumerate(scene):
        piece = sample(layer, x + MARGIN + share * cx, y + 24 + share * cy)
        alpha = piece[..., 3:]
        picture = picture * (1 - alpha) + piece[..., :3] * alpha
        shown[alpha[..., 0] > 0.5] = number
    return picture, shown


def true_flow(scene: list[tuple[float, np.ndarray]], frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Flow ``[H, W, 2]`` from ``frame`` to the one STEP before, and which pixels are visible there, ``[H, W]`` bool."""
    (_, now), (_, before) = render(scene, frame), render(scene, frame - STEP)
    shares = np.array([share for share, _ in scene], np.float32)[now]
    (cx, cy), (bx, by) = camera(frame), camera(frame - STEP)
    flow = np.dstack([shares * (cx - bx), shares * (cy - by)]).astype(np.float32)
    x, y = grid(HEIGHT, WIDTH)
    u, v = np.rint(x + flow[..., 0]).astype(int), np.rint(y + flow[..., 1]).astype(int)
    inside = (u >= 0) & (u < WIDTH) & (v >= 0) & (v < HEIGHT)
    seen = before[np.clip(v, 0, HEIGHT - 1), np.clip(u, 0, WIDTH - 1)] == now
    return flow, inside & seen


def make_sound(path: Path, rng: np.random.Generator) -> None:
    """A slow chord over the wash of waves, 16 bit stereo."""
    rate = 44_100
    t = np.arange(rate * SECONDS) / rate
    chord = sum(np.sin(2 * np.pi * f * t) * a for f, a in ((110, 0.30), (164.8, 0.2), (220, 0.16), (277.2, 0.12)))
    wash = np.cumsum(rng.normal(0, 1, t.size)) * 0.01
    wash = (wash - np.convolve(wash, np.ones(400) / 400, "same")) * (0.5 + 0.5 * np.sin(2 * np.pi * t / 3))
    fade = np.minimum(1, np.minimum(t, SECONDS - t) / 0.4)
    left, right = ((chord * 0.35 + wash * gain) * fade for gain in (0.5, 0.42))
    data = np.clip(np.stack([left, right], 1) * 20_000, -32_767, 32_767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("samples"))
    parser.add_argument(
        "--content",
        type=Path,
        default=Path("videostyle/assets/content"),
        help="folder for the package's training pictures",
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    options.content.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    scene = layers(rng)
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "sound.wav"
        make_sound(sound, rng)
        command = [
            ffmpeg_exe(),
            "-loglevel",
            "error",
            "-y",
            "-f",
            "rawvideo",
            "-pixel_format",
            "rgb24",
            "-video_size",
            f"{WIDTH}x{HEIGHT}",
        ]
        command += [
            "-framerate",
            str(RATE),
            "-i",
            "pipe:0",
            "-i",
            str(sound),
            "-vf",
            "scale=out_color_matrix=bt709:out_range=limited,format=yuv420p",
        ]
        command += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
        command += [
            "-c:v",
            "libx264",
            "-crf",
            "21",
            "-preset",
            "slow",
            "-c:a",
            "aac",
            "-b:a",
            "96k",
            "-movflags",
            "+faststart",
        ]
        command += ["-metadata", "title=Harbour at evening", str(options.output / "harbour.mp4")]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        pipe: Any = process.stdin
        for frame in range(RATE * SECONDS):
            picture, _ = render(scene, frame)
            pipe.write((picture * 255 + 0.5).astype(np.uint8).tobytes())
        pipe.close()
        if process.wait():
            raise SystemExit("ffmpeg failed")
    still, _ = render(scene, 60)
    cv2.imwrite(
        str(options.output / "harbour.jpg"),
        (still[..., ::-1] * 255 + 0.5).astype(np.uint8),
        [cv2.IMWRITE_JPEG_QUALITY, 92],
    )
    for frame in PAIRS:
        for number in (frame - STEP, frame):
            picture = (render(scene, number)[0][..., ::-1] * 255 + 0.5).astype(np.uint8)
            small = cv2.resize(picture, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(options.output / f"flow_{number:03d}.png"), small)
        flow, seen = true_flow(scene, frame)
        write_flo(options.output / f"flow_{frame:03d}.flo", (flow[::2, ::2] / 2).astype(np.float32))
        cv2.imwrite(str(options.output / f"flow_{frame:03d}_visible.png"), (seen[::2, ::2] * 255).astype(np.uint8))
    # Training pictures for those who bring none: other harbours, each with its own seed.
    for seed in range(12):
        picture, _ = render(layers(np.random.default_rng(100 + seed)), int(12 * seed))
        cv2.imwrite(
            str(options.content / f"harbour_{seed:02d}.jpg"),
            (picture[..., ::-1] * 255 + 0.5).astype(np.uint8),
            [cv2.IMWRITE_JPEG_QUALITY, 85],
        )


if __name__ == "__main__":
    main()
