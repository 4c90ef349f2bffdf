"""Paints arrays of frames for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from videostyle.errors import SettingError
from videostyle.frames import Float32Array, FrameBatch, UInt8Array, VideoInfo, evenly_spread, joined
from videostyle.inference.startup import load_backend
from videostyle.motion.canvas_tracker import CanvasTracker
from videostyle.network.precision import Precision
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.chain import Chain, needs_together
from videostyle.processors.timeline import SETTING, snapped
from videostyle.rendering.chain import check_processors, processors_of
from videostyle.rendering.frame_timeline import Node, TimelineSource, frame_timeline, use_timeline
from videostyle.rendering.layers import check_regions
from videostyle.rendering.settings import RenderSettings, named, settings_from
from videostyle.rendering.timeline_plan import check_timeline

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

Described = str | Mapping[str, Any]

MEASURED = 4  # frames


class Stylizer:
    """Paints arrays of frames, or one frame.

    The statistics of the first call (up to four of its frames, evenly spread) are kept, and the canvas follows the
    scene from frame to frame, so a shot may be given in several calls, in order. ``reset`` begins a new shot.
    Processors and regions see the frames of the shot that were given before, but no later ones.

    Args:
        style: a style's name, a style file, a mix, or a ``Style``.
        strength: 0 leaves the picture as it is, 1 paints fully.
        canvas: how much is painted where the scene shows nothing, 0..1; None = what suits the style.
        seed: another number gives another painting of the same frames.
        stroke_size: 2 paints strokes twice as large, and faster; 0.5 to 4; None = 1 up to 720 lines, and as large
            a part of larger frames.
        processors: other steps of the frame chain, as in ``render``.
        regions: parts of the frame, as in ``render``.
        timeline: changes along time, as in ``render``; ``style`` must be a name then, and key frames cannot snap.
        fps: frames per second, by which the timeline and regions tell the time of a frame from its number.
        batch_size: frames computed at once; None = chosen by their size.
        device: "auto", "cpu", "gpu", or one GPU such as "gpu:1".
        precision: number format of the network.
        tile: largest number of pixels in a tile, into which larger frames are split; None = chosen by the memory.

    Raises:
        VideostyleError: if the style, the device, or a step of the chain cannot be used.
    """

    def __init__(
        self,
        style: str | Style,
        strength: float = 1.0,
        *,
        canvas: float | None = None,
        seed: int = 0,
        stroke_size: float | None = None,
        processors: Sequence[Described] = (),
        regions: Sequence[Described] = (),
        timeline: Sequence[Described] = (),
        fps: float = 25.0,
        batch_size: int | None = None,
        device: str = "auto",
        precision: Precision = "auto",
        tile: int | None = None,
    ) -> None:
        from videostyle.inference.canvas_sampling import CanvasSettings
        from videostyle.styles.card import Style as StyleClass
        from videostyle.styles.resolve import resolve, with_strength

        name = "" if isinstance(style, StyleClass) else style
        given = {"strength": strength, "canvas": canvas, "processors": processors, "regions": regions}
        settings = settings_from({"style": name, "timeline": timeline, **given})
        self._settings = named(settings) if name else settings
        check_processors(self._settings)
        check_regions(self._settings)
        self._check_timeline(self._settings)
        self._full = style if isinstance(style, StyleClass) else resolve(style)
        self._style = with_strength(style, strength) if isinstance(style, StyleClass) else resolve(style, strength)
        self._options: dict[str, Any] = {
            "canvas": CanvasSettings(self._style.card.canvas if canvas is None else canvas, seed),
            "stroke_size": stroke_size,
            "batch_size": batch_size,
            "device": device,
            "precision": precision,
            "tile": tile,
        }
        self._fps, self._count = fps, 0
        self._shot: _Shot | None = None

    @staticmethod
    def _check_timeline(settings: RenderSettings) -> None:
        if settings.timeline and not settings.style:
            raise SettingError(SETTING, "it needs a style that has a name", "give `style` as text")
        if any(frame.snap for frame in settings.timeline):
            raise SettingError(SETTING, "key frames cannot snap: cuts to come are not known", "leave snap out")
        check_timeline(settings)

    def __call__(self, frames: UInt8Array) -> UInt8Array:
        """Paints uint8 ``[T, H, W, 3]`` or ``[H, W, 3]`` RGB; returns the same shape, unless a processor changes it.

        Frames of another size begin a new shot.

        Raises:
            ValueError: if ``frames`` is something else.
        """
        load_backend(frames_side_by_side=True)
        frames = np.asarray(frames)
        if frames.ndim == 3:
            return self(frames[None])[0]
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"frames must be uint8 [T, H, W, 3] or [H, W, 3], not {frames.dtype} {frames.shape}")
        if not len(frames):
            return frames.copy()
        size = (frames.shape[1], frames.shape[2])
        if self._shot is None or self._shot.size != size:
            self._shot = _Shot(self._painter(self._style), self._layers(), self._settings, size)
        first, self._count = self._count, self._count + len(frames)
        return self._shot(frames, first, self._fps)

    def _painter(self, style: Style) -> StyleProcessor:
        from videostyle.processors.style import StyleProcessor

        return StyleProcessor(style, **self._options)

    def _layers(self) -> list[StyleProcessor]:
        from videostyle.styles.resolve import resolve, with_strength

        found = []
        for region in (region for region in self._settings.regions if region.paints):
            strength = 1.0 if region.strength is None else region.strength
            own = region.style is not None
            found.append(
                self._painter(resolve(str(region.style), strength) if own else with_strength(self._full, strength))
            )
        return found

    def reset(self) -> None:
        """Forgets statistics and canvas: the next frames are the first of a new shot. Time goes on."""
        self._shot = None


class _Shot:
    """The frames since the last reset.

    Args:
        painter: paints.
        layers: paint the regions that are painted otherwise.
        settings: of the chain, the regions and the timeline.
        size: height and width of the frames.
    """

    def __init__(
        self,
        painter: StyleProcessor,
        layers: Sequence[StyleProcessor],
        settings: RenderSettings,
        size: tuple[int, int],
    ) -> None:
        self.size, self._painter, self._layers, self._settings = size, painter, layers, settings
        self._tracker = CanvasTracker()
        self._source: TimelineSource | None = None
        self._sample: UInt8Array | None = None
        self._known: dict[Node, list[KeyframeSegment]] = {}
        self._driven: dict[str, dict[str, Float32Array]] = {}  # as in ``processors_of``; filled before each call
        self._chain: Chain | None = None
        self._one_by_one = False

    def __call__(self, frames: UInt8Array, first: int, fps: float) -> UInt8Array:
        """Paints frames, the first of which has the number ``first``."""
        if any(one.on_canvas for one in (self._painter, *self._layers)):
            meshes = [self._tracker(frame) for frame in frames]
            for one in (self._painter, *self._layers):
                one.use_meshes(lambda number: meshes[number - first])
        if self._settings.timeline:
            self._change(frames, first, fps)
        if self._chain is None:
            processors = processors_of(self._painter, self._settings, self._layers, self._driven)
            # What looks ahead would see more in a long call than in a short one.
            self._one_by_one = needs_together(processors)[1] > 0
            self._chain = Chain(processors, may_wait=False)
            self._chain.open(VideoInfo(width=self.size[1], height=self.size[0]))
        whole = FrameBatch(frames, (first + np.arange(len(frames))) / fps, first)
        step = 1 if self._one_by_one else len(frames)
        done = [self._chain(whole.part(at, at + step)) for at in range(0, len(frames), step)]
        return np.asarray(joined([part for part in done if part is not None]).frames, np.uint8)

    def _change(self, frames: UInt8Array, first: int, fps: float) -> None:
        """Gives painter and processors what the timeline says of frames."""
        if self._source is None or self._sample is None:
            self._source = TimelineSource(self._settings, snapped(self._settings.timeline, (), fps), None)
            self._sample = frames[evenly_spread(len(frames), MEASURED)]
        times = [(first + number) / fps for number in range(len(frames))]
        nodes = {node: None for time in times for node, _ in self._source.nodes_at(time)}
        for node in nodes:
            if node not in self._known:
                found = self._painter.statistics_of(self._sample, self._source.style_of(node), amount=node.canvas)
                self._known[node] = [KeyframeSegment(0, found)]
        timeline = frame_timeline(self._source, times, {node: self._known[node] for node in nodes})
        # A timeline is looked up by frame numbers, so rows that nobody reads stand for the frames painted before.
        shown = replace(
            timeline,
            places=_behind(first, timeline.places),
            shares=_behind(first, timeline.shares),
            canvas=_behind(first, timeline.canvas),
        )
        use_timeline(self._painter, shown)
        for name, options in timeline.driven.items():
            self._driven.setdefault(name, {}).update({key: _behind(first, values) for key, values in options.items()})


def _behind(count: int, values: NDArray[Any]) -> NDArray[Any]:
    """An array with ``count`` rows of zeros before it."""
    return np.concatenate([np.zeros((count, *values.shape[1:]), values.dtype), values])
