"""The style processors of regions with a style of their own; compiled once, and kept with that of the render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from videostyle.rendering.layers import layer_styles
from videostyle.rendering.plan import Plan
from videostyle.rendering.processor_cache import make_style_processor
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor
    from videostyle.styles.card import Style


def painters_of(
    style_processor: StyleProcessor, settings: RenderSettings, styles: Sequence[Style]
) -> list[StyleProcessor]:
    """A style processor for each layer of a render.

    Args:
        style_processor: that of the render.
        settings: of the render.
        styles: of the layers.
    """
    kept = style_processor.layers
    for number, style in enumerate(styles):
        if number < len(kept) and kept[number].style.architecture != style.architecture:
            kept[number].close()
            kept[number] = make_style_processor(style, settings, output=style_processor.output)
        elif number == len(kept):
            kept.append(make_style_processor(style, settings, output=style_processor.output))
        kept[number].use_style(style)
    return kept[: len(styles)]


def planned_painters(
    style_processor: StyleProcessor, settings: RenderSettings, plan: Plan | None
) -> list[StyleProcessor]:
    """The style processors of the layers, with the statistics of a plan.

    Args:
        style_processor: that of the render.
        settings: of the render.
        plan: of the clip; None for a still, which has none.
    """
    if plan is None:
        return painters_of(style_processor, settings, layer_styles(settings))
    painters = painters_of(style_processor, settings, [layer.style for layer in plan.layers])
    for painter, layer in zip(painters, plan.layers, strict=True):
        painter.use_shots(layer.segments)
    return painters
