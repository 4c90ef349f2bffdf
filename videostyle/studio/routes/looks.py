"""Answers about how a clip looks: styles, previews, a grid of all styles, shots."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from videostyle.errors import VideostyleError
from videostyle.media.readers.pictures import read_picture
from videostyle.media.scaling import shrunk
from videostyle.rendering.settings import RenderSettings
from videostyle.rendering.timeline_plan import check_timeline, has_timeline
from videostyle.studio.clips import Clip, encoded
from videostyle.studio.painting.choices import settings_of
from videostyle.studio.painting.preview import Painted
from videostyle.studio.painting.preview_thread import NOW, SOON
from videostyle.studio.routes.files import Id, IdQuery, Kind, Number, Size
from videostyle.studio.web.endpoint import Call, Endpoint, Taken
from videostyle.studio.web.problems import Problem, as_json, not_found
from videostyle.styles import gallery
from videostyle.styles.style_file import read_card

if TYPE_CHECKING:
    from videostyle.studio.studio import Studio

THUMBNAIL = 240  # pixels


class PreviewBody(Taken):
    """What to paint, and how."""

    id: Id
    settings: dict[str, Any]
    frame: Number = 0
    size: Size = 640
    format: Kind = "jpeg"
    quick: bool = False
    view: Annotated[str, Field(max_length=64)] = ""
    sequence: Number = 0


class PlanBody(Taken):
    """What to plan."""

    id: Id
    settings: dict[str, Any]
    size: Size = 640


class GridBody(Taken):
    """Which frame to paint in which styles."""

    id: Id
    settings: dict[str, Any] = Field(default_factory=dict)
    frame: Number = 0
    size: Size = 240
    styles: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=256)] = Field(default_factory=list)
    view: Annotated[str, Field(max_length=64)] = ""
    sequence: Number = 0


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""

    def styles(call: Call) -> dict[str, Any]:
        return {"styles": listed_styles()}

    def picture(call: Call) -> Response:
        return _picture(call.name)

    def shots(call: Call) -> dict[str, Any]:
        clip = studio.clips.clip(studio.folders.file(call.query.id))
        if clip.source.info.still:
            raise Problem("bad_request", "a picture has no shots", hint="give a video")
        return studio.surveys.ask(clip)

    def plan(call: Call) -> dict[str, Any]:
        body: PlanBody = call.body
        settings, clip = _read(studio, body.id, body.settings)
        if clip.source.info.still:
            raise Problem("bad_request", "a picture needs no plan", hint="its preview is exact")
        if not has_timeline(settings):
            state = studio.surveys.ask(clip)
            return {"key": None, "state": state["state"], "progress": state["progress"]}
        if settings.start or settings.end or settings.fps:
            raise Problem("bad_request", "a part of a clip is not planned", hint="its preview stays approximate")
        check_timeline(settings)
        return studio.plans.ask(clip, body.size, settings)

    async def preview(call: Call) -> Response:
        body: PreviewBody = call.body
        settings, clip = await run_in_threadpool(_read, studio, body.id, body.settings)
        studio.latest.check(body.view, body.sequence)

        def paint() -> Painted:
            studio.latest.check(body.view, body.sequence)
            survey, plan = studio.surveys.find(clip), studio.plans.find(clip, body.size, settings)
            return studio.painter.paint(clip, body.frame, body.size, settings, survey, plan, quick=body.quick)

        found = await _awaited(call.request, studio.previews.submit(NOW, paint))
        if not clip.source.info.still and not body.quick:
            studio.surveys.ask(clip)
        headers = {
            "X-Frame": str(found.frame.number),
            "X-Time": f"{found.frame.time:.6f}",
            "X-Plan": found.plan,
            "X-Milliseconds": f"{1000 * found.seconds:.0f}",
            "Server-Timing": f"paint;dur={1000 * found.seconds:.1f}",
        }
        data = await run_in_threadpool(encoded, found.picture, body.format)
        return Response(data, media_type=f"image/{body.format}", headers=headers)

    async def grid(call: Call) -> Response:
        body: GridBody = call.body
        given = {**body.settings, "style": "great-wave"}
        _, clip = await run_in_threadpool(_read, studio, body.id, given)
        names = body.styles or [entry.name for entry in gallery.entries()]
        studio.latest.check(body.view, body.sequence)
        lines = _grid(studio, clip, body, given, names)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    return [
        Endpoint("GET", "/api/styles", "Lists the styles", styles),
        Endpoint("GET", "/api/styles/{name}/picture", "The painting of a style, small", picture, kind="image/jpeg"),
        Endpoint("GET", "/api/shots", "Lists the shots of a clip, once they are found", shots, query=IdQuery),
        Endpoint("POST", "/api/plan", "Plans the shots, for exact previews", plan, body=PlanBody),
        Endpoint("POST", "/api/preview", "Paints a frame", preview, body=PreviewBody, kind="image/*"),
        Endpoint(
            *("POST", "/api/grid", "Paints a frame in several styles, one line of JSON each", grid),
            body=GridBody,
            kind="application/x-ndjson",
        ),
    ]


def _read(studio: Studio, id: str, values: dict[str, Any]) -> tuple[RenderSettings, Clip]:
    return settings_of(values, studio.folders), studio.clips.clip(studio.folders.file(id))


async def _awaited(request: Request, future: Future[Any]) -> Any:
    """The result of a piece of work, which is dropped if nobody waits for it any more."""

    async def gone() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(0.1)

    watch = asyncio.create_task(gone())
    work = asyncio.wrap_future(future)
    try:
        await asyncio.wait([watch, work], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            future.cancel()
            raise Problem("overtaken", "the request was given up")
        return work.result()
    finally:
        watch.cancel()


async def _grid(
    studio: Studio, clip: Clip, body: GridBody, given: dict[str, Any], names: list[str]
) -> AsyncIterator[bytes]:
    for name in names:
        try:
            studio.latest.check(body.view, body.sequence)
        except Problem:
            yield _line({"overtaken": True})
            return
        try:
            settings = await run_in_threadpool(settings_of, {**given, "style": name}, studio.folders)
            painted = await asyncio.wrap_future(studio.previews.submit(SOON, _cell(studio, clip, body, settings)))
            data = await run_in_threadpool(encoded, painted.picture, "jpeg", 85)
            yield _line({"style": name, "image": f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"})
        except VideostyleError as error:
            yield _line({"style": name, "error": as_json(error)})
    yield _line({"done": True})


def _cell(studio: Studio, clip: Clip, body: GridBody, settings: RenderSettings) -> Callable[[], Painted]:
    return lambda: studio.painter.paint(clip, body.frame, body.size, settings, studio.surveys.find(clip), quick=True)


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode() + b"\n"


def listed_styles() -> list[dict[str, Any]]:
    """All styles that can be named, as JSON; one that is damaged is left out."""
    found = []
    for entry in gallery.entries():
        with contextlib.suppress(VideostyleError):
            card = read_card(entry.path)
            about = {key: getattr(card, key) for key in ("painting", "artist", "year", "licence", "canvas")}
            shown = entry.path.with_suffix(".jpg").is_file()
            picture = f"/api/styles/{entry.name}/picture" if shown else None
            found.append({"name": entry.name, **about, "yours": not entry.bundled, "picture": picture})
    return found


def _picture(name: str) -> Response:
    entry = next((one for one in gallery.entries() if one.name == name), None)
    path = entry.path.with_suffix(".jpg") if entry is not None else None
    if path is None or not path.is_file():
        raise not_found("there is no picture of that style", "look at /api/styles")
    data = encoded(shrunk(read_picture(path), THUMBNAIL), "jpeg", 85)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})
