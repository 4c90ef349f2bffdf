"""Styles interpolated in weight space, and networks made deeper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
from videostyle.api import Stylizer
from videostyle.errors import ModelError
from videostyle.media.readers.pictures import read_picture
from videostyle.network.architecture import NETWORKS
from videostyle.styles import gallery
from videostyle.styles.card import Style, arrays_sha256
from videostyle.styles.interpolation import blend, expand_depth, interpolate
from videostyle.styles.resolve import find_style

HARBOUR = Path(__file__).parent.parent.parent / "samples" / "harbour.jpg"


def test_interpolation_is_a_straight_line(random_style: Style) -> None:
    other = Style(replace(random_style.card, name="other"), {k: v + 1 for k, v in random_style.weights.items()})
    half = interpolate(random_style, [(other, 1.0)], 0.5)
    np.testing.assert_allclose(half.weights["out/bias"], random_style.weights["out/bias"] + 0.5, rtol=1e-6)
    third = Style(replace(random_style.card, name="third"), {k: v + 4 for k, v in random_style.weights.items()})
    mix = interpolate(random_style, [(other, 2.0), (third, 1.0)])
    np.testing.assert_allclose(mix.weights["out/bias"], random_style.weights["out/bias"] + 2, rtol=1e-5)
    assert "other:0.67" in mix.card.name
    assert interpolate(random_style, [(other, 1.0)], 1.0) is other
    assert {(end.card.name, share) for end, share in half.ends} == {("random", 0.5), ("other", 0.5)}
    assert interpolate(random_style, [(other, 1.0)], 0.0).ends == ()  # it is the base


def test_a_style_between_styles_between_others_has_the_trained_ones_as_ends(random_style: Style) -> None:
    other = Style(replace(random_style.card, name="other"), random_style.weights)
    third = Style(replace(random_style.card, name="third"), random_style.weights)
    on_the_way = blend(blend(random_style, other, 0.5), blend(random_style, third, 0.5), 0.4)
    assert {(end.card.name, round(share, 6)) for end, share in on_the_way.ends} == {
        ("random", 0.5), ("other", 0.3), ("third", 0.2)
    }  # fmt: skip


def test_only_children_of_the_base_are_mixed(random_style: Style) -> None:
    stranger = Style(replace(random_style.card, base_sha256="0" * 64), random_style.weights)
    with pytest.raises(ModelError, match="another base"):
        interpolate(random_style, [(stranger, 1.0)], 0.5)
    child = Style(replace(random_style.card, base_sha256=arrays_sha256(random_style.weights)), random_style.weights)
    assert interpolate(random_style, [(child, 1.0)], 0.5)
    # A base that was made better keeps the children of the one before it.
    better = {name: value + np.float32(0.001) for name, value in random_style.weights.items()}
    refined = Style(replace(random_style.card, base_sha256=child.card.base_sha256), better)
    assert interpolate(refined, [(child, 1.0)], 0.5)
    with pytest.raises(ModelError, match="another base"):
        interpolate(refined, [(stranger, 1.0)], 0.5)


def test_a_deeper_network_paints_the_same_until_it_is_trained() -> None:
    style = find_style("starry-night")
    deeper = expand_depth(style, NETWORKS["large"])
    assert deeper is not None
    block = 2 * (3 * 3 * 64 * 64 + 64 + 64)  # two kernels, each with its scale and shift
    assert deeper.architecture.parameters == style.architecture.parameters + block
    frames = read_picture(HARBOUR)[None, ::4, ::4]
    np.testing.assert_array_equal(Stylizer(deeper)(frames), Stylizer(style)(frames))
    assert expand_depth(style, style.architecture) is style
    assert expand_depth(style, NETWORKS["small"]) is None
    assert expand_depth(deeper, NETWORKS["medium"]) is None
    with pytest.raises(ModelError, match="no base"):
        gallery.base(replace(NETWORKS["medium"], channels=40))
