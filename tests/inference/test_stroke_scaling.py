"""Strokes of another size: what is painted at another size and scaled back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from tests.painting import batch, opened, scene
from videostyle.errors import SettingError
from videostyle.frames import CanvasMesh, ColorInfo, VideoInfo
from videostyle.inference.canvas_sampling import still_mesh
from videostyle.inference.picture_scaling import UNIT, scaling, to_bytes
from videostyle.inference.stroke_scaling import kept_share, stroke_scaling
from videostyle.inference.stroke_size import painted_size
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.style import StyleProcessor
from videostyle.styles import gallery
from videostyle.styles.card import CANVAS, Style

HEIGHT, WIDTH = 101, 150


@pytest.fixture(scope="module")
def style(random_style: Style) -> Style:
    """Paints on its canvas as well."""
    kernel = np.random.default_rng(1).normal(0, 0.3, random_style.weights[CANVAS].shape).astype(np.float32)
    return replace(random_style, weights={**random_style.weights, CANVAS: kernel})


def frames(count: int = 1, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A smooth scene with fine detail."""
    grain = np.random.default_rng(3).integers(-40, 40, (count, height, width, 1))
    return np.clip(scene(count, height, width).astype(int) + grain, 0, 255).astype(np.uint8)


def painted(style: Style, pictures: np.ndarray, **options: object) -> np.ndarray:
    return opened(style, *pictures.shape[1:3], **options)(batch(pictures)).frames


@pytest.mark.parametrize(
    ("size", "stroke_size", "wanted"),
    [
        ((1080, 1920), 2.0, (540, 960)),
        ((101, 75), 0.5, (202, 150)),
        ((100, 100), 1.001, (100, 100)),
        ((20, 1000), 4.0, (8, 400)),  # the smallest side limits both
        ((5, 9), 4.0, (5, 9)),
        ((5, 9), 0.5, (10, 18)),
        ((720, 1280), None, (720, 1280)),  # the usual size: as trained up to 720 lines, then as on 720
        ((1080, 1920), None, (720, 1280)),
        ((1920, 1080), None, (1280, 720)),
        ((2160, 3840), None, (720, 1280)),
        ((4320, 7680), None, (1080, 1920)),  # at most the largest
        ((360, 640), None, (360, 640)),
    ],
)
def test_the_painted_size_keeps_proportions(size: tuple, stroke_size: float | None, wanted: tuple) -> None:
    assert painted_size(*size, stroke_size) == wanted


def test_a_stroke_size_of_1_changes_nothing(style: Style) -> None:
    assert stroke_scaling((HEIGHT, WIDTH), 1.0) is None
    assert np.array_equal(painted(style, frames(), stroke_size=1.0), painted(style, frames()))


@pytest.mark.parametrize("stroke_size", [0.5, 1.3, 2.0])
def test_it_is_the_painting_of_the_scaled_frame_scaled_back(style: Style, stroke_size: float) -> None:
    mesh = still_mesh(HEIGHT, WIDTH)
    moved = CanvasMesh(mesh.places + np.float32([0.4, 0.3]), mesh.share)
    own, small = (HEIGHT, WIDTH), painted_size(HEIGHT, WIDTH, stroke_size)
    processor = opened(style, *own, stroke_size=stroke_size)
    processor.use_meshes(lambda _: moved)
    found = processor(batch(frames())).frames

    scaled = to_bytes(scaling(own, small)(frames())).numpy()
    plain = opened(style, *small)
    plain.use_meshes(lambda _: moved)
    painting = plain(batch(scaled)).frames
    for layer, values in plain.shots[0].statistics.items():
        for mine, theirs in zip(processor.shots[0].statistics[layer], values, strict=True):
            assert np.array_equal(mine, theirs)
    back = scaling(small, own)
    if stroke_size > 1:  # with the frame's own detail, where the painting kept it
        share = kept_share(painting, scaled).numpy()
        wanted = back(painting - share / UNIT * scaled).numpy() + back(share).numpy() / UNIT * frames()
        assert np.abs(found.astype(int) - to_bytes(wanted).numpy()).max() <= 1
    else:
        assert np.array_equal(found, to_bytes(back(painting)).numpy())


