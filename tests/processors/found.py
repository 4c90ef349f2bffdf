"""Detectors of the tests' own, that find bright things, and faces that a real detector finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from videostyle.frames import Float32Array, UInt8Array
from videostyle.processors.regions import faces, person

BRIGHT = 200


def bright_boxes(picture: UInt8Array) -> Float32Array:
    """Boxes around what is bright."""
    _, _, places, _ = cv2.connectedComponentsWithStats((picture.min(axis=2) >= BRIGHT).astype(np.uint8))
    return np.array([[x, y, x + w, y + h, 0.9] for x, y, w, h, _ in places[1:]], np.float32).reshape(-1, 5)


def bright_mask(picture: UInt8Array) -> UInt8Array:
    return np.where(picture.min(axis=2) >= BRIGHT, 255, 0).astype(np.uint8)


def use_fake_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces and persons are what is bright."""
    monkeypatch.setattr(faces, "model_files", lambda model, sha256: [Path("fake")])
    monkeypatch.setattr(faces, "face_finder", lambda files, least, detail: bright_boxes)
    monkeypatch.setattr(person, "model_file", lambda model, sha256: Path("fake"))
    monkeypatch.setattr(person, "person_finder", lambda file: bright_mask)


def draw_face(picture: UInt8Array, x: float, y: float, radius: float, skin: Sequence[int] = (224, 172, 140)) -> None:
    """Draws a face around a place, uint8 ``[H, W, 3]`` RGB: hair, skin, brows, eyes, nose, mouth."""

    def oval(dx: float, dy: float, a: float, b: float, colour: Sequence[int], angle: float = 0) -> None:
        middle = round(16 * (x + dx * radius)), round(16 * (y + dy * radius))
        half = max(16, round(16 * a * radius)), max(16, round(16 * b * radius))
        cv2.ellipse(picture, middle, half, angle, 0, 360, tuple(map(int, colour)), -1, cv2.LINE_AA, 4)

    def shade(share: float) -> list[int]:
        return [int(share * value) for value in skin]

    hair, white, lip = (60, 40, 30), (245, 245, 245), (170, 70, 70)
    oval(0, -0.25, 1.0, 1.15, hair)
    oval(0, 1.2, 0.35, 0.4, shade(0.8))
    oval(0, 0, 0.82, 1.1, skin)
    oval(0, -0.95, 0.75, 0.35, hair)
    for side in (-1, 1):
        oval(side * 0.34, -0.12, 0.2, 0.13, shade(0.75))
        oval(side * 0.34, -0.12, 0.17, 0.085, white)
        oval(side * 0.34, -0.12, 0.08, 0.085, (50, 30, 20))
        oval(side * 0.34, -0.32, 0.22, 0.05, hair, side * 5)
        oval(side * 0.07, 0.38, 0.035, 0.025, (90, 50, 40))
    oval(0.03, 0.2, 0.1, 0.25, shade(0.93))
    oval(0, 0.36, 0.16, 0.07, shade(0.8))
    oval(0, 0.62, 0.28, 0.09, lip)


def face_picture(height: int, width: int, x: float, y: float, radius: float) -> UInt8Array:
    """One face on an even background, drawn large and shrunk."""
    large = np.full((4 * height, 4 * width, 3), (120, 140, 160), np.uint8)
    draw_face(large, 4 * x, 4 * y, 4 * radius)
    soft = cv2.GaussianBlur(large, (0, 0), max(0.1, radius / 10))
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
