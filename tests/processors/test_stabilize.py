"""A painting that flickers is steadied where the scene can be followed, and stays fresh everywhere else."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.processors import contract
from videostyle.frames import FrameBatch, UInt8Array
from videostyle.metrics.temporal import clip_flows, warping_error
from videostyle.motion.dis import flow_and_mask
from videostyle.processors.arrangement import arranged
from videostyle.processors.registry import chain_from, choice_from, make


def scene(count: int, shift: float, height: int = 96, width: int = 128, seed: int = 1) -> UInt8Array:
    """A texture that moves to the left."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width + 200, 3))
    wide = sum(size * cv2.GaussianBlur(noise, (0, 0), size) for size in (2, 6))
    frames = []
    for number in range(count):
        move = np.array([[1, 0, -shift * number - 20], [0, 1, 0]], np.float32)
        frames.append(128 + 60 * cv2.warpAffine(wide, move, (width, height), flags=cv2.INTER_CUBIC))
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def flickering(clip: UInt8Array, deviation: float = 12) -> UInt8Array:
    """A painting of it with fresh blotches in each frame."""
    noise = np.random.default_rng(0).normal(0, 1, clip.shape)
    blotches = [4 * deviation * cv2.GaussianBlur(one, (0, 0), 1.2) for one in noise]
    return np.clip(np.rint(255.0 - clip + np.stack(blotches)), 0, 255).astype(np.uint8)


def steadied(painted: UInt8Array, clip: UInt8Array, words: str = "stabilize") -> UInt8Array:
    batch = FrameBatch(painted, np.arange(len(painted)) / 25, 0, original=clip)
    return contract.run(lambda: make(choice_from(words)), batch, 4).frames


def test_flicker_falls_along_the_motion_and_detail_stays() -> None:
    clip = scene(14, 1.7)
    painted = flickering(clip)
    flows = clip_flows(clip[6:], flow_and_mask)
    before, after = (warping_error(frames[6:], flows) for frames in (painted, steadied(painted, clip)))
    assert after < 0.35 * before
    still = 255 - clip
    blurred = [
        cv2.Laplacian(frames[-1].astype(np.float32), cv2.CV_32F).std() for frames in (steadied(still, clip), still)
    ]
    assert blurred[0] > 0.8 * blurred[1]


def test_a_cut_begins_anew() -> None:
    clip = np.concatenate([scene(4, 1), scene(4, 1, seed=2) // 3])
    painted = flickering(clip)
    np.testing.assert_array_equal(steadied(painted, clip)[4], painted[4])


def test_colours_follow_the_painting_and_do_not_drift() -> None:
    clip = np.repeat(scene(1, 0), 24, axis=0)
    painted = 255 - clip
    painted[8:] = np.clip(painted[8:].astype(int) - 60, 0, 255)  # another style from here on
    found = steadied(painted, clip).astype(int)
    assert np.abs(found[8] - painted[8]).mean() < 4  # too far apart to be flicker
    slowly = np.stack([np.clip(255 - clip[0].astype(int) + 2 * number, 0, 255) for number in range(24)]).astype(
        np.uint8
    )
    assert np.abs(steadied(slowly, clip).astype(int) - slowly)[23].mean() < 6
    np.testing.assert_array_equal(steadied(painted, clip, "stabilize:amount=0"), painted)


def test_small_changes_are_followed_to_the_end() -> None:
    clip = np.repeat(scene(1, 0), 40, axis=0)
    painted = 255 - clip
    painted[5:] = np.clip(painted[5:].astype(int) + 1, 0, 255)
    np.testing.assert_array_equal(steadied(painted, clip)[-1], painted[-1])


def test_faces_can_be_hidden_behind_it_and_grain_cannot_look_back_at_it() -> None:
    from videostyle.errors import SettingError

    assert [one.name for one in arranged(chain_from(["stabilize", "anonymize"]))] == ["style", "stabilize", "anonymize"]
    with pytest.raises(SettingError, match="place 'degrain' before 'stabilize'"):
        arranged(chain_from(["stabilize", "degrain"]))


def test_chunks_begin_with_what_is_still_seen_of_the_frames_before() -> None:
    batch = contract.clip(48, 64)
    part = make(choice_from("stabilize"))
    assert part.needs.history == 11
    whole = contract.run(lambda: make(choice_from("stabilize:amount=0.5")), replace(batch), 4).frames
    borders = contract.Part(chunks=[0, 9])
    chunked = contract.run(lambda: make(choice_from("stabilize:amount=0.5")), batch, 4, borders).frames
    assert np.abs(whole.astype(int) - chunked).max() <= 3  # no seam
