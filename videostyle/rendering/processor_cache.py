"""Makes the processors of a render, and keeps them in a process from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from videostyle.frames import VideoInfo
from videostyle.media.ffmpeg.codecs import frames_for, holds_alpha, stores_deep
from videostyle.media.ffmpeg.process import version as ffmpeg_version
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import ReadOptions
from videostyle.media.writers.images import WITH_DEEP
from videostyle.processors.registry import STYLE
from videostyle.rendering.chain import chain_of, packages_of
from videostyle.rendering.job_store import Job
from videostyle.rendering.settings import RenderSettings
from videostyle.version import __version__

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style

CACHED = 16  # processors that a worker keeps: enough for the styles of a few clips with alternating chunks


def make_style_processor(style: Style, settings: RenderSettings, *, output: str = "rgb24") -> StyleProcessor:
    """The style processor with the settings of the user, and otherwise those measured to be fastest on the device."""
    # Imported here because backends are slow to import.
    from videostyle.inference.startup import load_backend

    load_backend(frames_side_by_side=True)
    from videostyle.inference import tuning
    from videostyle.inference.batch_painter import DEEP
    from videostyle.inference.canvas_sampling import CanvasSettings
    from videostyle.inference.device import choose_device
    from videostyle.processors.style import StyleProcessor

    tuned = tuning.load(choose_device(settings.device))
    usable = tuned is not None and not (tuned.precision == "bfloat16" and output in DEEP)
    return StyleProcessor(
        style,
        precision=tuned.precision if tuned and usable and settings.precision == "auto" else settings.precision,
        batch_size=settings.batch_size,
        device=settings.device,
        output=output,
        batch_pixels=tuned.batch_pixels if tuned else None,
        canvas=CanvasSettings(style.card.canvas if settings.canvas is None else settings.canvas, settings.seed),
        stroke_size=settings.stroke_size,
    )


def painted_pixels(settings: RenderSettings, suffix: str, info: VideoInfo, *, pictures: bool = False) -> str:
    """The pixel format in which frames are painted for an output (``FrameBatch.pixel_format``).

    Processors behind the painting work on RGB.

    Args:
        settings: of the render.
        suffix: of the output.
        info: what the source's frames are like.
        pictures: whether they become pictures.

    Raises:
        UsageError: if more bits are asked for than the output has.
    """
    if pictures:
        return "rgb48" if suffix.lower() in WITH_DEEP and info.bit_depth > 8 and settings.bit_depth != "8" else "rgb24"
    found = _stored_pixels(settings, suffix, info)
    rgb = {"i420": "rgb24", "i420p10": "rgb48"}
    alone = chain_of(settings)[-1].name == STYLE and not settings.regions
    return found if alone else rgb.get(found, found)


def _stored_pixels(settings: RenderSettings, suffix: str, info: VideoInfo) -> str:
    deep = stores_deep(settings.codec, suffix, settings.pix_fmt, settings.bit_depth, info.bit_depth)
    if info.color.is_hdr:
        return "rgb48"  # it is kept, and its light is put back before planes are made
    if info.has_alpha and holds_alpha(settings.codec, suffix, settings.pix_fmt):
        return "rgb48" if deep else "rgb24"
    return frames_for(settings.codec, suffix, settings.pix_fmt, deep=deep)


def painting_options(options: ReadOptions, alpha: bool) -> ReadOptions:
    """How the frames are read that are painted, unlike those that are measured: with all their bits.

    Args:
        options: how frames are measured.
        alpha: whether an output holds an alpha channel.
    """
    return replace(options, deep=True, alpha=alpha)


def machine_of(style_processor: StyleProcessor, settings: RenderSettings, info: VideoInfo) -> dict[str, str]:
    """What the last bits of painted and encoded frames depend on in addition to plan and settings, by name.

    Args:
        style_processor: the processor that paints.
        settings: settings in which the threads of the encoder are chosen.
        info: description of the frames.
    """
    from videostyle.inference.device import device_key
    from videostyle.inference.startup import chosen_backend

    return {
        "backend": chosen_backend(),
        "device": device_key(style_processor.device),
        "precision": style_processor.precision,
        "batch size": str(style_processor.frames_per_call(info)),
        "encoder threads": str(settings.threads),
        **_versions(),
        **{package: "" for package in packages_of(settings)},
    }


@cache
def _versions() -> dict[str, str]:
    return {
        "videostyle": __version__,
        "OpenCV": load_cv2().__version__,
        "ffmpeg": ffmpeg_version().split(" Copyright")[0],
    }


def planned_settings(job: Job, device: str | None) -> RenderSettings:
    """The settings of a job for this process: precision and batch size are the planner's if the device is alike.

    Args:
        job: the job.
        device: the device to paint on; None = that of the job's settings.
    """
    from videostyle.inference.device import choose_device, device_key

    settings = replace(job.settings, device=device or job.settings.device)
    if device_key(choose_device(settings.device)) != job.machine["device"]:
        return settings
    return replace(settings, precision=job.machine["precision"], batch_size=int(job.machine["batch size"]))


class ProcessorCache:
    """Style processors that a process keeps, because compiling one takes as long as painting many frames.

    A compiled program serves every job with frames of the same kind; another style only has other weights.

    Args:
        device: the device to paint on; None = that of each job's settings.
    """

    def __init__(self, device: str | None = None) -> None:
        self._device = device
        self._cached: dict[str, StyleProcessor] = {}

    def take(self, jobs: Sequence[Job], info: VideoInfo) -> list[StyleProcessor]:
        """A different processor for each of ``jobs``, for frames described by ``info``."""
        taken: dict[str, StyleProcessor] = {}
        for job in jobs:
            settings = planned_settings(job, self._device)
            suffix = Path(job.pictures or job.output).suffix
            output = painted_pixels(job.settings, suffix, info, pictures=bool(job.pictures))
            canvas = [job.style.card.canvas if settings.canvas is None else settings.canvas, settings.seed]
            chosen = [
                canvas,
                settings.stroke_size,
                settings.device,
                settings.precision,
                settings.batch_size,
                output,
            ]
            frames = [info.width, info.height, asdict(info.color)]
            kind = json.dumps([chosen, asdict(job.style.architecture), frames])
            key = next(f"{n} {kind}" for n in count() if f"{n} {kind}" not in taken)
            style_processor = self._cached.pop(key, None) or make_style_processor(job.style, settings, output=output)
            style_processor.use_style(job.style)
            taken[key] = style_processor
        self._cached |= taken
        for key in list(self._cached)[: max(0, len(self._cached) - CACHED)]:
            self._cached.pop(key).close()
        return list(taken.values())


@lru_cache(maxsize=1)
def process_cache(device: str | None) -> ProcessorCache:
    """The cache of this process."""
    return ProcessorCache(device)
