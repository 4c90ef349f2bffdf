"""The style processor paints on a canvas: it moves with the mesh, and tiles, batches and amounts agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from videostyle.frames import CanvasMesh, FrameBatch, VideoInfo
from videostyle.inference.canvas_sampling import CanvasSettings, still_mesh
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import CANVAS, Style

HEIGHT, WIDTH = 104, 152


@pytest.fixture(scope="module")
def style(random_style: Style) -> Style:
    """Paints little of the scene and much of the canvas."""
    kernel = np.random.default_rng(1).normal(0, 0.3, random_style.weights[CANVAS].shape).astype(np.float32)
    return replace(random_style, weights={**random_style.weights, CANVAS: kernel})


def grey(count: int = 1) -> np.ndarray:
    return np.full((count, HEIGHT, WIDTH, 3), 120, np.uint8)


def paint(processor: StyleProcessor, frames: np.ndarray, first: int = 0) -> np.ndarray:
    processor.open(VideoInfo(width=frames.shape[2], height=frames.shape[1]))
    return processor(FrameBatch(frames, np.zeros(len(frames)), first)).frames.astype(int)


def test_an_even_scene_is_painted_and_stays_as_it_is_while_nothing_moves(style: Style) -> None:
    painted = paint(StyleProcessor(style, batch_size=2), grey(3))
    assert painted[0].std() > 4
    assert (painted[0] == painted[1]).all()
    assert (painted[0] == painted[2]).all()
    even = paint(StyleProcessor(style, canvas=CanvasSettings(amount=0.0)), grey())
    assert even[0, 40:60, 40:100].std(axis=(0, 1)).max() < 1


def test_paint_moves_with_the_mesh(style: Style) -> None:
    mesh = still_mesh(HEIGHT, WIDTH)
    processor = StyleProcessor(style, batch_size=2)
    # The scene moves by a cell of the deep branch to the left from frame to frame.
    processor.use_meshes(lambda n: CanvasMesh(mesh.places + np.float32([8 * n / HEIGHT, 0]), mesh.share))
    first, second = paint(processor, grey(2))
    assert np.abs(first[:, 8:] - second[:, :-8])[40:60, 50:80].max() <= 2
    assert np.abs(first - second)[40:60, 50:80].mean() > 2


def test_tiles_see_the_canvas_of_the_whole_frame(style: Style) -> None:
    whole = StyleProcessor(style)
    pieces = StyleProcessor(style, tile=104 * 136)
    frames = np.random.default_rng(2).integers(0, 255, (1, 104, 400, 3), np.uint8)
    one = paint(whole, frames)
    pieces.use_shots(whole.shots)
    assert np.abs(one - paint(pieces, frames)).max() <= 2


def test_frames_may_be_painted_alone_and_in_any_batch(style: Style) -> None:
    mesh = still_mesh(HEIGHT, WIDTH)

    def moving(n: int) -> CanvasMesh:
        return CanvasMesh(mesh.places + np.float32([0.03 * n, 0.01 * n]), mesh.share)

    processor = StyleProcessor(style, batch_size=4)
    processor.use_meshes(moving)
    together = paint(processor, grey(5), first=3)
    alone = StyleProcessor(style, batch_size=1)
    alone.use_meshes(moving)
    alone.use_shots(processor.shots)
    assert np.abs(paint(alone, grey(1), first=6)[0] - together[3]).max() <= 1


def test_a_style_without_a_canvas_ignores_it(random_style: Style) -> None:
    plain = paint(StyleProcessor(random_style), grey())
    other = paint(StyleProcessor(random_style, canvas=CanvasSettings(0.3, 9)), grey())
    assert (plain == other).all()
