"""The live painter: changes of style, strength, size and scene between two frames."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tests.live.fakes import CELL, ROOT, SIZE, Clock, FakeCamera, Identity, InStep, Keep, coded, scene
from videostyle.errors import ModelError
from videostyle.frames import VideoInfo
from videostyle.live import capture as capture_module
from videostyle.live import loop as loop_module
from videostyle.live.capture import Capture
from videostyle.live.frame import LiveFrame
from videostyle.live.loop import LiveLoop
from videostyle.live.pace import STEPS, Pace
from videostyle.live.painter import LivePainter
from videostyle.network.canvas import LARGEST_SEED
from videostyle.network.statistics import between
from videostyle.styles import gallery
from videostyle.styles.card import Style
from videostyle.styles.interpolation import blend, interpolate
from videostyle.styles.resolve import resolve


def test_blend_gives_what_interpolate_gives(random_style: Style, flat_style: Style) -> None:
    for share in (0.0, 0.3, 1.0):
        mine, theirs = blend(random_style, flat_style, share), interpolate(random_style, [(flat_style, 1.0)], share)
        assert mine.card == theirs.card
        for name, value in theirs.weights.items():
            assert mine.weights[name] == pytest.approx(value, abs=1e-6)


def test_nothing_is_compiled_after_the_start_whatever_is_changed(compiled: list[str], resizing: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    costs = resizing.prepare(frame, 0.0)
    assert len(costs) == len(STEPS)
    assert all(cost > 0 for cost in costs)
    at_first = len(compiled)
    assert at_first > len(STEPS)  # what measures and what paints, for each size
    first = resizing(frame, 0.0)
    resizing.select_style(1, 0.1)
    second = resizing(frame, 0.1)
    assert not np.array_equal(first, second)
    resizing.select_style(2, 0.2)  # modulo the number of styles: the first one
    assert np.array_equal(resizing(frame, 0.2), first)
    resizing.set_strength(0.5, 0.3)
    for step in (4, 1, 0):
        resizing.set_step(step, 0.4)
        assert resizing(frame, 1.0 + step).shape == frame.shape
    resizing(scene(8)[: SIZE[1], : SIZE[0]], 9.0)  # a cut
    assert len(compiled) == at_first


def test_a_cut_is_painted_with_its_own_statistics_from_its_first_frame_on(
    random_style: Style, painter: LivePainter
) -> None:
    one, two = (scene(seed)[: SIZE[1], : SIZE[0]] for seed in (3, 4))
    two = 255 - two // 3
    for i in range(20):
        painter(one, i / 30)
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    fresh = LivePainter(random_style, [random_style], info, device="cpu", adaptive=False)
    assert np.array_equal(painter(two, 20 / 30), fresh(two, 0.0))


@pytest.mark.parametrize("step", [0, 2])
def test_a_selected_style_is_painted_with_its_own_statistics(random_style: Style, flat_style: Style, step: int) -> None:
    frame, info = scene(3)[: SIZE[1], : SIZE[0]], VideoInfo(width=SIZE[0], height=SIZE[1])
    painter, other = (
        LivePainter(random_style, styles, info, device="cpu", adaptive=step > 0)
        for styles in ([random_style, flat_style], [flat_style])
    )
    for live in (painter, other):
        live.prepare(frame, 0.0)
        live.set_step(step, 0.0)
    painter(frame, 0.0)
    painter.select_style(1, 0.1)
    switched = painter(frame, 0.1)
    assert np.array_equal(switched, other(frame, 0.1))
    painter.select_style(0, 0.2, seconds=0.5)
    painter.select_style(1, 0.4, seconds=0.5)
    for i in range(10):
        crossed = painter(frame, 0.4 + i / 10)
    assert np.array_equal(crossed, switched)


def test_half_strength_is_neither_lighter_nor_darker_than_both_ends() -> None:
    style = resolve("great-wave")
    base = gallery.base(style.architecture)
    frame = np.ascontiguousarray(cv2.imread(str(ROOT / "samples" / "harbour.jpg"))[::2, ::2, ::-1])
    info = VideoInfo(width=frame.shape[1], height=frame.shape[0])
    painter = LivePainter(base, [style], info, device="cpu", adaptive=False)
    light = []
    for i, strength in enumerate((0.0, 0.5, 1.0)):
        painter.set_strength(strength, i)
        light.append(painter(frame, i).mean())
    assert light[1] == pytest.approx((light[0] + light[2]) / 2, abs=5)
    painter.set_strength(0.5, 3.0)
    for second in range(3, 12):  # and stays the same while the scene is measured again, column by column
        half = painter(frame, second).mean()
    assert half == pytest.approx(light[1], abs=1)


def test_interpolated_statistics_fade_the_colour_correction() -> None:
    one, two, three = (np.full(3, v, np.float32) for v in (1, 2, 3))
    plain, corrected = {"a": (one, one)}, {"a": (two, three), "out": (one, one), "line": (three, two)}
    for first, second, share in ((plain, corrected, 0.25), (corrected, plain, 0.75)):
        found = between(first, second, share)
        assert found["a"][0] == pytest.approx(1.25)
        assert found["line"][0] == pytest.approx(3)
        assert found["out"][0] == pytest.approx(3 + 0.25 * (1 - 3))


def test_a_scene_that_stays_is_painted_the_same_for_minutes(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0).astype(int)
    for i in range(1, 120):
        last = painter(frame, i)
    assert np.abs(last - first).max() <= 1


def test_a_crossfade_moves_gradually_from_one_style_to_the_other(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    start = painter(frame, 0.0).astype(int)
    painter.select_style(1, 0.0, seconds=2.0)
    walk = [painter(frame, t / 10).astype(int) for t in range(0, 22)]
    end = walk[-1]
    away = [np.abs(w - start).mean() for w in walk]
    assert away[0] < 0.1 * away[-1]
    assert 0.1 * away[-1] < away[10] < 0.95 * away[-1]
    assert np.abs(walk[-2] - end).mean() < 1  # it has arrived; only the slow mean of the statistics still moves
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(walk)]
    assert max(steps) < 0.4 * away[-1]  # no jump


def test_strength_is_limited_to_0_and_1_and_a_crossfade_keeps_its_duration(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    start = painter(frame, 0.0).astype(int)
    painter.set_strength(1.4, 0.1)
    assert painter.strength == 1.0
    painter.select_style(1, 1.0, seconds=2.0)
    painter.set_strength(0.8, 1.2)
    early = np.abs(painter(frame, 1.3).astype(int) - start).mean()
    late = np.abs(painter(frame, 3.3).astype(int) - start).mean()
    assert early < 0.5 * late
    assert painter._transition is None


def test_a_style_of_another_base_is_painted_without_strength_and_crossfade(
    random_style: Style, flat_style: Style
) -> None:
    stranger = Style(replace(flat_style.card, base_sha256="0" * 64), flat_style.weights)
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    with pytest.raises(ModelError, match="another base"):
        LivePainter(random_style, [stranger], info, device="cpu", strength=0.5)
    painter = LivePainter(random_style, [random_style, stranger], info, device="cpu")
    assert not painter.can_interpolate
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0)
    painter.set_strength(0.5, 0.1)
    assert painter.strength == 1.0
    painter.select_style(1, 0.2, seconds=5.0)
    changed = painter(frame, 0.3)  # at once, without a crossfade
    assert not np.array_equal(changed, first)
    assert np.array_equal(painter(frame, 0.4), changed)


def test_a_change_of_size_does_not_jump_in_a_still_picture(resizing: LivePainter) -> None:
    frame = cv2.GaussianBlur(scene(3)[: SIZE[1], : SIZE[0]], (0, 0), 2)
    shown = [resizing(frame, 0.0).astype(int)]
    resizing.set_step(2, 0.0)
    shown += [resizing(frame, i / 30).astype(int) for i in range(1, 20)]
    change = np.abs(shown[-1] - shown[0]).mean()
    assert change > 1  # the size does change the picture
    assert max(np.abs(b - a).mean() for a, b in itertools.pairwise(shown)) < 0.2 * change
    assert np.array_equal(shown[-1], shown[-2])


@pytest.mark.usefixtures("compiled")
def test_switching_styles_delays_the_output_by_one_frame_at_most(
    painter: LivePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten frames per second; painting or measuring a frame takes 60 ms, compiling a program takes a second.

    The clock goes on by what is computed, so that a busy machine leaves no gaps of its own.
    """
    clock, real = Clock(), tf.function

    def function(body: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
        if body is None:
            return real(**options)  # used by Keras for single operations

        def compiled(*arguments: Any) -> Any:
            clock.now += 1.0
            return body(*arguments)

        def computed(*arguments: Any) -> Any:
            values = tf.nest.flatten(arguments)  # frames are inside FrameInputs
            pictures = (value for value in values if getattr(value, "dtype", None) == tf.uint8)
            clock.now += 0.06 * sum(int(tf.size(picture)) for picture in pictures) / (3 * SIZE[0] * SIZE[1])
            return program(*arguments)

        program = real(compiled, **options)
        return computed

    free = threading.Semaphore(2)  # the first frame only prepares the painter

    class Camera(FakeCamera):
        """Delivers a frame when the one before has reached the output, and selects other styles on the way."""

        given = 0

        def read(self) -> tuple[np.ndarray, float] | None:
            if not free.acquire(timeout=60) or self.given == 60:
                return None
            self.given += 1
            if self.given > 20 and self.given % 3 == 0:
                turn = self.given // 3
                painter.select_style(turn, clock.now, 0.0 if turn % 2 else 0.2)
            number = int(10 * (clock.now - 1000.0)) + 1
            clock.now = 1000.0 + number / 10
            return coded(number), clock.now

    # Paints, and copies the number of the frame into the painting.
    class Coded(Identity):
        def prepare(self, frame: np.ndarray, now: float) -> tuple[float, ...]:
            return painter.prepare(frame, now)

        def __call__(self, frame: np.ndarray, now: float) -> np.ndarray:
            painted = painter(frame, now).copy()
            painted[:CELL] = frame[:CELL]
            return painted

    class Freeing(Keep):
        def write(self, frame: LiveFrame) -> None:
            super().write(frame)
            free.release()

    monkeypatch.setattr(tf, "function", function)
    for module in (capture_module, loop_module):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(capture_module, "LatestSlot", InStep)
    keep = Freeing()
    capture = Capture(Camera(10), None, mirror=False, stalled=1000)
    LiveLoop(capture, Coded(), {"keep": keep}, Pace(1 / 10, adaptive=False), SIZE, 10.0).run(threading.Event())
    gaps = np.diff([code for code, _ in keep.seen[1:]])  # the first frame came before everything was compiled
    assert len(gaps) == 57
    assert max(gaps[:18]) == 1
    # Measuring another style delays one frame at most.
    assert max(gaps[18:]) == 2
    assert np.count_nonzero(gaps[18:] == 2) == 13


def test_canvas_and_seed_are_kept_within_their_bounds(random_style: Style, canvas_style: Style) -> None:
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    suited = Style(replace(canvas_style.card, canvas=0.7), canvas_style.weights)
    painter = LivePainter(random_style, [suited, random_style], info, device="cpu")
    assert painter.has_canvas
    assert (painter.canvas, painter.seed) == (0.7, 0)  # as the card says
    painter.select_style(1, 0.0)
    assert not painter.has_canvas
    for asked, expected in ((1.3, 1.0), (-0.1, 0.0), (0.4, 0.4)):
        painter.set_canvas(asked, 0.0)
        assert painter.canvas == expected
    painter.set_seed(LARGEST_SEED + 1)
    assert painter.seed == 0
    assert LivePainter(random_style, [suited], info, device="cpu", canvas=0.2, seed=5).canvas == 0.2


def test_canvas_and_seed_change_the_painting_and_nothing_is_compiled_for_them(
    compiled: list[str], random_style: Style, canvas_style: Style
) -> None:
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    painter = LivePainter(random_style, [canvas_style, random_style], info, device="cpu", adaptive=False)
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    painter.prepare(frame, 0.0)
    at_first = len(compiled)
    assert at_first
    clock = itertools.count(1.0)  # steps of a second, longer than any dissolve

    def settled() -> np.ndarray:
        painter(frame, next(clock))
        return painter(frame, next(clock)).astype(int)

    full = settled()
    assert np.array_equal(settled(), full)  # the canvas of a still camera does not move
    painter.set_seed(1)
    other = settled()
    painter.set_seed(0)
    again = settled()
    painter.set_canvas(0.5, next(clock))
    half = settled()
    painter.set_canvas(0.0, next(clock))
    none = settled()
    changed = np.abs(other - full).mean()
    assert changed > 1
    assert np.abs(again - full).mean() < 0.1 * changed  # the slow mean still contains a little of the other seed's
    assert 0 < np.abs(half - none).mean() < np.abs(full - none).mean()
    painter.select_style(1, next(clock))  # the same weights without a canvas
    assert np.abs(settled() - none).mean() < 0.1 * changed
    painter.select_style(0, next(clock))
    painter.set_strength(0.0, next(clock))  # the base has no canvas either
    settled()
    assert len(compiled) == at_first


def test_a_change_of_seed_dissolves_in_a_still_picture(random_style: Style, canvas_style: Style) -> None:
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    painter = LivePainter(random_style, [canvas_style], info, device="cpu", adaptive=False)
    frame = cv2.GaussianBlur(scene(3)[: SIZE[1], : SIZE[0]], (0, 0), 2)
    shown = [painter(frame, 0.0).astype(int)]
    painter.set_seed(1)
    shown += [painter(frame, i / 30).astype(int) for i in range(1, 20)]
    change = np.abs(shown[-1] - shown[0]).mean()
    assert change > 1
    assert max(np.abs(b - a).mean() for a, b in itertools.pairwise(shown)) < 0.2 * change


def test_the_canvas_moves_with_the_scene_and_begins_anew_at_a_cut_but_not_with_the_light(
    random_style: Style, canvas_style: Style
) -> None:
    width, height = 160, 96
    painter = LivePainter(
        random_style, [canvas_style], VideoInfo(width=width, height=height), device="cpu", adaptive=False
    )
    rng = np.random.default_rng(0)
    wide = cv2.resize(rng.integers(40, 180, (14, 40, 3), np.uint8), (400, height), interpolation=cv2.INTER_CUBIC)

    def middle() -> float:
        """Canvas coordinate, in pixels, of the middle of the frame."""
        places = painter._mesh.places[0]
        return float(places[places.shape[0] // 2, places.shape[1] // 2, 0] * height)

    painter(np.ascontiguousarray(wide[:, :width]), 0.0)
    start = middle()
    for i in range(1, 21):  # the camera pans to the right by two pixels a frame
        painter(np.ascontiguousarray(wide[:, 2 * i : 2 * i + width]), i / 30)
    assert middle() - start == pytest.approx(40, abs=4)
    lit = np.clip(wide[:, 40 : 40 + width].astype(int) + 40, 0, 255).astype(np.uint8)
    painter(lit, 21 / 30)  # a lamp is switched on
    assert middle() - start > 20
    painter(255 - scene(9)[:height, :width].repeat(2, 0).repeat(2, 1)[:height, :width], 22 / 30)
    assert middle() == pytest.approx(start, abs=0.01)


def _painted_when_ready(painter: LivePainter, frame: np.ndarray, now: float) -> np.ndarray:
    thread = painter._strokes._thread
    if thread is not None:
        thread.join()
    assert not painter.is_preparing
    return painter(frame, now)


def test_strokes_change_when_they_are_compiled_and_the_picture_does_not_wait(
    compiled: list[str], canvas_style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    painter = LivePainter(canvas_style, [canvas_style], info, device="cpu", adaptive=False)
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0)
    go_on, made = threading.Event(), painter._strokes._compiled
    sizes: list[float] = []

    def slowly(stroke_size: float) -> Any:
        sizes.append(stroke_size)
        go_on.wait(60)
        return made(stroke_size)

    monkeypatch.setattr(painter._strokes, "_compiled", slowly)
    painter.set_stroke_size(1.4)
    painter.set_stroke_size(9.0)  # limited; what was asked for before is needed no more
    assert (painter.stroke_size, painter.is_preparing) == (4.0, True)
    assert np.array_equal(painter(frame, 0.1), first)
    painter.set_stroke_size(2.0)
    go_on.set()
    _painted_when_ready(painter, frame, 1.0)
    second = painter(frame, 9.0)  # after the dissolve
    assert sizes[-1] == 2.0
    fresh = LivePainter(canvas_style, [canvas_style], info, device="cpu", adaptive=False, stroke_size=2.0)
    assert np.array_equal(second, fresh(frame, 9.0))
    assert np.abs(second.astype(int) - first).mean() > 2
    at_first = len(compiled)
    assert at_first
    painter.set_stroke_size(1.0)  # kept: there at once
    assert not painter.is_preparing
    painter(frame, 10.0)
    assert np.array_equal(painter(frame, 19.0), first)
    painter.set_stroke_size(2.0)
    painter(frame, 29.0)
    assert np.array_equal(painter(frame, 39.0), second)
    assert len(compiled) == at_first
    painter.close()


def test_strokes_that_cannot_be_compiled_leave_the_run_as_it_is(
    painter: LivePainter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0)

    def failing(stroke_size: float) -> Any:
        raise MemoryError("none left")

    monkeypatch.setattr(painter._strokes, "_compiled", failing)
    painter.set_stroke_size(0.5)
    assert np.array_equal(_painted_when_ready(painter, frame, 0.1), first)
    assert painter.stroke_size == 1.0
    assert "cannot paint with a stroke size of 0.5: none left" in caplog.text
