"""The evaluator: answers known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics.pictures import still_flow, texture
from videostyle.errors import InputError
from videostyle.metrics.definitions import DISTANCES
from videostyle.metrics.evaluate import Evaluator, side_by_side
from videostyle.metrics.true_flow import TrueFlow
from videostyle.network.loss_network import LossNetwork

RNG = np.random.default_rng(7)


def evaluated(net: LossNetwork, originals, painted, flow=still_flow, **options):  # type: ignore[no-untyped-def]
    evaluator = Evaluator(flow, net, **options)
    for i, (original, frame) in enumerate(zip(originals, painted, strict=True)):
        evaluator.add({"unpainted": original, "painted": frame}, i / 25)
    return evaluator.result({"flow": "none", "net": "n", "layer": "l", "target": "t"})


def test_a_pure_shift_with_its_own_flow_costs_nothing(net: LossNetwork) -> None:
    wide = texture(48, 120)
    frames = [wide[:, 2 * i : 2 * i + 64] for i in range(12)]

    def true(current: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Frames 1, 2, 4 and 8 apart are told apart by where this one is found again.
        step = next(d for d in DISTANCES if np.array_equal(current[:, : 64 - 2 * d], before[:, 2 * d :]))
        flow = np.zeros((48, 64, 2), np.float32)
        flow[..., 0] = 2 * step
        mask = np.zeros((48, 64, 1), np.float32)
        mask[:, : 64 - 2 * step] = 1
        return flow, mask

    values = evaluated(net, frames, frames, true).values
    assert all(values[f"warping_error_{d}"]["painted"] == pytest.approx(0, abs=1e-12) for d in DISTANCES)


def test_pure_flicker_gives_its_square_and_its_deviation(net: LossNetwork) -> None:
    still = np.full((32, 32, 3), 100, np.uint8)
    painted = [still + np.uint8(20 * (i % 2)) for i in range(24)]
    values = evaluated(net, [still] * 24, painted).values
    assert values["warping_error_1"]["painted"] == pytest.approx((20 / 255) ** 2, rel=1e-4)
    assert values["warping_error_2"]["painted"] == 0  # every other frame is the same
    assert values["static_flicker"]["painted"] == pytest.approx(10, rel=1e-4)  # half of the way between two values
    assert values["warping_error_1"]["unpainted"] == 0
    assert values["static_flicker"]["unpainted"] == 0


def test_pure_noise_gives_twice_its_variance(net: LossNetwork) -> None:
    still = np.full((96, 96, 3), 128, np.uint8)
    painted = [np.clip(np.rint(128 + RNG.normal(0, 10, still.shape)), 0, 255).astype(np.uint8) for _ in range(12)]
    values = evaluated(net, [still] * 12, painted).values
    expected = 2 * (10 / 255) ** 2
    for distance in DISTANCES:
        assert values[f"warping_error_{distance}"]["painted"] == pytest.approx(expected, rel=0.03)
    unbiased = 10 * np.sqrt(1 - 1 / 12)  # the deviation of twelve values about their own mean
    assert values["static_flicker"]["painted"] == pytest.approx(unbiased, rel=0.03)


def test_a_painting_that_grows_lighter_has_drifted_by_that_much(net: LossNetwork) -> None:
    still = np.full((16, 16, 3), 100, np.uint8)
    painted = [still + np.array([0, i, 0], np.uint8) for i in range(40)]
    values = evaluated(net, [still] * 40, painted, fps=10).values
    assert values["color_drift"]["painted"] == pytest.approx(30)  # means of frames 0..9 and 30..39
    assert values["color_drift"]["unpainted"] == 0


def test_light_that_changes_in_the_scene_itself_is_no_drift(net: LossNetwork) -> None:
    scene = [np.full((16, 16, 3), 100 + i, np.uint8) for i in range(20)]
    assert evaluated(net, scene, [s + np.uint8(9) for s in scene], fps=5).values["color_drift"]["painted"] == 0


def test_true_flow_divides_by_all_pixels_and_leaves_out_the_occluded(net: LossNetwork) -> None:
    still = np.full((32, 32, 3), 100, np.uint8)
    painted = [still, still + np.uint8(51)]  # 0.2 of 1
    flow = np.zeros((32, 32, 2), np.float32)
    flow[:8] = np.nan
    hidden = np.zeros((32, 32), bool)
    hidden[8:16] = True
    truth = TrueFlow(lambda number: flow if number == 0 else None, lambda number: hidden)
    values = evaluated(net, [still] * 2, painted, true_flow=truth).values
    assert values["sintel_error"]["painted"] == pytest.approx(np.sqrt(0.5 * 0.2**2), rel=1e-5)


def test_true_flow_of_another_size_is_refused(net: LossNetwork) -> None:
    truth = TrueFlow(lambda number: np.zeros((8, 8, 2), np.float32))
    frames = [np.zeros((32, 32, 3), np.uint8)] * 2
    with pytest.raises(InputError, match="true flow is 8x8"):
        evaluated(net, frames, frames, true_flow=truth)


def test_a_cut_is_not_counted_as_flicker(net: LossNetwork) -> None:
    frames = [texture(48, 64, seed=i // 4) for i in range(8)]
    evaluation = evaluated(
        net, frames, frames, lambda a, b: (still_flow(a, b)[0], 1.0 * np.array_equal(a, b) * still_flow(a, b)[1])
    )
    assert evaluation.values["warping_error_1"]["painted"] == 0
    assert len(evaluation.series["painted"]) == 6  # seven pairs, one across the cut


def test_one_video_longer_than_the_other_is_said() -> None:
    warnings: list[str] = []
    frame = np.zeros((8, 8, 3), np.uint8)
    videos = {"unpainted": [(frame, 0.0)] * 5, "painted": [(frame, 0.0)] * 3}
    assert len(list(side_by_side(videos, warnings))) == 3
    assert warnings == ["painted ended after 3 frames, before the rest"]


def test_nothing_to_compare_is_an_error(net: LossNetwork) -> None:
    with pytest.raises(InputError, match="nothing to compare"):
        Evaluator(still_flow, net).result({})
