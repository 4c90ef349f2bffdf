"""Answers about live painting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.camera import Grabber, open_grabber
from videostyle.network.canvas import LARGEST_SEED
from videostyle.studio.live.browser_camera import BrowserCamera
from videostyle.studio.live.session import live_size
from videostyle.studio.painting.choices import settings_of
from videostyle.studio.routes.files import Id
from videostyle.studio.web.endpoint import Call, Endpoint, Taken
from videostyle.studio.web.problems import Problem
from videostyle.styles.resolve import check_style

if TYPE_CHECKING:
    from videostyle.studio.studio import Studio

LARGEST_PICTURE = 4 << 20  # bytes
LARGEST_SIDE = 1280  # pixels
Share = Annotated[float, Field(ge=0, le=1)]
Style = Annotated[str, Field(min_length=1, max_length=256)]


class LiveBody(Taken):
    """What to paint live, and how."""

    source: Literal["camera", "browser", "clip"]
    styles: Annotated[list[Style], Field(min_length=1, max_length=64)]
    camera: Annotated[int, Field(ge=0, le=64)] = 0
    id: Id | None = None
    strength: Share = 1.0
    canvas: Share | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    stroke_size: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    mirror: bool = False
    size: Annotated[str, Field(max_length=9)] = "640x360"
    fixed_size: bool = False


class ChangeBody(Taken):
    """What to change while it runs."""

    style: Style | None = None
    strength: Share | None = None
    canvas: Share | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    stroke_size: Annotated[float, Field(ge=0.5, le=4)] | None = None


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""
    live = studio.live

    def state(call: Call) -> dict[str, Any]:
        return live.state

    def start(call: Call) -> dict[str, Any]:
        body: LiveBody = call.body
        for style in body.styles:
            check_style(settings_of({"style": style}, studio.folders).style, body.strength)
        kept = ("strength", "canvas", "seed", "stroke_size", "mirror")
        settings = {
            "styles": list(dict.fromkeys(body.styles)),
            "adaptive": not body.fixed_size,
            **{name: getattr(body, name) for name in kept},
        }
        live.start(settings, body.source, _opener(studio, body))
        return live.state

    def change(call: Call) -> dict[str, Any]:
        live.set(call.body.model_dump(exclude_none=True))
        return live.state

    def stop(call: Call) -> dict[str, Any]:
        live.stop()
        return live.state

    async def frames(call: Call) -> Response:
        if live.state["state"] not in ("starting", "running"):
            raise Problem("conflict", "nothing is painted live", hint="begin with POST /api/live")
        return StreamingResponse(_stream(studio), media_type="multipart/x-mixed-replace; boundary=frame")

    async def frame(call: Call) -> Response:
        data = bytearray()
        async for chunk in call.request.stream():
            data += chunk
            if len(data) > LARGEST_PICTURE:
                raise Problem("too_large", "the picture is too large", hint=f"at most {LARGEST_PICTURE} bytes")
        painted = await run_in_threadpool(lambda: live.painted(_decoded(bytes(data))))
        return Response(painted, media_type="image/jpeg")

    return [
        Endpoint("GET", "/api/live", "What is painted live", state),
        Endpoint("POST", "/api/live", "Begins to paint a camera or a clip live", start, body=LiveBody, status=201),
        Endpoint("DELETE", "/api/live", "Ends it", stop),
        Endpoint("POST", "/api/live/set", "Changes style, strength and others while it runs", change, body=ChangeBody),
        Endpoint("GET", "/api/live/frames", "The painted frames", frames, kind="multipart/x-mixed-replace"),
        Endpoint(
            *("POST", "/api/live/frame", "Paints a picture of the browser's camera", frame),
            kind="image/jpeg",
            raw="image/jpeg",
        ),
    ]


def _opener(studio: Studio, body: LiveBody) -> Callable[[], Grabber]:
    size = live_size(body.size)
    if body.source == "browser":
        return lambda: BrowserCamera(size)
    if body.source == "clip":
        if body.id is None:
            raise Problem("bad_request", "'id' is missing", hint="say which clip")
        path = str(studio.folders.file(body.id))
        return lambda: open_grabber(source=path, repeat=True)
    return lambda: open_grabber(body.camera, size=size)


def _decoded(data: bytes) -> UInt8Array:
    """A JPEG or PNG as uint8 ``[H, W, 3]`` RGB.

    Raises:
        Problem: if it is none, or too large.
    """
    cv2 = load_cv2()
    kind = data[:3] == b"\xff\xd8\xff" or data[:4] == b"\x89PNG"
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if kind else None
    except cv2.error:
        picture = None
    if picture is None:
        raise Problem("unusable", "the picture cannot be read", hint="send a JPEG")
    if max(picture.shape[:2]) > LARGEST_SIDE or min(picture.shape[:2]) < 16:
        raise Problem("too_large", "the picture has too many pixels, or too few", hint=f"16 to {LARGEST_SIDE} a side")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


async def _stream(studio: Studio) -> AsyncIterator[bytes]:
    pictures, number = studio.live.pictures, 0
    yield b"--frame\r\n"
    while not pictures.closed:
        found = await run_in_threadpool(pictures.after, number)
        if found is not None:
            number, data = found
            # A browser shows a picture only when it has received the boundary after it, so that is sent along.
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            yield head.encode() + data + b"\r\n--frame\r\n"
