"""The planning pass carries the canvas along, and the plan keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from videostyle.media.readers.open import open_reader
from videostyle.motion.lookahead_tracker import LookaheadTracker
from videostyle.motion.mesh_store import MeshRecorder
from videostyle.processors.style import StyleProcessor
from videostyle.rendering.canvas import CanvasFollower
from videostyle.rendering.job_store import Job, load_job, save_job
from videostyle.rendering.planning import make_plans
from videostyle.rendering.settings import RenderSettings
from videostyle.styles.card import CANVAS, Style


def with_canvas(style: Style) -> Style:
    return replace(style, weights={**style.weights, CANVAS: np.full_like(style.weights[CANVAS], 0.1)})


def test_plans_hold_a_mesh_for_each_frame_and_come_back_from_disk(
    random_style: Style, clip: Callable[[str], Path], tmp_path: Path
) -> None:
    style = with_canvas(random_style)
    with open_reader(clip("plain.mp4")) as source:
        (plan,) = make_plans([StyleProcessor(style)], source, [RenderSettings("x")])
        (empty,) = make_plans([StyleProcessor(random_style)], source, [RenderSettings("x")])
    assert empty.meshes is None
    assert plan.meshes is not None
    assert len(plan.times) == 25
    job = Job(clip("plain.mp4"), tmp_path / "out.mp4", RenderSettings("x"), {}, {}, plan, style)
    save_job(job)
    kept = load_job(job.folder)
    assert kept is not None
    assert kept.plan.meshes is not None
    assert kept.plan.meshes.runs == plan.meshes.runs
    np.testing.assert_array_equal(kept.plan.meshes.offsets(720), plan.meshes.offsets(720))


def test_the_meshes_are_those_of_a_tracker_that_sees_one_frame_after_the_other() -> None:
    scene = np.random.default_rng(0).integers(0, 255, (20, 36, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    frames = [np.roll(scene, 2 * number, axis=1) for number in range(24)]
    follower, tracker, recorder = CanvasFollower(aspect=288 / 160), LookaheadTracker(), MeshRecorder()
    looked = []
    for number, frame in enumerate(frames):
        follower(frame, number == 6)
        looked += tracker(frame, number == 6)
    looked += tracker.rest()
    for seen in looked:
        for mesh in seen.meshes():
            recorder.add(mesh)
    assert len(looked) < len(frames)
    assert follower.track().runs == recorder.track().runs
    follower.close()


def test_what_fails_while_the_canvas_is_carried_is_said() -> None:
    follower = CanvasFollower(aspect=1)
    with pytest.raises(cv2.error):
        for _ in range(9):
            follower(np.zeros((64, 64), np.uint8), False)  # no colours
    follower.close()


def test_the_canvas_begins_anew_at_a_cut_and_has_the_shape_of_the_painted_frame() -> None:
    scene = np.kron(np.random.default_rng(0).integers(0, 255, (20, 36, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    follower = CanvasFollower(aspect=288 / 160 * 2)  # pixels twice as wide as high
    for number in range(4):
        follower(np.roll(scene, 3 * number, axis=1), False)
    follower(scene, True)
    track = follower.track()
    first, moved, cut = track(0), track(3), track(4)
    assert np.ptp(first.places[0, ..., 0]) == pytest.approx(2 * 288 / 160, rel=1e-3)
    middle = moved.places[0] - first.places[0]
    assert np.median(middle[..., 0]) == pytest.approx(-9 / 160 * 2, rel=0.1)
    np.testing.assert_allclose(cut.places[0], first.places[0], atol=1e-4)
