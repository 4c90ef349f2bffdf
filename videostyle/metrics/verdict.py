"""An evaluation in words: what its figures mean for the look of the video."""

from __future__ import annotations

import math
from collections.abc import Mapping

Values = Mapping[str, Mapping[str, float]]  # figure -> video -> value
# Where one word ends and the next begins: rules of thumb, in the units of each figure, below which it holds.
FLICKER = (
    (1.0, "still places stand still"),
    (3.0, "still places flicker a little"),
    (math.inf, "still places flicker"),
)
FOLLOWING = (
    (6.0, "paint follows the motion"),
    (14.0, "paint follows the motion for the most part"),
    (math.inf, "paint swims against the motion"),
)
DRIFT = ((3.0, "colours stay"), (10.0, "colours drift a little"), (math.inf, "colours drift"))
SCENE = (
    (0.35, "the scene is hard to recognise"),
    (0.6, "the scene can be recognised"),
    (math.inf, "the scene is clear"),
)
LIKENESS = (
    (0.15, "it is painted like the style"),
    (0.5, "it resembles the style"),
    (math.inf, "it is far from the style"),
)


def verdict(values: Values) -> list[str]:
    """Sentences about a painted video; none about figures that were not measured.

    Flicker and motion are judged by what is there beyond the unpainted video.

    Args:
        values: as in ``Evaluation.values``.
    """
    said = []
    flicker = _beyond(values, "static_flicker")
    if flicker is not None:
        said.append(f"{_word(FLICKER, flicker)} ({_signed(flicker)} levels of 255 beside the original)")
    errors = [values.get("warping_error_1", {}).get(video) for video in ("painted", "unpainted")]
    if errors[0] is not None and errors[1] is not None:
        levels = 255 * (math.sqrt(max(errors[0], 0.0)) - math.sqrt(max(errors[1], 0.0)))
        said.append(f"{_word(FOLLOWING, levels)} ({_signed(levels)} levels from frame to frame beside the original)")
    for figure, words in (("color_drift", DRIFT), ("edge_ssim", SCENE), ("fine", LIKENESS)):
        value = values.get(figure, {}).get("painted")
        if value is not None and math.isfinite(value):
            said.append(f"{_word(words, value)} ({figure.replace('_', ' ')} {value:.2f})")
    return said


def _beyond(values: Values, figure: str) -> float | None:
    found = values.get(figure, {})
    if "painted" not in found or "unpainted" not in found or not math.isfinite(found["painted"]):
        return None
    return found["painted"] - found["unpainted"]


def _word(words: tuple[tuple[float, str], ...], value: float) -> str:
    return next(word for limit, word in words if value < limit or limit == math.inf)


def _signed(value: float) -> str:
    return f"{value:+.1f}"
