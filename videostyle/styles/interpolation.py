"""Interpolation of styles in weight space, and networks made deeper so that their weights can be interpolated.

*Source:* Wang et al. 2019, Deep Network Interpolation for Continuous Imagery Effect Transition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from videostyle.errors import ModelError
from videostyle.network.architecture import Architecture
from videostyle.styles.card import Style, StyleCard, arrays_sha256


def interpolate(base: Style, mix: Sequence[tuple[Style, float]], strength: float = 1.0) -> Style:
    """Deep network interpolation: ``(1 - strength) * base + strength * sum of share * style``.

    Args:
        base: the network that reproduces its input.
        mix: styles with their shares; shares are scaled to sum 1.
        strength: 0 gives the base, 1 the mix.

    Returns:
        A style of the same architecture whose card names the mix.

    Raises:
        ModelError: if a style has another architecture than the base, or was trained from another base.
        ValueError: if a share is negative or all are zero.

    *Source:* Wang et al. 2019, eq. 1.
    """
    total = sum(share for _, share in mix)
    if any(share < 0 for _, share in mix) or not total > 0:
        raise ValueError("shares must be positive")
    if strength == 1.0 and len(mix) == 1:
        return mix[0][0]
    parents = accepted_parents(base)
    for style, _ in mix:
        if style.architecture != base.architecture:
            raise ModelError(
                f"the style '{style.card.name}' cannot be mixed",
                "its network has other sizes than the base",
                hint="mix styles of one network size",
            )
        if style.card.base_sha256 not in parents:
            raise ModelError(
                f"the style '{style.card.name}' cannot be mixed, or painted at a strength below 1",
                "it was trained from another base",
                "train it again with this version",
            )
    shares = [(base, 1.0 - strength), *((style, strength * share / total) for style, share in mix)]
    if len(mix) == 1:
        return weighted_sum(mix[0][0].card, shares)
    name = ",".join(f"{style.card.name}:{share / total:.2f}" for style, share in mix)
    titles = " + ".join(style.card.painting or style.card.name for style, _ in mix)
    return weighted_sum(replace(mix[0][0].card, name=name, painting=titles, artist="", year="", figures={}), shares)


def blend(before: Style, after: Style, share: float) -> Style:
    """Weights on the straight line between two styles that were trained from one base.

    Unlike ``interpolate`` it checks nothing: hashing the base takes longer than a frame may.

    Args:
        before: the style at ``share`` 0.
        after: the style at ``share`` 1; the result has its card.
        share: 0..1.
    """
    return after if share >= 1.0 else weighted_sum(after.card, [(before, 1.0 - share), (after, share)])


def accepted_parents(base: Style) -> set[str]:
    """Every ``base_sha256`` with which a style may be interpolated with ``base``.

    These are the hash of that base, that of the base it was refined from, and "" of a card that names no base.
    """
    return {"", arrays_sha256(base.weights), base.card.base_sha256}


def expand_depth(style: Style, architecture: Architecture) -> Style | None:
    """The same function as a deeper network: residual blocks are added whose branches give zero until trained.

    Args:
        style: a style or a base.
        architecture: the same sizes, but for a larger ``deep_blocks``.

    Returns:
        A style that paints as ``style`` does; ``style`` itself if it has the architecture; None if the two
        architectures differ in anything else.
    """
    if not architecture.deepens(style.architecture):
        return None
    if architecture == style.architecture:
        return style
    weights = dict(style.weights)
    for name in architecture.shapes():
        if name not in weights:
            # Kernels are copied from an existing block, not drawn at random: random numbers differ between versions
            # of NumPy, and a base is known by its hash.
            block, rest = name.split("/", 1)
            like = weights[f"deep{int(block.removeprefix('deep')) % style.architecture.deep_blocks}/{rest}"]
            weights[name] = np.zeros_like(like) if rest in ("b/gamma", "b/beta") else like
    ends = tuple((deeper, share) for end, share in style.ends if (deeper := expand_depth(end, architecture)))
    return Style(replace(style.card, architecture=architecture, base_sha256=""), weights, ends)


def weighted_sum(card: StyleCard, mix: Sequence[tuple[Style, float]]) -> Style:
    """The style whose weights are the weighted sum of ``mix``: styles of one architecture with their shares."""
    weights = {
        name: np.asarray(sum(share * style.weights[name] for style, share in mix), np.float32)
        for name in mix[0][0].weights
    }
    # A style of the mix may itself be interpolated: then its ends count, each by its share of the share.
    shares: dict[int, float] = {}
    styles = {}
    for style, share in mix:
        for end, own in style.ends or ((style, 1.0),):
            styles[id(end)] = end
            shares[id(end)] = shares.get(id(end), 0.0) + share * own
    ends = tuple((styles[key], share) for key, share in shares.items() if share > 0)
    return Style(card, weights, ends if len(ends) > 1 else ())
