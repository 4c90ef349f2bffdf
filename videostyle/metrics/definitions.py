"""The definition of every figure of an evaluation: its label, unit and computation, and whether lower is better."""

from __future__ import annotations

from dataclasses import dataclass

from videostyle.metrics.paint import BLOCK, DIRECTIONS, SIDE

DISTANCES = (1, 2, 4, 8)  # distances of the two frames of a pair, frames
FAR_EVERY = 4  # pairs further apart than neighbours are measured at every fourth frame
WINDOW = 12  # frames over which flicker of still places is measured


@dataclass(frozen=True)
class Definition:
    """The definition of a figure.

    Attributes:
        label: its name in tables.
        unit: unit of its values.
        text: how it is computed; names in braces are replaced by facts of the measurement (``Evaluation.notes``).
        better: "lower", "higher" or "nearer to 0".
    """

    label: str
    unit: str
    text: str
    better: str = "lower"


def _paint() -> dict[str, Definition]:
    """The figures of ``metrics.paint``: of whole frames, and of their two regions."""
    bands = "three bands (about 1 to 4, 4 to 12, 12 to 36 pixels)"
    whole = {
        "deep": Definition(
            "deep style: large strokes",
            "of the painting's energy",
            f"mean over layers of |G - G_s|^2 / |G_s|^2 under {{deep}}, short side {SIDE}; {{target}}",
        ),
        "fine": Definition(
            "fine style: small strokes",
            "of the painting's energy",
            f"mean over layers of |G - G_s|^2 / |G_s|^2 under {{net}}, short side {SIDE}; {{target}}",
        ),
        "texture": Definition(
            "texture",
            "octaves",
            "Wasserstein-1 distance from the painting's distribution of log2 local contrast (root mean square of "
            f"lightness in a band over blocks of {BLOCK} pixels), mean over {bands}, short side {SIDE}; "
            "1 = off by a factor of 2",
        ),
        "flat": Definition(
            "flat: too even where quietest",
            "octaves",
            "log2 local contrast of the painting's quietest third less that of the frame's, mean over the bands of "
            "texture; above 0 = too even, below 0 = too busy",
            "nearer to 0",
        ),
        "colour": Definition(
            "colour",
            "levels of 255",
            f"sliced Wasserstein-1 distance of RGB from the painting's, {DIRECTIONS} directions, short side {SIDE}",
        ),
    }
    regions = {
        "quiet": ("quiet third", "the third of the blocks where the original has the least local contrast"),
        "rest": ("the rest", "the two thirds of the blocks where the original has more local contrast"),
    }
    thirds = {"quiet": "the painting's quietest third", "rest": "the painting without its quietest third"}
    found = dict(whole)
    for region, (label, text) in regions.items():
        for figure, of_whole in whole.items():
            compared = f", compared with {thirds[region]}" if figure in ("texture", "flat") else ""
            found[f"{figure}_{region}"] = Definition(
                f"{figure}, {label}", of_whole.unit, f"{figure} over {text}{compared}", of_whole.better
            )
    return found


DEFINITIONS: dict[str, Definition] = {
    **{
        f"warping_error_{d}": Definition(
            f"warping error, {d} frame{'s' if d > 1 else ''} apart",
            "squared, frames in 0..1",
            f"mean over pairs t, t-{d} of sum(M (O_t - W(O_t-{d}))^2) / (3 sum(M)); {{flow}}; "
            "M: forward-backward check and motion boundaries of Ruder et al. 2016"
            + ("" if d == 1 else f"; every {FAR_EVERY}th frame"),
        )
        for d in DISTANCES
    },
    "sintel_error": Definition(
        "stability error, true flow",
        "root, frames in 0..1",
        "MPI-Sintel convention: sqrt(mean over pairs of mean over ALL pixels of M (O_t - W(O_t+1))^2), true flow "
        "from t to t+1, M: inside the picture, flow known, not occluded",
    ),
    "static_flicker": Definition(
        "flicker of still places",
        "levels of 255",
        f"deviation over {WINDOW} frames, averaged over pixels whose deviation in the original is below 3 levels",
    ),
    "temporal_distance": Definition(
        "perceptual distance of neighbours",
        "0..2",
        "mean over sampled t and layers of |f(O_t)/|f| - f(O_t-1)/|f||^2 under {net} (LPIPS with equal weights)",
    ),
    "color_drift": Definition(
        "colour drift",
        "levels of 255",
        "change of the mean colour from the first second to the last beyond the original's, largest channel",
    ),
    "style": Definition(
        "style loss",
        "of the style's energy",
        "mean over layers of |G - G_s|^2 / |G_s|^2 under {net}, at the size of the comparison; {target}",
    ),
    **_paint(),
    "content": Definition(
        "content loss",
        "of the features' variance",
        "mean (F(O) - F(I))^2 / var F(I) at {layer} under {net}",
    ),
    "edge_ssim": Definition(
        "SSIM of edges",
        "-1..1",
        "structural similarity (Wang et al. 2004) of gradient strengths, each scaled to its root mean square",
        "higher",
    ),
}
