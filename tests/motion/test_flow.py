"""Optical flow: files, warping, occlusion, and the measured flow against the true one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.motion.pictures import picture
from videostyle.errors import InputError
from videostyle.motion import flow
from videostyle.motion.dis import flow_and_mask

SAMPLES = Path(__file__).parent.parent.parent / "samples"


def test_flow_files_come_back(tmp_path: Path) -> None:
    value = np.random.default_rng(0).normal(0, 9, (5, 7, 2)).astype(np.float32)
    value[2, 3] = np.nan
    flow.write_flo(tmp_path / "a.flo", value)
    np.testing.assert_array_equal(flow.read_flo(tmp_path / "a.flo"), value)
    (tmp_path / "a.flo").write_bytes((tmp_path / "a.flo").read_bytes()[:50])
    with pytest.raises(InputError, match="cut off"):
        flow.read_flo(tmp_path / "a.flo")
    (tmp_path / "a.flo").write_bytes(b"PIEH" + b"\xff" * 8)
    with pytest.raises(InputError):
        flow.read_flo(tmp_path / "a.flo")


def test_warping_by_whole_pixels_moves_the_picture() -> None:
    before = picture(1, 200, 260)
    move = np.zeros((*before.shape[:2], 2), np.float32)
    move[...] = (-4, 7)
    np.testing.assert_array_equal(flow.warp(before, move)[:-7, 4:], before[7:, :-4])


def test_true_flow_of_the_sample_explains_its_frames() -> None:
    cv2 = pytest.importorskip("cv2")
    for number in (20, 75, 130):
        now, before = (cv2.imread(str(SAMPLES / f"flow_{n:03d}.png"))[..., ::-1] for n in (number, number - 5))
        truth = flow.read_flo(SAMPLES / f"flow_{number:03d}.flo")
        seen = cv2.imread(str(SAMPLES / f"flow_{number:03d}_visible.png"), 0) > 0
        error = np.abs(flow.warp(before, truth) - now).mean(axis=2)
        assert error[seen].mean() < 3.0
        assert error[~seen].mean() > 4 * error[seen].mean()


def test_measured_flow_and_occlusion_agree_with_the_truth() -> None:
    cv2 = pytest.importorskip("cv2")
    for number in (20, 75, 130):
        now, before = (cv2.imread(str(SAMPLES / f"flow_{n:03d}.png"))[..., ::-1].copy() for n in (number, number - 5))
        truth = flow.read_flo(SAMPLES / f"flow_{number:03d}.flo")
        seen = cv2.imread(str(SAMPLES / f"flow_{number:03d}_visible.png"), 0) > 0
        measured, mask = flow_and_mask(now, before)
        trusted = mask[..., 0] > 0
        assert trusted.mean() > 0.5
        distance = np.sqrt(((measured - truth) ** 2).sum(axis=2))
        assert distance[trusted].mean() < 1.0
        # The layers' edges move by a pixel or two only: most of what they hide is below the rule's half pixel.
        assert trusted[~seen].mean() < trusted[seen].mean()


def test_what_a_moving_square_uncovers_is_occluded() -> None:
    """A square moves right by 10 pixels; where it was a frame ago, the background was hidden."""
    now, before = np.zeros((60, 80, 2), np.float32), np.zeros((60, 80, 2), np.float32)
    now[20:40, 30:50, 0] = -10
    before[20:40, 20:40, 0] = 10
    mask = flow.visible(now, before)[..., 0]
    assert not mask[22:38, 21:28].any()  # uncovered
    assert mask[22:38, 33:47].all()  # the square itself
    assert mask[5:15].all()  # far away
    assert not flow.visible(now, np.zeros_like(before))[22:38, 33:47].any()  # flows that do not agree
