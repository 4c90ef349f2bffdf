"""An evaluation in words."""

from __future__ import annotations

import math

import pytest

from videostyle.metrics.verdict import DRIFT, FLICKER, FOLLOWING, LIKENESS, SCENE, verdict


@pytest.mark.parametrize(
    ("words", "figure", "unpainted", "squared"),
    [
        (FLICKER, "static_flicker", 0.5, False),
        (FOLLOWING, "warping_error_1", 2.0, True),
        (DRIFT, "color_drift", None, False),
        (SCENE, "edge_ssim", None, False),
        (LIKENESS, "fine", None, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_sentence_begins_and_ends_where_the_page_on_figures_says(
    words: tuple[tuple[float, str], ...], figure: str, unpainted: float | None, squared: bool
) -> None:
    def said(value: float) -> str:
        videos = {"painted": value + (unpainted or 0.0), **({} if unpainted is None else {"unpainted": unpainted})}
        if squared:  # levels of 255, as the root of a figure of frames in 0..1
            videos = {video: (level / 255) ** 2 for video, level in videos.items()}
        (line,) = verdict({figure: videos})
        return line.split(" (")[0]

    limits = [limit for limit, _ in words[:-1]]
    assert words[-1][0] == math.inf
    assert [said(limit - 1e-6) for limit in limits] == [word for _, word in words[:-1]]
    assert [said(limit + 1e-6) for limit in limits] == [word for _, word in words[1:]]


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
