"""The canvas of a clip whose next frames are known: frames are passed over only where that changes little."""

from __future__ import annotations

import numpy as np
import pytest

from tests.motion.scenes import Plane, Scene, shift, texture
from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.motion.canvas_tracker import CanvasTracker, between
from videostyle.motion.lookahead_tracker import EVEN, LookaheadTracker
from videostyle.motion.mesh_quality import slip
from videostyle.motion.scene_motion import MotionMeter

WIDE = texture(120, 420).astype(np.uint8)


def panned(places: list[float]) -> Scene:
    return Scene([Plane(texture(120, 420), lambda t: shift(places[t], 0))], (90, 160))


def followed(frames: list[UInt8Array], cuts: tuple[int, ...] = ()) -> tuple[list[CanvasMesh], int]:
    """The meshes of frames, and how many of these were looked at."""
    tracker, found, looked = LookaheadTracker(), [], 0
    for seen in (*(tracker(frame, t in cuts) for t, frame in enumerate(frames)), tracker.rest()):
        looked += len(seen)
        for one in seen:
            found += one.meshes()
    return found, looked


def test_of_an_even_pan_every_second_frame_is_passed_over_and_slips_no_more() -> None:
    scene = panned([10 + 0.8 * t for t in range(30)])
    frames = [scene.frame(t) for t in range(30)]
    found, looked = followed(frames)
    tracker = CanvasTracker()
    each = [tracker(frame) for frame in frames]
    assert len(found) == 30
    assert looked <= EVEN + 2 + 30 // 2

    def slipped(meshes: list[CanvasMesh]) -> float:
        pairs = [slip(meshes[t], meshes[t - 1], scene.true_flow(t)[0])[0] for t in range(EVEN, 30)]
        return float(np.percentile(np.stack(pairs), 90))

    assert slipped(found) <= slipped(each)


def test_a_shaking_camera_is_looked_at_frame_by_frame() -> None:
    shaken = np.random.default_rng(0).normal(0, 2, 16)
    frames = [panned([60 + move for move in shaken]).frame(t) for t in range(16)]
    found, looked = followed(frames)
    tracker = CanvasTracker()
    assert looked == 16
    assert all(np.array_equal(mesh.places, tracker(frame).places) for mesh, frame in zip(found, frames, strict=True))


@pytest.mark.parametrize("jerk", [EVEN + 3, EVEN + 4])
def test_a_jerk_makes_it_look_at_the_frame_that_it_had_passed_over(jerk: int) -> None:
    places = [10 + 0.8 * t + 6.0 * (t >= jerk) for t in range(EVEN + 8)]
    scene = panned(places)
    found, _ = followed([scene.frame(t) for t in range(len(places))])
    assert len(found) == len(places)
    for t in range(2, len(places)):
        assert np.percentile(slip(found[t], found[t - 1], scene.true_flow(t)[0])[0], 75) < 0.5


@pytest.mark.parametrize("count", [EVEN + 4, EVEN + 5])
def test_cuts_other_sizes_and_the_end_leave_no_frame_without_a_mesh(count: int) -> None:
    shots = [[WIDE[:90, at + t : at + t + 160] for t in range(count)] for at in (0, 200)]
    small = [WIDE[:60, t : t + 80] for t in range(3)]
    found, looked = followed([*shots[0], *shots[1], *small], (count,))
    assert len(found) == 2 * count + 3
    assert looked < len(found)
    flat = CanvasTracker()(shots[0][0]).places
    assert np.array_equal(found[count].places, flat)  # the canvas begins anew
    assert found[-1].share.shape == CanvasTracker()(small[0]).share.shape


def test_frames_that_are_alike_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured, flow = [], MotionMeter.with_flow
    monkeypatch.setattr(MotionMeter, "with_flow", lambda *given: measured.append(1) or flow(*given))
    tracker = CanvasTracker()
    still = [tracker(WIDE[:90, :160]) for _ in range(6)]
    assert len(measured) == 1
    assert all(np.array_equal(mesh.places, still[0].places) for mesh in still)
    tracker(WIDE[:90, 4:164])
    assert len(measured) == 2


def test_between_two_frames_a_layer_that_was_not_seen_before_is_not_seen_yet() -> None:
    places = np.zeros((2, 2, 3, 2), np.float32)
    before = CanvasMesh(places, np.array([[0, 0, 1], [0.5, 0.25, 0]], np.float32))
    after = CanvasMesh(places + 2, np.array([[1, 0, 0.5], [0.7, 0.25, 0.1]], np.float32))
    middle = between(before, after)
    assert (middle.places == 1).all()
    np.testing.assert_allclose(middle.share, [[0, 0, 1], [0.6, 0.25, 0]])
