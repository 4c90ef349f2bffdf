"""Figures of paint: answers known on paper, an independent computation, and what the regions are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.metrics.pictures import texture
from tests.network.test_vgg import convolutions
from videostyle.metrics import paint
from videostyle.metrics.definitions import DEFINITIONS
from videostyle.metrics.paint import FIGURES, PaintJudge, at_side, local_contrast, quietest
from videostyle.network.vgg import VGGNetwork, from_arrays


def noise(height: int, width: int, deviation: np.ndarray | float, seed: int = 0, scale: int = 6) -> np.ndarray:
    """Grey noise of soft blobs about a middle grey, uint8 RGB; ``deviation`` in levels, one or one for each pixel."""
    import cv2

    small = np.random.default_rng(seed).normal(size=(height // scale, width // scale)).astype(np.float32)
    field = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    field = (field - field.mean()) / field.std() * deviation
    return np.clip(np.rint(128 + field), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.fixture(scope="module")
def net() -> VGGNetwork:
    """A small loss network with random weights, deep layers included: 20 times cheaper than the embedded one."""
    return from_arrays(convolutions((2, 2, 3, 1, 1), (4, 4, 6, 6, 6)), "random")


@pytest.fixture(scope="module")
def judge(net: VGGNetwork) -> PaintJudge:
    return PaintJudge.of(net, [noise(384, 480, 16.0)])


def test_the_painting_itself_is_at_no_distance(judge: PaintJudge) -> None:
    values = judge.figures(noise(384, 480, 16.0))
    assert set(values) == set(FIGURES)
    assert all(abs(value) < 1e-5 for value in values.values())


def test_half_the_contrast_is_an_octave_too_even_and_twice_the_contrast_one_too_busy(judge: PaintJudge) -> None:
    even, busy = judge.figures(noise(384, 480, 8.0)), judge.figures(noise(384, 480, 32.0))
    # The finest band is nearly empty: rounding to levels fills it alike in all three.
    assert even["texture"] == pytest.approx(1.0, abs=0.12)
    assert even["flat"] == pytest.approx(1.0, abs=0.12)
    assert busy["texture"] == pytest.approx(1.0, abs=0.12)
    assert busy["flat"] == pytest.approx(-1.0, abs=0.12)
    assert even["fine"] > 0
    assert busy["fine"] > 0


def test_one_channel_off_by_twenty_levels_is_ten_levels_of_colour(judge: PaintJudge) -> None:
    redder = noise(384, 480, 16.0) + np.array([20, 0, 0], np.uint8)
    # The mean over directions of |cos| to an axis is 1/2.
    assert judge.figures(redder)["colour"] == pytest.approx(10.0, rel=0.02)
    lighter = noise(384, 480, 16.0) + np.uint8(20)
    assert judge.figures(lighter)["colour"] == pytest.approx(20 * np.sqrt(3) / 2, rel=0.02)


def test_texture_agrees_with_a_plain_computation(net: VGGNetwork) -> None:
    import cv2

    pictures = texture(384, 400, 1), texture(400, 384, 2)
    distributions = []
    for picture in pictures:
        lightness = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32)
        levels = [lightness, *(cv2.GaussianBlur(lightness, (0, 0), s) for s in (1.5, 5, 15))]
        distributions.append(
            [
                [
                    np.log2(np.sqrt(np.mean((a - b)[y : y + 48, x : x + 48] ** 2)) + 0.25)
                    for y in range(0, 384, 48)
                    for x in range(0, 384, 48)
                ]
                for a, b in pairwise(levels)
            ]
        )
    # As many blocks in both: the Wasserstein-1 distance is that of the sorted values, its tails included.
    plain = np.mean([np.abs(np.sort(a) - np.sort(b)).mean() for a, b in zip(*distributions, strict=True)])
    assert PaintJudge.of(net, [pictures[0]]).figures(pictures[1])["texture"] == pytest.approx(plain, rel=0.1)


def test_deep_and_fine_agree_with_gram_matrices_of_each_layer(net: VGGNetwork) -> None:
    from videostyle.metrics.perceptual import PerceptualJudge

    painting, picture = texture(384, 384, 1), texture(384, 432, 2)
    found = PaintJudge.of(net, [painting]).figures(picture)
    assert found["fine"] == pytest.approx(PerceptualJudge.of(net, painting).style(picture), rel=1e-3)
    deep = replace(net, style_layers=net.deep_layers)
    assert found["deep"] == pytest.approx(PerceptualJudge.of(deep, painting).style(picture), rel=1e-3)


def test_a_network_without_deep_layers_gives_no_deep_figure(net: VGGNetwork) -> None:
    judge = PaintJudge.of(replace(net, deep_layers=()), [texture(384, 384)])
    assert set(judge.figures(texture(384, 384), texture(384, 384))) == {
        figure + end for figure in FIGURES if figure != "deep" for end in ("", "_quiet", "_rest")
    }


# -- regions -----------------------------------------------------------------------------------------------------


def test_the_quietest_third_are_the_blocks_of_least_contrast() -> None:
    deviation = np.full((384, 480), 24.0)
    deviation[:144] = 1.0  # three rows of eight
    mask = quietest(local_contrast(noise(384, 480, deviation)))
    assert mask.shape == (8, 10)
    assert mask.sum() == 26
    assert mask[:2].all()
    assert not mask[3:].any()


def test_regions_are_those_of_the_original_and_tell_where_the_paint_is_missing(net: VGGNetwork) -> None:
    quiet = np.full((384, 480), 24.0)
    quiet[:128] = 2.0  # a sky over something
    original = noise(384, 480, quiet)
    painting = noise(384, 480, 24.0, seed=1)
    judge = PaintJudge.of(net, [painting])
    empty, full = judge.figures(original, original), judge.figures(noise(384, 480, 24.0), original)
    assert empty["flat_quiet"] > 1.5
    assert abs(empty["flat_rest"]) < 0.4
    assert abs(full["flat_quiet"]) < 0.4
    for figure in ("deep", "fine", "texture"):
        assert empty[f"{figure}_quiet"] > 2 * full[f"{figure}_quiet"]
        assert empty[f"{figure}_quiet"] > 2 * empty[f"{figure}_rest"]


def test_colours_of_a_region_are_those_of_its_blocks_alone(net: VGGNetwork) -> None:
    deviation = np.full((384, 384), 24.0)
    deviation[:128] = 1.0
    original = noise(384, 384, deviation)
    painting = noise(384, 384, 8.0, seed=2)
    painted = painting.copy()
    painted[:96, :, 0] += 60  # within the sky, two of its rows of blocks
    values = PaintJudge.of(net, [painting]).figures(painted, original)
    assert values["colour_quiet"] > 15
    assert values["colour_rest"] < 3


def test_several_pictures_stand_for_a_style_together(net: VGGNetwork) -> None:
    a, b = texture(384, 384, 1), texture(384, 384, 2)
    both = PaintJudge.of(net, [a, b])
    assert both.contrasts["whole"].shape == (3, 128)
    layer = net.style_layers[0]
    mean = (PaintJudge.of(net, [a]).grams[layer] + PaintJudge.of(net, [b]).grams[layer]) / 2
    np.testing.assert_allclose(both.grams[layer], mean, rtol=1e-5)


# -- parts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 64), (1080, 1920), (384, 384), (719, 400), (384, 1000)])
def test_the_short_side_becomes_384_and_the_shape_stays(size: tuple[int, int]) -> None:
    height, width = at_side(np.zeros((*size, 3), np.uint8)).shape[:2]
    assert min(height, width) == paint.SIDE == 384
    assert width / height == pytest.approx(size[1] / size[0], rel=0.002)


def test_directions_are_spread_evenly() -> None:
    axes = paint.directions()
    np.testing.assert_allclose(np.linalg.norm(axes, axis=0), 1, rtol=1e-6)
    for axis in np.eye(3):
        assert np.abs(axis @ axes).mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(axes @ axes.T / paint.DIRECTIONS, np.eye(3) / 3, atol=0.01)


def test_every_figure_has_a_definition() -> None:
    names = [figure + end for end in ("", "_quiet", "_rest") for figure in FIGURES]
    assert set(names) <= set(DEFINITIONS)
    assert DEFINITIONS["flat"].better == DEFINITIONS["flat_quiet"].better == "nearer to 0"
