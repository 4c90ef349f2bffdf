"""The studio's web application: its endpoints, its page, and the guard before them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from videostyle.studio.routes import about, files, job_files, jobs, live, looks
from videostyle.studio.studio import Studio
from videostyle.studio.web.endpoint import Endpoint
from videostyle.studio.web.guard import Guard
from videostyle.studio.web.openapi import description
from videostyle.studio.web.problems import Problem, answer

PAGE = Path(__file__).parent / "page"


def all_endpoints(studio: Studio) -> list[Endpoint]:
    """Everything that the server answers, but for the page's own files."""
    return [
        endpoint for subject in (about, files, looks, jobs, job_files, live) for endpoint in subject.endpoints(studio)
    ]


def make_app(studio: Studio, port: int, token: str) -> ASGIApp:
    """The application.

    Args:
        studio: what it works with.
        port: that the server listens on.
        token: without which nothing is answered.
    """
    endpoints = all_endpoints(studio)
    described = description(endpoints)

    async def openapi(request: Request) -> Response:
        return JSONResponse(described)

    routes = [*(endpoint.route() for endpoint in endpoints), Route("/openapi.json", openapi)]
    page = Mount("/", _PageFiles(directory=PAGE, html=True))
    handlers = {HTTPException: _refused}
    return Guard(Starlette(routes=[*routes, page], exception_handlers=handlers), port, token)  # type: ignore[arg-type]


class _PageFiles(StaticFiles):
    """The page's own files, which a browser asks for anew: another version must not meet half of an old page."""

    def file_response(self, *arguments: Any, **keywords: Any) -> Response:
        response = super().file_response(*arguments, **keywords)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _refused(request: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method"}
    code = codes.get(error.status_code, "bad_request")
    return answer(Problem(code, str(error.detail).lower(), hint="/openapi.json tells what there is"))
