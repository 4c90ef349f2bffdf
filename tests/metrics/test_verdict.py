"""An evaluation in words."""

from __future__ import annotations

from videostyle.metrics.verdict import verdict


def test_a_steady_video_is_told_from_one_that_flickers() -> None:
    good = {
        "static_flicker": {"painted": 1.2, "unpainted": 0.9},
        "warping_error_1": {"painted": 0.0004, "unpainted": 0.0002},
        "color_drift": {"painted": 1.0},
        "edge_ssim": {"painted": 0.7},
        "fine": {"painted": 0.1},
    }
    bad = {
        "static_flicker": {"painted": 9.0, "unpainted": 0.9},
        "warping_error_1": {"painted": 0.02, "unpainted": 0.0002},
        "color_drift": {"painted": 20.0},
        "edge_ssim": {"painted": 0.1},
        "fine": {"painted": 2.0},
    }
    assert [line.split(" (")[0] for line in verdict(good)] == [
        "still places stand still",
        "paint follows the motion",
        "colours stay",
        "the scene is clear",
        "it is painted like the style",
    ]
    assert [line.split(" (")[0] for line in verdict(bad)] == [
        "still places flicker",
        "paint swims against the motion",
        "colours drift",
        "the scene is hard to recognise",
        "it is far from the style",
    ]
    assert "+8.1 levels" in verdict(bad)[0]


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert verdict({}) == []
    assert verdict({"static_flicker": {"painted": float("nan"), "unpainted": 1.0}}) == []
