"""Answers about the studio itself: what there is to choose from, and its description for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from videostyle.inference.stroke_size import LARGEST, SMALLEST
from videostyle.media.ffmpeg.codecs import CODECS
from videostyle.network.canvas import LARGEST_SEED
from videostyle.processors.regions.kinds import KINDS
from videostyle.processors.regions.kinds import kind_of as region_kind
from videostyle.processors.registry import STYLE, offers
from videostyle.processors.timeline import CURVES
from videostyle.rendering.delivery import DELIVERIES
from videostyle.resources import usable_cores
from videostyle.studio.web.endpoint import Call, Endpoint
from videostyle.version import __version__

if TYPE_CHECKING:
    from videostyle.processors.options import Options
    from videostyle.studio.studio import Studio


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""

    def config(call: Call) -> dict[str, Any]:
        return {
            "version": __version__,
            "folders": studio.folders.listed(),
            "opened": studio.folders.opened,
            "work_folder": str(studio.work),
            "upload_limit": studio.upload_limit,
            "cores": usable_cores(),
            **_choices(),
        }

    async def events(call: Call) -> Response:
        lines = studio.events.listen(studio.state)
        return StreamingResponse(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return [
        Endpoint("GET", "/api/config", "What there is to choose from", config),
        Endpoint("GET", "/api/events", "What happens, as server-sent events", events, kind="text/event-stream"),
    ]


def _choices() -> dict[str, Any]:
    processors = []
    for name, offer in offers().items():
        if name != STYLE:
            kind = offer.load()
            text = (kind.__doc__ or "").strip().partition("\n")[0]
            processors.append({"name": name, "text": text, "options": _options(kind.schema)})
    return {
        "preview_sizes": {"default": 640, "smallest": 64, "largest": 1920},
        "processors": processors,
        "region_kinds": list(KINDS),
        "regions": [{"kind": name, "options": _options(region_kind(name).schema)} for name in KINDS],
        "ease_curves": list(CURVES),
        "codecs": list(CODECS),
        "deliveries": [{"name": name, "text": one.text, "settings": one.settings} for name, one in DELIVERIES.items()],
        "seed_max": LARGEST_SEED,
        "stroke_size": {"low": SMALLEST, "high": LARGEST},
    }


def _options(schema: type[Options]) -> list[dict[str, Any]]:
    """The options of a processor or a region as JSON."""
    found = []
    for name, about in schema.model_json_schema().get("properties", {}).items():
        found.append(
            {
                "name": name,
                "kind": about.get("type", "string"),
                "default": about.get("default"),
                "low": about.get("minimum", about.get("exclusiveMinimum")),
                "high": about.get("maximum", about.get("exclusiveMaximum")),
                "choices": about.get("enum"),
                "text": about.get("description", ""),
            }
        )
    return found
