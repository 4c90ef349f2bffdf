"""The chain of processors of a render: which, in which order, and what it makes of the size and rate of a clip."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol

import numpy as np

from videostyle.frames import Float32Array, FrameBatch, UInt8Array, VideoInfo
from videostyle.motion.sampling import FramesToMeasure
from videostyle.processors.arrangement import arranged
from videostyle.processors.driven import Driven
from videostyle.processors.protocol import Processor
from videostyle.processors.region_painting import ShownRegions, in_regions
from videostyle.processors.regions.kinds import make_mask
from videostyle.processors.registry import STYLE, Choice, choice_from, find, make
from videostyle.rendering.settings import RenderSettings


class Painting(Processor, Protocol):
    """What paints: a style processor, or one around it."""

    @property
    def output(self) -> str:
        """Pixel format of painted frames."""


def chain_of(settings: RenderSettings) -> list[Choice]:
    """The processors of a render in order, the painting among them; ``preserve_color`` and ``compare`` are two.

    Raises:
        SettingError: if they cannot stand in this order.
    """
    colour = [choice_from("preserve-color")] if settings.preserve_color else []
    compare = [choice_from({"name": "compare", "mode": settings.compare})] if settings.compare else []
    return arranged(settings.processors, colour, compare)


def processors_of(
    style_processor: Painting,
    settings: RenderSettings,
    layers: Sequence[Processor] = (),
    driven: Mapping[str, Mapping[str, Float32Array]] | None = None,
) -> list[Processor]:
    """The processors of a render, not opened.

    Args:
        style_processor: paints.
        settings: of the render.
        layers: paint the regions that are painted otherwise, in order (``layer_painters``).
        driven: by the name of a processor, its options that change along the clip, each at every frame.
    """
    if settings.show_region is not None:
        return [shown_regions(settings, deep=style_processor.output == "rgb48")]

    def made(choice: Choice) -> Processor:
        if choice.name == STYLE:
            return in_regions(style_processor, settings.regions, layers)
        values = (driven or {}).get(choice.name)
        return Driven(make(choice), values) if values else make(choice)

    return [made(choice) for choice in chain_of(settings)]


def shown_regions(settings: RenderSettings, *, deep: bool) -> Processor:
    """What shows the regions of a render instead of painting, in 16 bits if ``deep``."""
    return ShownRegions([make_mask(choice) for choice in settings.regions], settings.show_region == "mask", deep=deep)


def delivered_info(info: VideoInfo, settings: RenderSettings) -> VideoInfo:
    """The description of the frames that the chain of a render delivers, known before anything is loaded.

    Args:
        info: of the source.
        settings: of the render.

    Raises:
        SettingError: as ``chain_of``.
    """
    if settings.show_region is not None:
        return info
    for choice in chain_of(settings):
        info = make(choice).delivered(info)
    return info


def is_chunkable(settings: RenderSettings) -> bool:
    """Whether parts of a clip may be painted apart from each other."""
    return all(make(choice).needs.chunkable for choice in chain_of(settings))


def packages_of(settings: RenderSettings) -> list[str]:
    """The packages, with their versions, that processors of a render come from, other than this one."""
    return sorted({find(choice.name).package for choice in settings.processors} - {""})


def check_processors(settings: RenderSettings) -> None:
    """Makes sure that the processors of a render can be opened.

    Raises:
        VideostyleError: if a file or a package is missing.
    """
    for choice in chain_of(settings):
        make(choice).check()


class Preparation:
    """Runs the processors before the painting on frames to measure, because frames are measured as they are painted.

    Several threads may call it at once.

    Args:
        settings: of the render.
        info: of the source.
    """

    def __init__(self, settings: RenderSettings, info: VideoInfo) -> None:
        choices = chain_of(settings)
        before = choices[: [choice.name for choice in choices].index(STYLE)]
        self._processors = [make(choice) for choice in before]
        self._lock = threading.Lock()
        for processor in self._processors:
            info = processor.open(info)

    def __call__(self, frames: FramesToMeasure) -> FramesToMeasure:
        """The same frames as they will be painted, or nearly so: processors see no neighbours of them here."""
        return replace(frames, picture=cache(self._prepared(frames.picture))) if self._processors else frames

    def _prepared(self, picture: Callable[[int], UInt8Array]) -> Callable[[int], UInt8Array]:
        def prepared(number: int) -> UInt8Array:
            frames = picture(number)[None]
            batch = FrameBatch(frames, np.zeros(1), number, original=frames)
            with self._lock:
                for processor in self._processors:
                    if processor.needs.stateful:
                        processor.restart()  # type: ignore[attr-defined]
                    batch = replace(processor(batch), original=frames)
            return np.asarray(batch.frames[0], np.uint8)

        return prepared

    def close(self) -> None:
        """Closes the processors."""
        for processor in self._processors:
            processor.close()
