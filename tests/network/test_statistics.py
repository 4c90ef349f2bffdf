"""Statistics along a clip: pooled where one scene stays, gliding where the camera goes on to another."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.network.statistics import (
    FLAT,
    SAME,
    KeyframeSegment,
    Measurement,
    between,
    columns,
    contrast,
    difference,
    from_arrays,
    keyframe_segments,
    one_scene,
    pooled,
    ramp_steps,
    reference_weight,
    to_arrays,
)


def level(mean: float, deviation: float = 1.0) -> dict:
    """Statistics of one layer with two channels alike."""
    return {"layer": (np.full(2, mean, np.float32), np.full(2, deviation**2, np.float32))}


def test_pooled_statistics_are_those_of_one_large_picture() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.normal(i, 1 + i, (500, 3)) for i in range(3)]
    parts = [{"layer": (p.mean(0).astype(np.float32), p.var(0).astype(np.float32))} for p in pictures]
    for counts, whole in ((None, pictures), ([1, 1, 2], [*pictures, pictures[2]])):
        mean, variance = pooled(parts, counts)["layer"]
        np.testing.assert_allclose(mean, np.concatenate(whole).mean(0), rtol=1e-5)
        np.testing.assert_allclose(variance, np.concatenate(whole).var(0), rtol=1e-4)


def test_a_flat_scene_and_an_ordinary_picture_have_the_least_contrast_together() -> None:
    assert [reference_weight(own, 50.0) for own in (FLAT, 25.0, 60.0)] == [0, 0, 0]
    shares = [reference_weight(own, 50.0) for own in (0.0, 10.0, 20.0, FLAT - 0.01)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 1e-3  # nothing jumps where a scene begins to be flat
    for own, share in zip((0.0, 10.0, 20.0), shares, strict=False):
        assert (1 - share) * own**2 + share * 50.0**2 == pytest.approx(FLAT**2)


def test_columns_show_all_of_a_frame_from_top_to_bottom() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (72, 128, 3), np.uint8)
    np.testing.assert_array_equal(np.concatenate(columns(frame, 4), axis=1), frame)
    assert [part.shape for part in columns(frame, 3)] == [(72, 43, 3)] * 3
    np.testing.assert_array_equal(columns(frame, 3)[2], frame[:, -43:])
    np.testing.assert_array_equal(columns(frame, 1), [frame])
    assert len(columns(frame[:, :2], 4)) == 2  # none is empty


def test_contrast_is_in_pixel_values() -> None:
    assert contrast(np.full((2, 8, 8, 3), 90, np.uint8)) == 0
    assert contrast(np.random.default_rng(0).choice([90, 110], (2, 64, 64, 3)).astype(np.uint8)) == pytest.approx(
        10, 0.02
    )


def test_difference_is_in_deviations() -> None:
    assert difference(level(0.3), level(0.3)) == 0
    assert difference(level(0.0), level(0.1)) == pytest.approx(0.1, rel=0.01)
    assert difference(level(0.0), level(0.0, 1.1)) == pytest.approx(0.095, rel=0.01)
    # A channel in which there is nothing is not far from another in which there is nothing.
    assert difference(level(0.0, 1e-6), level(0.0, 1e-4)) < 0.01


def test_a_scene_that_stays_has_one_set_of_statistics_however_long() -> None:
    holds = [Measurement(240 * i + 30, 240 * i + 210, level(0.2 * SAME * (i % 2)), 4) for i in range(10)]
    (span,) = keyframe_segments(holds, 7)
    assert (span.first, span.ramp) == (7, 0)
    assert difference(span.statistics, level(0.1 * SAME)) < 1e-3
    assert one_scene([hold.statistics for hold in holds])


def test_a_camera_that_moves_on_has_statistics_that_glide() -> None:
    holds = [
        Measurement(0, 100, level(0.0), 4),
        Measurement(120, 120, level(0.5)),
        Measurement(144, 300, level(1.0), 4),
    ]
    assert [(span.first, span.ramp) for span in keyframe_segments(holds, 0)] == [(0, 0), (120, 20), (144, 24)]
    assert not one_scene([hold.statistics for hold in holds])


def test_a_glide_has_steps_too_small_to_see_but_none_shorter_than_a_frame() -> None:
    assert ramp_steps(24, level(0.0), level(0.055)) == 6
    assert ramp_steps(24, level(0.0), level(5.0)) == 24
    assert ramp_steps(24, level(0.0), level(0.0)) == 1


def test_halfway_lies_between() -> None:
    mean, variance = between(level(0.0, 1.0), level(1.0, 3.0), 0.25)["layer"]
    assert mean == pytest.approx([0.25, 0.25])
    assert variance == pytest.approx([3.0, 3.0])


def test_statistics_come_back_from_arrays() -> None:
    first, second = level(0.5, 2.0), level(1.5)
    arrays = to_arrays(first, "shot/1/") | to_arrays(second, "shot/11/")
    for number, expected in ((1, first), (11, second)):
        found = from_arrays(arrays, f"shot/{number}/")
        assert difference(found, expected) == 0
        assert found.keys() == expected.keys()
    assert KeyframeSegment(3, first).ramp == 0
