"""The canvas carried along scenes whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.motion.scenes import Plane, Scene, disc, shift, texture, turned
from videostyle.frames import CanvasMesh
from videostyle.inference.canvas_sampling import CanvasSettings, sample_canvas
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.motion.mesh_quality import TWICE, seen_distortion, slip

SIZE = (180, 320)


def meshes(scene: Scene, frames: int) -> list[CanvasMesh]:
    tracker = CanvasTracker()
    return [tracker(scene.frame(t)) for t in range(frames)]


def moved_by(before: CanvasMesh, after: CanvasMesh) -> np.ndarray:
    """Motion of the first layer in pixels, ``[rows, columns, 2]``."""
    return (after.places[0] - before.places[0]) * SIZE[0]


@pytest.mark.parametrize("speed", [2, -2])
def test_a_pan_is_followed_to_the_edges_where_the_scene_enters_and_leaves(speed: int) -> None:
    wide = texture(180, 520)
    scene = Scene([Plane(wide, lambda t: shift(60 + speed * (t - 30), 0))])
    found = meshes(scene, 60)
    error = np.linalg.norm(moved_by(found[0], found[-1]) - (speed * 59, 0), axis=-1)  # pixels, after a pan of 118
    assert np.median(error) < 0.5
    assert error.max() < 2
    assert not found[-1].share.any()


def test_a_slow_pan_is_not_taken_for_stillness() -> None:
    scene = Scene([Plane(texture(180, 520), lambda t: shift(60 + 0.08 * t, 0))])
    found = meshes(scene, 76)
    error = np.linalg.norm(moved_by(found[0], found[-1]) - (6, 0), axis=-1)
    assert np.median(error) < 0.5


def test_a_still_camera_leaves_the_canvas_exactly_where_it_is() -> None:
    scene = Scene([Plane(texture(*SIZE), lambda t: shift(0, 0))], noise=8)
    found = meshes(scene, 25)
    for mesh in found[1:]:
        assert np.array_equal(mesh.places, found[0].places)
        assert not mesh.share.any()


def passing(frames: int, contrast: float = 1.0, noise: float = 0.0) -> Scene:
    """Something large passes a still camera from left to right."""
    cover = disc(180, 320, (70, 80), (160, 90))
    return Scene(
        [
            Plane(texture(*SIZE, 1, contrast), lambda t: shift(0, 0)),
            Plane(texture(*SIZE, 2), lambda t: shift(240 - 480 * t / (frames - 1), 0), cover),
        ],
        noise=noise,
    )


@pytest.mark.parametrize(("contrast", "noise"), [(1.0, 0.0), (0.3, 2.0)], ids=["wall", "noisy"])
def test_something_large_passes_and_the_ground_beside_it_stands(contrast: float, noise: float) -> None:
    frames = 50
    scene = passing(frames, contrast, noise)
    found = meshes(scene, frames)
    x = np.broadcast_to(np.linspace(0, 320, found[0].share.shape[1]), found[0].share.shape)
    for t in range(1, frames):
        middle = 160 - 240 + 480 * t / (frames - 1)
        ahead = (x - middle > 70 + 40) & (found[t].share == 0) & (found[t - 1].share == 0)
        assert np.array_equal(found[t].places[0][ahead], found[t - 1].places[0][ahead])
    # Behind it the ground is as before: no rays, nothing stretched.
    assert (seen_distortion(found[-1], SIZE) > TWICE).mean() < 0.04


def test_no_rays_beside_what_moves_in_front_of_a_pan() -> None:
    cover = disc(180, 320, (28, 24), (160, 90))
    scene = Scene(
        [
            Plane(texture(180, 560, 1), lambda t: shift(20 + 2 * t, 0)),
            Plane(texture(*SIZE, 2), lambda t: shift(40 - t, 0), cover),
        ]
    )
    found = meshes(scene, 60)
    assert max((seen_distortion(mesh, SIZE) > TWICE).mean() for mesh in found) < 0.06
    slips = [slip(found[t], found[t - 1], scene.true_flow(t)[0])[0] for t in range(2, 60, 4)]
    assert np.percentile(np.stack(slips), 90) < 0.6


@pytest.mark.parametrize("rate", [1.01, 0.99], ids=["in", "out"])
def test_a_zoom_is_followed_without_slipping(rate: float) -> None:
    scene = Scene([Plane(texture(900, 1600), lambda t: shift(640, 360) @ turned(0, 1 / rate**t, (160, 90)))])
    found = meshes(scene, 50)
    slips = [slip(found[t], found[t - 1], scene.true_flow(t)[0])[0] for t in range(2, 50, 4)]
    assert np.percentile(np.stack(slips), 95) < 0.25
    assert max((seen_distortion(mesh, SIZE) > 0.2).mean() for mesh in found) < 0.05
    assert not found[-1].share.any()  # strokes keep their size by octaves; nothing is renewed


def test_a_flash_moves_nothing() -> None:
    plane = Plane(texture(180, 520), lambda t: shift(20 + 2 * t, 0))
    flash = meshes(Scene([plane], light=lambda t: 4.0 if t in (20, 21) else 1.0), 40)
    error = np.linalg.norm(moved_by(flash[0], flash[-1]) - (78, 0), axis=-1)
    assert np.median(error) < 1.5
    steps = [np.abs(moved_by(flash[t - 1], flash[t]) - (2, 0)).max() for t in range(18, 26)]
    assert max(steps) < 1.0


def test_a_flash_before_a_still_camera_moves_nothing() -> None:
    scene = Scene([Plane(texture(*SIZE), lambda t: shift(0, 0))], light=lambda t: 4.0 if t in (5, 6) else 1.0)
    found = meshes(scene, 12)
    assert all(np.array_equal(mesh.places, found[0].places) for mesh in found)


def test_a_shaking_hand_is_followed_and_leaves_nothing_behind() -> None:
    rng = np.random.default_rng(4)
    shake = cv2.GaussianBlur(rng.normal(0, 4, (80, 3)).astype(np.float32), (1, 5), 0, sigmaY=1)
    scene = Scene(
        [
            Plane(
                texture(300, 520),
                lambda t: shift(100, 60) @ turned(shake[t, 2] / 400, 1, (160, 90)) @ shift(*shake[t, :2]),
            )
        ]
    )
    found = meshes(scene, 60)
    slips = [slip(found[t], found[t - 1], scene.true_flow(t)[0])[0] for t in range(2, 60, 4)]
    assert np.percentile(np.stack(slips), 95) < 0.4
    assert max((seen_distortion(mesh, SIZE) > 0.2).mean() for mesh in found) < 0.02


@pytest.mark.slow
def test_two_thousand_frames_keep_stretch_and_variance_bounded() -> None:
    """A camera that pans, zooms and turns all the time, with something in front that moves otherwise."""
    size = (90, 160)
    front = disc(90, 160, (20, 16), (80, 45))

    def camera(t: int) -> np.ndarray:
        return shift(240, 135) @ turned(0.005 * t, 1 + 0.4 * np.sin(t / 60), (80, 45)) @ shift(60 * np.sin(t / 90), 0)

    def other(t: int) -> np.ndarray:
        return shift(50 * np.sin(t / 25), 20 * np.cos(t / 31))

    scene = Scene([Plane(texture(360, 640), camera), Plane(texture(*size, 2), other, front)], size)
    tracker = CanvasTracker()
    stretched, spread = [], []
    for t in range(2000):
        mesh = tracker(scene.frame(t))
        if t % 25 == 24:
            stretched.append((seen_distortion(mesh, size) > TWICE).mean())
            spread.append(sample_canvas(mesh, 360, 640, CanvasSettings()).std())
    assert np.mean(stretched) < 0.2
    assert np.mean(stretched[40:]) < np.mean(stretched[:40]) + 0.05
    assert min(spread) > 0.8
    assert max(spread) < 1.2


def test_a_restart_begins_anew_and_so_does_another_size() -> None:
    wide = texture(180, 520).astype(np.uint8)
    tracker = CanvasTracker()
    first = tracker(wide[:, :320])
    tracker(wide[:, 4:324])
    tracker.restart()
    assert np.array_equal(tracker(wide[:, 8:328]).places, first.places)
    assert tracker(wide[:, :180]).share.shape == (41, 41)
