"""Moving scenes whose every pixel's motion is known: pictures on planes, each with its own affine motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

Affine = np.ndarray  # [3, 3], from pixels of the frame to pixels of a plane's picture


def texture(height: int, width: int, seed: int = 0, contrast: float = 1.0) -> np.ndarray:
    """A picture of shapes of two sizes, float32 ``[H, W, 3]``, 0..255; at ``contrast`` 0 plain grey."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cell, weight in ((7, 0.35), (30, 0.65)):
        small = rng.uniform(0, 255, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        total += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + (total - 128) * contrast, 0, 255)


def shift(x: float, y: float) -> Affine:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def turned(angle: float, scale: float, middle: tuple[float, float]) -> Affine:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return shift(*middle) @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ shift(-middle[0], -middle[1])


@dataclass
class Plane:
    """A picture, where it covers (float ``[h, w]`` 0..1), and its map at each time."""

    picture: np.ndarray
    at: Callable[[int], Affine]
    cover: np.ndarray | None = None


@dataclass
class Scene:
    """Planes from back to front, seen by frames of ``size`` (height, width)."""

    planes: list[Plane]
    size: tuple[int, int] = (180, 320)
    noise: float = 0.0
    light: Callable[[int], float] = field(default=lambda t: 1.0)

    def frame(self, t: int) -> np.ndarray:
        return self.seen(t)[0]

    def seen(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame uint8 ``[H, W, 3]`` and the number of the plane that each pixel shows."""
        height, width = self.size
        picture = np.zeros((height, width, 3), np.float32)
        shown = np.zeros((height, width), np.int8)
        for number, plane in enumerate(self.planes):
            inverse = plane.at(t)[:2]
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            piece = cv2.warpAffine(plane.picture, inverse, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
            if plane.cover is None:
                picture, shown = piece, np.full_like(shown, number)
                continue
            alpha = cv2.warpAffine(plane.cover, inverse, (width, height), flags=flags)
            picture = picture * (1 - alpha[..., None]) + piece * alpha[..., None]
            shown[alpha > 0.5] = number
        picture = picture * self.light(t)
        if self.noise:
            picture = picture + np.random.default_rng(1000 + t).normal(0, self.noise, picture.shape)
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8), shown

    def true_flow(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Flow ``[H, W, 2]`` from t to t-1, and whether each pixel is seen in both, ``[H, W]``."""
        (_, now), (_, before) = self.seen(t), self.seen(t - 1)
        height, width = self.size
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        here = np.stack([x, y, np.ones_like(x)], -1)
        flow = np.zeros((height, width, 2))
        for number, plane in enumerate(self.planes):
            back = np.linalg.inv(plane.at(t - 1)) @ plane.at(t)
            flow[now == number] = ((here @ back.T)[..., :2] - here[..., :2])[now == number]
        u, v = np.rint(x + flow[..., 0]).astype(int), np.rint(y + flow[..., 1]).astype(int)
        inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
        same = before[np.clip(v, 0, height - 1), np.clip(u, 0, width - 1)] == now
        return flow.astype(np.float32), inside & same


def disc(height: int, width: int, radius: tuple[float, float], centre: tuple[float, float]) -> np.ndarray:
    """An ellipse of ones."""
    y, x = np.mgrid[0:height, 0:width]
    inside = ((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2 < 1
    return cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)
