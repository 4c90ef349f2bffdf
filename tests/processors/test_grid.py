"""What moves with the camera keeps its paint: the network's grid goes along (``motion.grid_offsets``)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.painting import batch, opened, scene
from videostyle.frames import CanvasMesh, UInt8Array
from videostyle.inference.canvas_sampling import still_mesh
from videostyle.motion.grid_offsets import grid_offsets
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style

STEP = (3, 2)  # pixels, x and y, that the camera moves in a frame
COUNT = 3


def canvas_style(style: Style) -> Style:
    noise = np.random.default_rng(1).normal(0, 0.05, style.weights["canvas/kernel"].shape).astype(np.float32)
    return Style(style.card, {**style.weights, "canvas/kernel": noise})


def panned(height: int, width: int) -> UInt8Array:
    whole = scene(1, height + COUNT * STEP[1], width + COUNT * STEP[0])[0]
    return np.stack([whole[t * STEP[1] :, t * STEP[0] :][:height, :width] for t in range(COUNT)])


def painted(processor: StyleProcessor, frames: UInt8Array, *, grid: bool) -> UInt8Array:
    height, width = frames.shape[1:3]
    moved, still = np.array(STEP, np.float32) / np.float32(height), still_mesh(height, width)
    moves = np.tile(moved, (COUNT, 1)) * np.arange(COUNT)[:, None].clip(0, 1)
    processor.use_shots([KeyframeSegment(0, processor.statistics_of(frames[:1]))])
    processor.use_meshes(
        lambda number: CanvasMesh(still.places + moved * number, still.share),
        (lambda at: grid_offsets(moves, at)) if grid else None,
    )
    return processor(batch(frames)).frames


def slip(frames: UInt8Array, edge: int) -> float:
    """Largest change of what both of two neighbouring frames show, without their edges."""
    (x, y), height, width = STEP, *frames.shape[1:3]
    changes = [
        now[edge : height - edge - y, edge : width - edge - x].astype(int)
        - before[edge + y : height - edge, edge + x : width - edge]
        for before, now in pairwise(frames)
    ]
    return float(np.abs(changes).max())


@pytest.mark.parametrize(("height", "width"), [(280, 320), (277, 315)])
def test_a_panned_scene_is_painted_alike_in_every_frame(random_style: Style, height: int, width: int) -> None:
    processor = opened(canvas_style(random_style), height, width, batch_size=2, precision="float32")
    frames = panned(height, width)
    assert slip(painted(processor, frames, grid=True), 120) <= 1
    assert slip(painted(processor, frames, grid=False), 120) > 3


def test_tiles_are_the_whole_frame(random_style: Style) -> None:
    style, frames = canvas_style(random_style), panned(280, 480)
    whole = opened(style, 280, 480, precision="float32")
    tiled = opened(style, 280, 480, precision="float32", tile=280 * 400)
    one, other = (painted(processor, frames, grid=True).astype(int) for processor in (whole, tiled))
    assert np.abs(one - other).max() <= 1


def test_planes_and_larger_strokes_go_along_too(random_style: Style) -> None:
    processor, frames = opened(canvas_style(random_style), 64, 96, output="i420", stroke_size=2.0), panned(64, 96)
    still, moving = (painted(processor, frames, grid=grid).astype(int) for grid in (False, True))
    assert still.shape == moving.shape
    assert 0 < np.abs(still - moving).mean() < 40  # the same picture, on another grid


def test_a_frame_smaller_than_two_cells_stays_on_the_grid(random_style: Style) -> None:
    processor = opened(canvas_style(random_style), 12, 40)
    frames = panned(12, 40)
    np.testing.assert_array_equal(*(painted(processor, frames, grid=grid) for grid in (True, False)))
