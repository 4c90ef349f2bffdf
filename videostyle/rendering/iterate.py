"""Yields painted frames to other programs; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from videostyle.frames import FrameBatch
from videostyle.media.readers.open import open_reader
from videostyle.processors.chain import Chain
from videostyle.rendering.painting import planned_chain
from videostyle.rendering.planning import make_plans
from videostyle.rendering.processor_cache import make_style_processor
from videostyle.rendering.settings import RenderSettings
from videostyle.training.session import resolve_or_train


def iterate(path: str | Path, settings: RenderSettings) -> Iterator[FrameBatch]:
    """Yields the painted batches (rgb24) of an input."""
    first = open_reader(path, settings.reading(1))
    style_processor = make_style_processor(resolve_or_train(settings.style, settings.strength, None), settings)
    plan = None if first.info.still else make_plans([style_processor], first, [settings])[0]
    batch_size = style_processor.frames_per_batch(first.info)
    chain = Chain(planned_chain(style_processor, settings, plan))
    with open_reader(first.input, replace(first.options, batch_size=batch_size)) as reader:
        try:
            chain.open(reader.info)
            for batch in reader:
                if (painted := chain(batch)) is not None:
                    yield replace(painted, original=None)
            if (rest := chain.finish()) is not None:
                yield replace(rest, original=None)
        finally:
            chain.close()
