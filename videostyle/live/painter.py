"""Paints frames one by one; sizes, statistics, style and strength may change between any two of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import product

import numpy as np

from videostyle.errors import ModelError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.inference.canvas_sampling import CanvasSettings, remapped, still_mesh
from videostyle.inference.stroke_size import LARGEST, SMALLEST, chosen_or_usual
from videostyle.live.dissolve import Dissolve
from videostyle.live.pace import STEPS, painted_size
from videostyle.live.scene_follower import COLUMNS, SceneFollower
from videostyle.live.stroke_sizes import StrokeSizes
from videostyle.live.transition import Transition
from videostyle.media.opencv import load_cv2
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.network.canvas import LARGEST_SEED, tile
from videostyle.network.statistics import KeyframeSegment, Statistics
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style, has_canvas
from videostyle.styles.interpolation import blend, interpolate

TRIALS = 3  # frames that are timed at each size; the fastest counts


class LivePainter:
    """The style processor for frames that arrive one by one.

    All sizes are compiled before the first frame is painted. From then on a change of size, style, strength or
    lighting only changes numbers. Another stroke size is compiled beside the painting, and used when it is ready.
    Frames are painted in one thread; changes may be requested from another.

    Args:
        base: the base network, start of strengths and crossfades.
        styles: styles to choose from, all of one architecture.
        info: size and rate of the frames.
        precision: see ``StyleProcessor``.
        device: see ``StyleProcessor``.
        strength: 0..1; 0 leaves the picture as it is, 1 paints fully.
        canvas: how much is painted where the scene shows nothing, 0..1; 1 = as the styles were trained, None = what
            the card of each style says.
        seed: number of the canvas; another one gives another painting of the same scene.
        stroke_size: how large strokes are, 1 = as the styles were trained; None = usual for the frames.
        adaptive: prepare all sizes of ``pace.STEPS``; False = full size only.

    Attributes:
        strength: 0..1.
        seed: 0..``LARGEST_SEED``.
        style_index: index of the style that is painted with or, in a crossfade, faded to.
        step: index into ``pace.STEPS`` of the size that frames are painted at.

    Raises:
        ModelError: if ``strength`` is below 1 and a style belongs to another base.
    """

    def __init__(
        self,
        base: Style,
        styles: Sequence[Style],
        info: VideoInfo,
        *,
        precision: str = "auto",
        device: str = "auto",
        strength: float = 1.0,
        canvas: float | None = None,
        seed: int = 0,
        stroke_size: float | None = None,
        adaptive: bool = True,
    ) -> None:
        self._base, self._styles, self._info = base, list(styles), info
        self._precision, self._device = precision, device
        self.strength, self.style_index, self.step = strength, 0, 0
        self._chosen_canvas, self.seed = canvas, seed
        self._can_interpolate = all(self._is_child(style, required=strength < 1.0) for style in self._styles)
        self._current = self._at_strength(self._styles[0])
        self._steps = len(STEPS) if adaptive else 1
        self._processors: Sequence[StyleProcessor] = []  # one for each size
        self._strokes = StrokeSizes(self._compiled, chosen_or_usual(stroke_size, info.height, info.width))
        self._last_frame: UInt8Array | None = None
        self._scene: SceneFollower | None = None
        self._statistics: Statistics | None = None
        self._dissolve = Dissolve()
        self._transition: Transition | None = None
        self._canvas = CanvasSettings(self.canvas, seed)  # what the next frame is painted with
        self._new_strokes = False  # whether strokes lie elsewhere from the next frame on
        self._has_canvas = any(has_canvas(style.weights) for style in self._styles)
        self._tracker = CanvasTracker()
        self._mesh = still_mesh(info.height, info.width)
        self._lock = threading.Lock()

    def _is_child(self, style: Style, *, required: bool) -> bool:
        """Whether a style is a child of the base. The answer is kept by the caller, as the check hashes the base."""
        try:
            interpolate(self._base, [(style, 1.0)], 0.0)
        except ModelError:
            if required:
                raise
            return False
        return True

    @property
    def style_count(self) -> int:
        """How many styles there are to choose from."""
        return len(self._styles)

    @property
    def name(self) -> str:
        """Name of the style that is painted with or, in a crossfade, faded to."""
        return self._styles[self.style_index].card.name

    @property
    def can_interpolate(self) -> bool:
        """Whether strength and crossfades are available, that is, whether all styles are children of the base."""
        return self._can_interpolate

    @property
    def has_canvas(self) -> bool:
        """Whether the style that is painted with, or faded to, paints on a canvas."""
        return has_canvas(self._styles[self.style_index].weights)

    @property
    def canvas(self) -> float:
        """How much is painted where the scene shows nothing, 0..1; in a crossfade, at its end."""
        card = self._styles[self.style_index].card
        return card.canvas if self._chosen_canvas is None else self._chosen_canvas

    def _at_strength(self, style: Style) -> Style:
        return style if self.strength >= 1.0 else blend(self._base, style, self.strength)

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        """Compiles every size and measures the scene. Afterwards frames may be painted.

        Args:
            frame: the first frame, uint8 ``[H, W, 3]``.
            now: its time, seconds.

        Returns:
            Seconds per frame at each step, scaling to and from its size included.
        """
        if self._has_canvas:
            self._mesh = self._tracker(frame)
        self._last_frame = frame
        self._processors = self._strokes.begin()
        self._scene = SceneFollower(
            lambda frame: self._measure(frame, self._current, self._canvas.amount),
            self._measure_column,
        )
        self._statistics = self._scene(frame, now)
        costs = []
        for step in range(self._steps):
            self._load(step)
            times = []
            for _ in range(TRIALS):
                began = time.perf_counter()
                self._paint(frame, step)
                times.append(time.perf_counter() - began)
            costs.append(min(times))
        self._load(self.step)
        return tuple(costs)

    def _compiled(self, stroke_size: float) -> list[StyleProcessor]:
        """Processors for all sizes, each having measured and painted the last frame once."""
        style, canvas, frame = self._current, self._canvas, self._last_frame
        if frame is None:
            raise ValueError("prepare() comes first")
        processors = []
        for step in range(self._steps):
            width, height = painted_size(self._info.width, self._info.height, step)
            processor = StyleProcessor(
                style,
                batch_size=1,
                precision=self._precision,
                device=self._device,
                canvas=canvas,
                always_canvas=self._has_canvas,
                stroke_size=stroke_size,
            )
            processor.open(VideoInfo(width=width, height=height))
            processor.use_meshes(lambda number: self._mesh)
            processors.append(processor)
        measuring = processors[0]
        if self._can_interpolate:
            # Measuring has several programs: with and without painted colours, for ordinary and for flat scenes (a
            # covered lens). They are compiled now, not at the first change of strength.
            covered = np.zeros_like(frame)
            for colour, picture in product((False, True), (frame, covered)):
                measuring.measurement.network_statistics(
                    picture[None], self._styles[0], colour=colour, columns=COLUMNS, column=0
                )
        statistics = measuring.statistics_of(frame[None], style, COLUMNS)
        for step, processor in enumerate(processors):
            processor.use_shots([KeyframeSegment(0, statistics)])
            self._paint_with(processor, frame, step)
        return processors

    def change(
        self,
        now: float,
        seconds: float | None,
        curve: str = "linear",
        *,
        index: int | None = None,
        strength: float | None = None,
        canvas: float | None = None,
    ) -> None:
        """Changes style, strength or canvas, or several of them.

        Args:
            now: time, seconds.
            seconds: how long it takes, 0 = at once; None = as long as is left of a change in progress. Styles that
                cannot be interpolated change at once.
            curve: its course, one of ``timeline.CURVES``.
            index: of the style to change to, taken modulo their number; None = it stays.
            strength: limited to 0..1; None = it stays, as it does where styles cannot be interpolated.
            canvas: limited to 0..1; None = it stays.
        """
        with self._lock:
            if index is not None:
                self.style_index = index % len(self._styles)
            if strength is not None and self._can_interpolate:
                self.strength = min(1.0, max(0.0, round(strength, 3)))
            if canvas is not None:
                self._chosen_canvas = min(1.0, max(0.0, round(canvas, 3)))
            if seconds is None:
                seconds = self._transition.remaining(now) if self._transition else 0.0
            target = self._at_strength(self._styles[self.style_index])
            lasting = seconds if self._can_interpolate else 0.0
            self._transition = Transition(
                self._current,
                target,
                self._canvas.amount,
                self.canvas,
                began=now,
                seconds=lasting,
                curve=curve,
                start_statistics=self._statistics,
            )

    def select_style(self, index: int, now: float, seconds: float = 0.0) -> None:
        """Changes to another style (``change``)."""
        self.change(now, seconds, index=index)

    def set_strength(self, strength: float, now: float) -> None:
        """Changes the strength; a crossfade in progress keeps its end time.

        Does nothing if the styles cannot be interpolated.
        """
        if self._can_interpolate:
            self.change(now, None, strength=strength)

    def set_canvas(self, canvas: float, now: float) -> None:
        """Changes how much is painted where the scene shows nothing; a crossfade in progress keeps its end time."""
        with self._lock:
            self._new_strokes = True
        self.change(now, None, canvas=canvas)

    def set_seed(self, seed: int) -> None:
        """Changes to another canvas; the number is taken modulo ``LARGEST_SEED + 1``."""
        seed %= LARGEST_SEED + 1
        if self._has_canvas:
            tile(seed, remapped)  # made and kept here, so that the painting thread does not wait for it
        with self._lock:
            self.seed = seed
            self._new_strokes = True

    @property
    def stroke_size(self) -> float:
        """How large strokes are, or will be as soon as ``is_preparing`` is over."""
        return self._strokes.wanted

    @property
    def is_preparing(self) -> bool:
        """Whether programs for the stroke size are being compiled; until then, strokes keep their size."""
        return not self._strokes.ready

    def set_stroke_size(self, stroke_size: float) -> None:
        """Changes the stroke size, limited to ``SMALLEST``..``LARGEST``, as soon as its programs are compiled.

        Does nothing before ``prepare``.
        """
        if self._scene is not None:
            self._strokes.want(min(LARGEST, max(SMALLEST, stroke_size)))

    def _take_strokes(self) -> bool:
        """Changes to the stroke size that is wanted, if it is ready; returns whether it did."""
        processors = self._strokes.take()
        if processors is self._processors:
            return False
        self._processors = processors
        if self._transition is not None:
            self._transition.forget_statistics()
        return True

    def set_step(self, step: int, now: float) -> None:
        """Changes the size from the next frame on."""
        if step != self.step:
            self.step = step
            self._load(step)
            self._dissolve.begin(now)

    def _load(self, step: int) -> None:
        """Gives the current weights, canvas and statistics to the processor of a size."""
        processor = self._processors[step]
        processor.use_style(self._current)
        processor.use_canvas(self._canvas)
        if self._statistics is not None:
            processor.use_shots([KeyframeSegment(0, self._statistics)])

    def _measure(self, frame: UInt8Array, style: Style, canvas: float) -> Statistics:
        self._processors[0].use_canvas(CanvasSettings(canvas, self.seed))
        return self._processors[0].statistics_of(frame[None], style, COLUMNS)

    def _measure_column(self, frame: UInt8Array, column: int) -> Statistics:
        """Measures one column for the current style, without the painted colours: they take two more networks."""
        self._processors[0].use_canvas(self._canvas)
        return self._processors[0].measurement.network_statistics(
            frame[None], self._current, columns=COLUMNS, column=column
        )

    def _advance(
        self, transition: Transition, scene: SceneFollower, frame: UInt8Array, now: float
    ) -> Statistics | None:
        """Advances a transition by one frame; returns statistics if they or the weights have changed."""
        if scene.is_new(frame, now):
            transition.forget_statistics()
        if transition.progress(now) >= 1.0:
            self._transition, self._current = None, transition.end
            self._canvas = CanvasSettings(transition.end_canvas, self.seed)
            measured = transition.end_statistics or self._measure(frame, transition.end, transition.end_canvas)
            return scene.restart(measured, now)
        changed = transition.advance(now, lambda style, canvas: self._measure(frame, style, canvas))
        if changed is None:
            return None
        self._current, amount, statistics = changed
        self._canvas = CanvasSettings(amount, self.seed)
        return statistics

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        """Paints one frame.

        Args:
            frame: uint8 ``[H, W, 3]``.
            now: its time, seconds.

        Returns:
            The painted frame, uint8 ``[H, W, 3]``.

        Raises:
            VideostyleError: if the network fails.
        """
        if self._scene is None:
            self.prepare(frame, now)
            return self(frame, now)
        # Measured before the frame is painted, so that the first frame after a change is right already.
        self._last_frame = frame
        with self._lock:
            resized = self._take_strokes()
            if self._transition is None:
                changed = self._follow(self._scene, frame, now, anew=resized)
            else:
                changed = self._advance(self._transition, self._scene, frame, now)
            if changed is not None:
                self._statistics = changed
            new_strokes, self._new_strokes = self._new_strokes or resized, False
            self._canvas = CanvasSettings(self._canvas.amount, self.seed)
        if changed is not None or new_strokes:
            self._load(self.step)
        if new_strokes:
            self._dissolve.begin(now)
        if self._has_canvas:
            if self._scene.cut:
                self._tracker.restart()
            self._mesh = self._tracker(frame)
        return self._dissolve(self._paint(frame, self.step), frame, now)

    def _follow(self, scene: SceneFollower, frame: UInt8Array, now: float, *, anew: bool) -> Statistics | None:
        """The statistics of a frame, if they have changed; with ``anew`` it is measured in any case."""
        if not anew:
            return scene(frame, now)
        scene.is_new(frame, now)
        return scene.restart(self._measure(frame, self._current, self._canvas.amount), now)

    def _paint(self, frame: UInt8Array, step: int) -> UInt8Array:
        return self._paint_with(self._processors[step], frame, step)

    def _paint_with(self, processor: StyleProcessor, frame: UInt8Array, step: int) -> UInt8Array:
        cv2 = load_cv2()
        full = self._info.width, self._info.height
        size = painted_size(*full, step)
        small = frame if size == full else cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        painted = processor(FrameBatch(np.ascontiguousarray(small)[None], np.zeros(1), 0)).frames[0]
        return painted if size == full else cv2.resize(painted, full, interpolation=cv2.INTER_LINEAR)

    def close(self) -> None:
        """Frees the compiled programs."""
        self._strokes.close()
