"""Answers about folders, files, clips and their frames."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from videostyle.media.atomic import disk_error
from videostyle.platforms import portable_name
from videostyle.studio.clips import encoded
from videostyle.studio.folders import LONGEST_NAME, PART, UPLOADS, kind_of
from videostyle.studio.web.endpoint import Call, Endpoint, Taken
from videostyle.studio.web.problems import Problem, not_found

if TYPE_CHECKING:
    from videostyle.studio.studio import Studio

Id = Annotated[str, Field(min_length=1, max_length=1024)]
Size = Annotated[int, Field(ge=64, le=1920)]
Number = Annotated[int, Field(ge=0, lt=1 << 31)]
Kind = Literal["jpeg", "png", "webp"]


class ListQuery(Taken):
    """Which folder to list."""

    folder: Annotated[str, Field(max_length=40)]
    path: Annotated[str, Field(max_length=1024)] = ""


class IdQuery(Taken):
    """Which file."""

    id: Id


class MediaQuery(IdQuery):
    """Which file, and whether the browser should keep it."""

    download: Literal["0", "1"] = "0"


class UploadQuery(Taken):
    """How to name what is sent."""

    name: Annotated[str, Field(min_length=1, max_length=255)]


class FrameQuery(IdQuery):
    """Which frame, and how large."""

    frame: Number = 0
    size: Size = 640
    format: Kind = "jpeg"
    view: Annotated[str, Field(max_length=64)] = ""
    sequence: Number = 0


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""

    def files(call: Call) -> dict[str, Any]:
        query: ListQuery = call.query
        entries = studio.folders.entries(query.folder, query.path)
        parent = None if not query.path else query.path.rpartition("/")[0]
        return {"folder": query.folder, "path": query.path, "parent": parent, "entries": entries}

    def clip(call: Call) -> dict[str, Any]:
        return studio.clips.clip(studio.folders.file(call.query.id)).described(call.query.id)

    def media(call: Call) -> Response:
        path = studio.folders.file(call.query.id)
        how: Literal["attachment", "inline"] = "attachment" if call.query.download == "1" else "inline"
        kind = None if kind_of(path.name) else "application/octet-stream"  # never a page of this server's own
        return FileResponse(path, filename=path.name, content_disposition_type=how, media_type=kind)

    def frame(call: Call) -> Response:
        query: FrameQuery = call.query
        studio.latest.check(query.view, query.sequence)
        found = studio.clips.frame(studio.clips.clip(studio.folders.file(query.id)), query.frame, query.size)
        headers = {
            "X-Frame": str(found.number),
            "X-Time": f"{found.time:.6f}",
            "Cache-Control": "private, max-age=3600",
        }
        return Response(encoded(found.picture, query.format), media_type=f"image/{query.format}", headers=headers)

    async def upload(call: Call) -> dict[str, Any]:
        return await _upload(studio, call)

    def delete(call: Call) -> dict[str, Any]:
        if not call.query.id.startswith(f"{UPLOADS}/"):
            raise Problem("forbidden", "only uploads are deleted here")
        studio.folders.file(call.query.id).unlink(missing_ok=True)
        return {"deleted": call.query.id}

    return [
        Endpoint("GET", "/api/files", "Lists a folder", files, query=ListQuery),
        Endpoint("GET", "/api/clip", "Describes a clip or a picture", clip, query=IdQuery),
        Endpoint("GET", "/api/media", "Gives a file itself, in ranges", media, query=MediaQuery, kind="*/*"),
        Endpoint("GET", "/api/frame", "Gives a frame of a clip", frame, query=FrameQuery, kind="image/*"),
        Endpoint(
            *("POST", "/api/uploads", "Takes a file, as the body of the request", upload),
            query=UploadQuery,
            status=201,
            raw="application/octet-stream",
        ),
        Endpoint("DELETE", "/api/uploads", "Deletes an upload", delete, query=IdQuery),
    ]


async def _upload(studio: Studio, call: Call) -> dict[str, Any]:
    name = portable_name(Path(call.query.name.replace("\\", "/")).name).lstrip(".")
    if kind_of(name) is None or not name.isprintable() or len(name.encode("utf-8", "replace")) > LONGEST_NAME - 8:
        raise Problem("bad_request", "cannot take a file of that name", hint="send a video, a picture or a .toml file")
    limit = studio.upload_limit
    length = call.request.headers.get("content-length", "")
    too_large = Problem(
        "too_large",
        "the file is too large",
        f"the limit is {limit} bytes",
        "start the studio with a higher upload limit",
    )
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large
    target = studio.folders.folder(UPLOADS).path
    part = target / f".{os.urandom(8).hex()}{PART}"
    size = 0
    try:
        with part.open("xb") as file:
            async for chunk in call.request.stream():
                size += len(chunk)
                if size > limit:
                    raise too_large
                await run_in_threadpool(file.write, chunk)
        if size == 0:
            raise Problem("bad_request", "the file is empty", hint="send it as the body of the request")
        path = await run_in_threadpool(_published, part, target, name)
    except OSError as error:
        failure = disk_error(target, error)
        raise Problem("full", failure.what, failure.why, failure.hint) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return {"id": f"{UPLOADS}/{path.name}", "name": path.name, "size": size, "kind": kind_of(path.name)}


def _published(part: Path, folder: Path, name: str) -> Path:
    """Gives an upload its name, with a number if that is taken."""
    stem, suffix = os.path.splitext(name)
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        try:
            path.open("xb").close()  # holds the name
        except FileExistsError:
            continue
        os.replace(part, path)
        return path
    raise not_found(f"there is no free name for '{name}'")
