"""The mesh's geometry: straight things stay straight, whole positions are exact, distortion has its known values."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.motion.mesh import MeshShape, distortion, sampled

SHAPE = MeshShape.of(360, 640)
PITCH = SHAPE.pitch


def flat(linear: list[list[float]] | None = None) -> np.ndarray:
    return (SHAPE.places() @ np.array(linear or [[1, 0], [0, 1]], np.float32).T).astype(np.float32)


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(360, 640, 23, 41), (1080, 1920, 23, 41), (640, 360, 41, 23), (480, 480, 41, 41), (1, 1, 41, 41), (1, 500, 2, 41)],
)
def test_the_mesh_depends_on_the_frames_aspect_alone(height: int, width: int, rows: int, columns: int) -> None:
    shape = MeshShape.of(height, width)
    assert (shape.rows, shape.columns) == (rows, columns)
    assert np.allclose(shape.places()[-1, -1], np.array([width, height]) * 640 / max(height, width))


@pytest.mark.parametrize(
    ("linear", "expected"),
    [
        ([[1, 0], [0, 1]], 0),
        ([[0, -3], [3, 0]], 0),  # turned and enlarged
        ([[2, 0], [0, 1]], 1 / 3),  # stretched twice
        ([[1, 0], [0, 0]], 1),  # crushed
        ([[1, 0.5], [0, 1]], np.sqrt(0.0625 / 1.0625)),  # sheared
    ],
)
def test_distortion_of_linear_maps(linear: list[list[float]], expected: float) -> None:
    assert np.allclose(distortion(flat(linear), PITCH), expected, atol=1e-5)


def test_a_turned_canvas_runs_on_beyond_the_border() -> None:
    turned = [[0.8, -0.6], [0.6, 0.8]]
    x, y = (p.ravel() for p in np.meshgrid(np.linspace(-9, SHAPE.columns + 8, 60), np.linspace(-9, SHAPE.rows + 8, 50)))
    expected = np.stack([x * PITCH[0], y * PITCH[1]], -1) @ np.array(turned).T
    assert np.abs(sampled(flat(turned), PITCH, np.float32(x), np.float32(y)) - expected).max() < 2e-3


def test_what_enters_beside_a_sheared_border_is_less_distorted() -> None:
    sheared = flat([[1, 0.5], [0, 1]])
    x, y = np.meshgrid(np.arange(-4, 0, dtype=np.float32), np.arange(4, 12, dtype=np.float32))
    beyond = sampled(sheared, PITCH, x.ravel(), y.ravel()).reshape(8, 4, 2)
    assert distortion(beyond, PITCH).max() < 1.1 * distortion(sheared, PITCH).max()


def test_whole_positions_give_the_values_there() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (SHAPE.rows, SHAPE.columns, 2)).astype(np.float32)
    x, y = np.meshgrid(np.arange(SHAPE.columns, dtype=np.float32), np.arange(SHAPE.rows, dtype=np.float32))
    assert np.allclose(sampled(values, PITCH, x.ravel(), y.ravel()).reshape(values.shape), values, atol=1e-5)


def test_sampling_is_exact_for_parabolas() -> None:
    y, x = np.mgrid[0 : SHAPE.rows, 0 : SHAPE.columns].astype(np.float32)
    at_x, at_y = np.float32([1.3, 7.77, 12.5]), np.float32([2.9, 1.25, 9.5])
    got = sampled(np.stack([x * x - y * y, x * y], -1), PITCH, at_x, at_y)
    assert np.allclose(got, np.stack([at_x**2 - at_y**2, at_x * at_y], -1), atol=2e-3)
