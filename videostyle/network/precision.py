"""In which number format each layer of the style network computes.

A precision is one format for all layers, or ``MIXED``. There, the residual branches and the deep branch compute in
bfloat16, and everything that carries the picture straight through, trunk, canvas and steps up, in float32. Of a
painting of 10 bits, bfloat16 alone, which has 8 bits, would leave bands in skies. Branches add strokes to the trunk:
what they round is spread by the float32 layers behind them. The page on machines tells what was measured.
"""

from __future__ import annotations

from typing import Literal, get_args

Precision = Literal["auto", "float32", "mixed", "bfloat16", "float16"]  # what a user may ask for
PRECISIONS: tuple[str, ...] = get_args(Precision)
MIXED = "mixed"
BRANCHES = ("block", "down", "deep", "up")  # how the names of their layers begin


def dtype_of(precision: str, layer: str) -> str:
    """The number format of a layer.

    Args:
        precision: a dtype, or ``MIXED``.
        layer: name of the layer, or of one of its arrays.
    """
    if precision != MIXED:
        return precision
    return "bfloat16" if layer.startswith(BRANCHES) else "float32"