@pytest.mark.parametrize(
    ("size", "stroke_size"),
    [((8, 8), 4.0), ((1, 1), 0.7), ((1, 1), 4.0), ((9, 47), 1.5), ((9, 47), 0.7), ((33, 16), 4.0)],
)
def test_frames_of_any_size_keep_it(style: Style, size: tuple, stroke_size: float) -> None:
    pictures = frames(2, *size)
    found = painted(style, pictures, stroke_size=stroke_size)
    assert found.shape == pictures.shape


@pytest.mark.parametrize(("stroke_size", "height", "width"), [(0.6, 84, 106), (1.7, 240, 300)])
def test_tiles_are_the_whole_frame(style: Style, stroke_size: float, height: int, width: int) -> None:
    pictures = frames(1, height, width)
    color = VideoInfo(width, height, color=ColorInfo(matrix="bt709"))
    processors = [
        StyleProcessor(style, precision="float32", output="i420", stroke_size=stroke_size, tile=tile)
        for tile in (1 << 40, 136 * 160)
    ]
    for processor in processors:
        processor.open(color)
        processor.use_shots([KeyframeSegment(0, processors[0].statistics_of(pictures))])
    assert len(processors[1]._batches.painter.tiles) > 1
    whole, tiled = (processor(batch(pictures)) for processor in processors)
    assert whole.pixel_format == tiled.pixel_format == "i420"
    assert np.array_equal(whole.frames, tiled.frames)


def test_frames_are_the_same_in_any_batch(style: Style) -> None:
    pictures = frames(3)
    together = opened(style, HEIGHT, WIDTH, stroke_size=1.5, batch_size=3)
    one = opened(style, HEIGHT, WIDTH, stroke_size=1.5, batch_size=1)
    one.use_shots([KeyframeSegment(0, together.statistics_of(pictures))])
    together.use_shots(one.shots)
    assert np.array_equal(one(batch(pictures)).frames, together(batch(pictures)).frames)


def test_a_painting_that_is_the_picture_keeps_its_detail() -> None:
    """As at a strength of 0."""
    pictures = frames()
    found = painted(gallery.base(), pictures, stroke_size=2.0).astype(int)
    blurred = to_bytes(scaling((50, 75), (HEIGHT, WIDTH))(scaling((HEIGHT, WIDTH), (50, 75))(pictures))).numpy()
    left = np.abs(found - pictures).mean()
    assert left < 0.35 * np.abs(blurred.astype(int) - pictures).mean()


def test_the_share_of_detail_that_a_painting_kept() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(60, 200, (1, 40, 40, 3), np.uint8)

    def mean_share(painting: np.ndarray) -> float:
        share = kept_share(painting.astype(np.uint8), pictures).numpy()
        assert share.max() <= UNIT
        return share.mean() / UNIT

    assert mean_share(pictures) > 0.98
    assert mean_share(0.5 * pictures + 60) == pytest.approx(0.5, abs=0.03)
    assert mean_share(255 - pictures) == 0
    assert mean_share(np.full_like(pictures, 90)) == 0
    assert mean_share(rng.integers(60, 200, pictures.shape)) < 0.12
    # Of detail that is fainter than noise, little is kept.
    pictures = rng.integers(99, 102, (1, 40, 40, 3), np.uint8)
    assert mean_share(pictures) < 0.1


def test_larger_strokes_take_less_memory_and_may_be_painted_in_larger_batches() -> None:
    style = gallery.base()
    info = VideoInfo(640, 360)
    one, two, half = (
        StyleProcessor(style, precision="float32", batch_pixels=640 * 360, stroke_size=size) for size in (1.0, 2.0, 0.5)
    )
    assert [processor.frames_per_call(info) for processor in (one, two, half)] == [1, 4, 1]
    for processor in (one, two, half):
        processor.open(info)
    bytes_of_frame = [processor._batches.painter.bytes_of_call(1) for processor in (one, two, half)]
    assert 0.2 < bytes_of_frame[1] / bytes_of_frame[0] < 0.8
    assert bytes_of_frame[2] / bytes_of_frame[0] > 4


@pytest.mark.parametrize("value", [0.0, 0.49, 4.1, -2.0, float("nan"), float("inf")])
def test_a_stroke_size_out_of_range_is_refused(style: Style, value: float) -> None:
    with pytest.raises(SettingError, match=r"stroke_size.*outside 0\.5\.\.4"):
        StyleProcessor(style, stroke_size=value)
