"""Gives a style processor what a plan says of a clip, and makes the chain that paints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videostyle.processors.protocol import Processor
from videostyle.rendering.chain import processors_of
from videostyle.rendering.frame_timeline import use_timeline
from videostyle.rendering.layer_painters import planned_painters
from videostyle.rendering.plan import Plan
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.processors.style import StyleProcessor


def planned_chain(style_processor: StyleProcessor, settings: RenderSettings, plan: Plan | None) -> list[Processor]:
    """The processors of a render, not opened; the style processor paints as a plan says.

    Args:
        style_processor: paints.
        settings: of the render.
        plan: of the clip; None for a still, which has none.
    """
    use_timeline(style_processor, plan.timeline if plan is not None else None)
    layers = planned_painters(style_processor, settings, plan)
    if plan is None:
        return processors_of(style_processor, settings, layers)
    if plan.segments:
        style_processor.use_shots(plan.segments)
    for one in (style_processor, *layers):
        one.use_meshes(plan.meshes, plan.meshes.offsets if plan.meshes else None)
    driven = plan.timeline.driven if plan.timeline is not None else None
    return processors_of(style_processor, settings, layers, driven)
