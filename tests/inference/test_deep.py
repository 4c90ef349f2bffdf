"""More than 8 bits: what is painted of them, stored in 10 bits or dithered to 8."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import tensorflow as tf

from videostyle.frames import ColorInfo, FrameBatch, VideoInfo, to_bytes, to_words
from videostyle.inference.program import dither_pattern, dithered_bytes, i420_converter
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.preserve_color import with_chroma_of
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style
from videostyle.styles.resolve import resolve

BT709 = ColorInfo("bt709", "bt709", "bt709", False)


def sky(height: int = 32, width: int = 256) -> np.ndarray:
    """A gradient over 30 levels of 255, uint16 RGB ``[1, height, width, 3]``."""
    row = np.linspace(100.0, 130.0, width)[None, :, None] * 257
    return np.rint(np.tile(row, (height, 1, 3)))[None].astype(np.uint16)


def painted(style: Style, frames: np.ndarray, output: str, *, precision: str = "float32", **more: object) -> FrameBatch:
    processor = StyleProcessor(style, precision=precision, device="cpu", output=output, **more)  # type: ignore[arg-type]
    info = VideoInfo(width=frames.shape[2], height=frames.shape[1], color=BT709)
    processor.open(info)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(to_bytes(frames[:1])))])
    pixels = "rgb48" if frames.dtype == np.uint16 else "rgb24"
    return processor(FrameBatch(frames, np.zeros(len(frames)), 0, pixels))


def test_frames_of_16_bits_are_painted_as_those_of_8_but_finer(random_style: Style) -> None:
    words = to_words(np.random.default_rng(1).integers(0, 255, (2, 48, 64, 3), dtype=np.uint8))
    fine, coarse = painted(random_style, words, "rgb48"), painted(random_style, to_bytes(words), "rgb24")
    assert fine.frames.dtype == np.uint16
    assert np.abs(fine.frames / 257 - coarse.frames).max() <= 0.51
    assert len(np.unique(fine.frames)) > 4 * len(np.unique(coarse.frames))


@pytest.mark.parametrize(
    ("output", "stroke_size"),
    [("rgb48", 1.0), ("rgb48", 2.0), ("i420p10", 1.0), ("i420p10", 2.0), ("i420", 1.0), ("rgb24", 1.0)],
)
def test_tiles_and_batches_change_nothing(output: str, stroke_size: float, random_style: Style) -> None:
    rng = np.random.default_rng(2)
    frames = rng.integers(0, 65535, (2, 20, 24, 3), dtype=np.uint16).repeat(16, 1).repeat(16, 2)
    whole = painted(random_style, frames, output, stroke_size=stroke_size)
    tiles = painted(random_style, frames, output, stroke_size=stroke_size, tile=208 * 208)
    # The statistics are those of the first frame given, so only the same frame alone can be compared.
    again = painted(random_style, frames[:1], output, stroke_size=stroke_size, batch_size=1)
    step = 257 if output == "rgb48" else 1
    assert np.abs(tiles.frames.astype(int) - whole.frames).max() <= step
    assert np.abs(again.frames.astype(int) - whole.frames[:1]).max() <= step


def test_a_gradient_has_more_levels_in_ten_bits() -> None:
    convert8, convert10 = i420_converter(BT709), i420_converter(BT709, deep=True)
    deep = convert10(tf.constant(sky())).numpy()[0, :32]
    plain = convert8(tf.constant(to_bytes(sky()))).numpy()[0, :32]
    assert deep.dtype == np.uint16
    assert len(np.unique(deep)) >= 4 * len(np.unique(plain)) - 4


def test_a_gradient_stays_one_where_only_branches_are_in_bfloat16() -> None:
    unpainted = resolve("great-wave", 0.0)
    exact, mixed, short = (
        painted(unpainted, sky(), "i420p10", precision=precision).frames[0, :32].astype(int)
        for precision in ("float32", "mixed", "bfloat16")
    )
    assert np.abs(mixed - exact).mean() < 0.5
    assert len(np.unique(mixed)) >= len(np.unique(exact)) - 1
    falls = [(np.diff(one[:, 16:-16], axis=1) < 0).mean() for one in (exact, mixed, short)]
    assert falls[1] <= falls[0] + 0.01 < falls[2]


def test_planes_of_ten_bits_are_those_of_eight_times_four() -> None:
    rgb = np.random.default_rng(3).integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)
    for color in (BT709, ColorInfo("smpte170m", full_range=True)):
        eight = i420_converter(color)(tf.constant(rgb)).numpy().astype(float)
        ten = i420_converter(color, deep=True)(tf.constant(to_words(rgb))).numpy().astype(float)
        scale = 1023 / 255 if color.full_range else 4.0
        luma = np.s_[:, :16]
        assert np.abs(ten[luma] / scale - eight[luma]).max() <= 0.51 + 0.5 / scale


def test_dither_keeps_the_mean_and_breaks_the_bands() -> None:
    assert dither_pattern(64, 64).mean() == pytest.approx(0.5)
    assert dither_pattern(5, 3).shape == (5, 3)
    level = np.full((1, 64, 64, 3), round(100.25 * 257), np.uint16)
    found = dithered_bytes(tf.constant(level)).numpy()
    assert set(np.unique(found)) == {100, 101}
    assert found.mean() == pytest.approx(100.25, abs=0.01)
    whole = np.full((1, 64, 64, 3), 100 * 257, np.uint16)
    assert (dithered_bytes(tf.constant(whole)).numpy() == 100).all()
    # A mean over 8 pixels follows the gradient to a fraction of a level: no band is wider than a few pixels.
    columns = dithered_bytes(tf.constant(sky())).numpy()[0, :, :, 0].mean(axis=0)
    smooth = np.convolve(columns, np.ones(8) / 8, "valid")
    truth = np.convolve(sky()[0, 0, :, 0] / 257, np.ones(8) / 8, "valid")
    assert np.abs(smooth - truth).max() < 0.15
    planes = i420_converter(BT709)(tf.constant(sky())).numpy()[0, :32].mean(axis=0)
    assert len(np.unique(planes.round(2))) > 60


def test_alpha_goes_along_in_the_depth_of_the_frames(random_style: Style) -> None:
    frames = np.random.default_rng(4).integers(0, 255, (2, 32, 32, 3), dtype=np.uint8)
    alpha = np.random.default_rng(5).integers(0, 255, (2, 32, 32), dtype=np.uint8)
    for output in ("rgb24", "rgb48"):
        processor = StyleProcessor(random_style, precision="float32", device="cpu", output=output)
        processor.open(VideoInfo(width=32, height=32))
        batch = processor(FrameBatch(frames, np.zeros(2), 0, alpha=alpha))
        assert batch.alpha is not None
        np.testing.assert_array_equal(to_bytes(batch.alpha), alpha)
        assert batch.alpha.dtype == batch.frames.dtype


def test_own_colours_are_kept_in_16_bits() -> None:
    rng = np.random.default_rng(6)
    original, other = (rng.integers(60, 190, (8, 8, 3), dtype=np.uint8) for _ in range(2))
    fine = with_chroma_of(to_words(other), to_words(original))
    coarse = with_chroma_of(other, original)
    assert np.abs(fine / 257 - coarse).max() < 2.5
