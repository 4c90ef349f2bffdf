"""Painted frames for other programs: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from videostyle.frames import FrameBatch
from videostyle.media.readers.open import open_reader
from videostyle.processors.protocol import Processor
from videostyle.rendering.pipeline import open_chain
from videostyle.rendering.plan import make_plans
from videostyle.rendering.processor_cache import make_stylize, processors_of
from videostyle.rendering.settings import RenderSettings
from videostyle.training.session import resolve


def iterate(path: str | Path, settings: RenderSettings) -> Iterator[FrameBatch]:
    """Painted batches (rgb24) of an input, for use in other programs; nothing is written."""
    source = open_reader(path, settings.reading(1))
    processors: list[Processor] = []
    try:
        stylize = make_stylize(resolve(settings.style, settings.strength, None), settings)
        batch_size = stylize.batch_for_frames(source.info)
        source = open_reader(source.input, replace(source.options, batch_size=batch_size))
        if not source.info.still:
            (plan,) = make_plans(source, [stylize])
            stylize.use_shots(plan.segments)
            stylize.use_meshes(plan.meshes)
        processors = processors_of(stylize, settings)
        open_chain(source.info, processors)
        for batch in source:
            for processor in processors:
                batch = processor(batch)
            yield batch
    finally:
        source.close()
        for processor in processors:
            processor.close()
