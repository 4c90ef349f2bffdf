"""Styles that regions of frames are painted in, beside the style of the render: found, planned, and kept on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.regions.kinds import make_region
from videostyle.rendering.plan_arrays import named, segment_arrays, segments_from, under
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.styles.card import Style


@dataclass(frozen=True)
class PlannedLayer:
    """What one region is painted with.

    Attributes:
        style: at its strength.
        segments: its statistics, as in ``Plan.segments``.
    """

    style: Style
    segments: tuple[KeyframeSegment, ...]


def specs_of(settings: RenderSettings) -> list[tuple[str, float]]:
    """Style and strength of each region that is painted otherwise, in order; none while regions are only shown."""
    if settings.show_region is not None:
        return []
    found = []
    for region in settings.regions:
        if region.paints:
            usual = settings.strength if region.style is None else 1.0
            found.append((region.style or settings.style, usual if region.strength is None else region.strength))
    return found


def layer_styles(settings: RenderSettings) -> list[Style]:
    """The styles of ``specs_of``.

    Raises:
        VideostyleError: if one cannot be used.
    """
    from videostyle.training.session import resolve_or_train

    return [resolve_or_train(style, strength, None) for style, strength in specs_of(settings)]


def check_regions(settings: RenderSettings) -> None:
    """Makes sure that regions can be found and painted, before anything slow begins.

    Raises:
        VideostyleError: if a style, a file or a package is missing.
    """
    from videostyle.errors import SettingError
    from videostyle.styles.resolve import check_style

    if settings.show_region is not None and not settings.regions:
        raise SettingError("show_region", "there is no region", "name one with `regions`")
    for choice in settings.regions:
        make_region(choice).check()
    for style, strength in specs_of(settings):
        if style:  # otherwise it is not known yet, or no file
            check_style(style, strength)


def files_of(settings: RenderSettings) -> list[Path]:
    """The files that regions read."""
    return [Path(name) for choice in settings.regions for name in make_region(choice).files]


# -- on disk -----------------------------------------------------------------------------------------------------------


def layer_arrays(layers: Sequence[PlannedLayer]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Layers as arrays by name, and as JSON."""
    arrays: dict[str, Any] = {}
    data = []
    for number, layer in enumerate(layers):
        statistics, shots = segment_arrays(f"layer/{number}/shot/", layer.segments)
        arrays |= named(f"layer/{number}/style/", layer.style.weights) | statistics
        data.append({"card": asdict(layer.style.card), "shots": shots})
    return arrays, data


def layers_from_arrays(arrays: Mapping[str, Any], data: Sequence[Mapping[str, Any]]) -> tuple[PlannedLayer, ...]:
    """The inverse of ``layer_arrays``; other arrays are ignored.

    Raises:
        KeyError, ValueError, TypeError: if something is missing.
    """
    from videostyle.styles.card import Style, card_from_json

    found = []
    for number, layer in enumerate(data):
        card = card_from_json(json.dumps({**layer["card"], "format": 0}))
        style = Style(card, under(f"layer/{number}/style/", arrays))
        found.append(PlannedLayer(style, segments_from(f"layer/{number}/shot/", arrays, layer["shots"])))
    return tuple(found)
