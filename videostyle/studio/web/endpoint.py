"""An endpoint of the studio's server: its address, what it takes, and the function that answers.

Queries and bodies are read by schemas, which the description of the server (``openapi``) is made of as well.
"""

from __future__ import annotations

import inspect
import json
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from videostyle.errors import VideostyleError
from videostyle.studio.web.problems import Problem, answer

log = logging.getLogger("videostyle")

LARGEST_BODY = 1 << 20  # bytes of JSON
LONGEST_QUERY = 8192  # characters
DEEPEST = 32  # levels of JSON


class Taken(BaseModel):
    """Base of what a request may hold: no other names, no other kinds of values, no NaN."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


Schema = TypeVar("Schema", bound=Taken)


@dataclass(frozen=True)
class Call:
    """A request that was read.

    Attributes:
        request: as Starlette gives it.
        body: what was sent, by the endpoint's schema; of an endpoint without one, an empty ``Taken``.
        query: likewise.
    """

    request: Request
    body: Any
    query: Any

    @property
    def name(self) -> str:
        """The part of the path that is a name, "" if it has none."""
        return str(next(iter(self.request.path_params.values()), ""))


Handler = Callable[[Call], Any] | Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint.

    Attributes:
        method: "GET", "POST" or "DELETE".
        path: with names of its parts in braces.
        text: what it does, in a line.
        handler: gives a response, or what becomes JSON; a plain function runs in a thread of its own.
        body: schema of the JSON that it takes; None = none.
        query: schema of its query; None = none.
        status: of an answer that is no response yet.
        kind: content type of the answer.
        raw: content type of a body that is no JSON, which the handler reads itself; "" = none.
    """

    method: str
    path: str
    text: str
    handler: Handler
    body: type[Taken] | None = None
    query: type[Taken] | None = None
    status: int = 200
    kind: str = "application/json"
    raw: str = ""

    def route(self) -> Route:
        """The endpoint for Starlette."""
        return Route(self.path, self._answered, methods=[self.method])

    async def _answered(self, request: Request) -> Response:
        try:
            query = _query(request, self.query)
            body = Taken() if self.raw or self.method == "GET" else await _body(request, self.body)
            call = Call(request, body, query)
            if inspect.iscoroutinefunction(self.handler):
                found = await self.handler(call)
            else:
                found = await run_in_threadpool(self.handler, call)
        except VideostyleError as error:
            return answer(error)
        except ClientDisconnect:
            return answer(Problem("overtaken", "the request was given up"))
        except Exception as error:
            log.exception("the studio met a bug in %s %s", self.method, self.path)
            return answer(Problem("bug", f"this is a bug: {type(error).__name__}", hint="please report it"))
        return found if isinstance(found, Response) else JSONResponse(found, self.status)


def _query(request: Request, schema: type[Taken] | None) -> Taken:
    if len(request.url.query) > LONGEST_QUERY:
        raise Problem("bad_request", "the query is too long", hint=f"at most {LONGEST_QUERY} characters")
    values = {name: value for name, value in request.query_params.items() if name != "_"}
    return _read(schema or Taken, lambda kind: kind.model_validate_strings(values))


async def _body(request: Request, schema: type[Taken] | None) -> Taken:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST_BODY:
            raise Problem("too_large", "the request is too large", hint=f"at most {LARGEST_BODY} bytes of JSON")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not data and schema is None:
        return Taken()
    # A form of another site cannot send JSON without this server's consent (CORS).
    if kind != "application/json":
        raise Problem("wrong_type", "the request is no JSON", hint="send it with Content-Type: application/json")
    found = _parsed(bytes(data))
    return _read(schema or Taken, lambda wanted: wanted.model_validate(found))


def _parsed(data: bytes) -> Any:
    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text} is no number")
        return value

    try:
        found = json.loads(data.decode("utf-8"), parse_float=number, parse_constant=number)
        _check_depth(found, DEEPEST)
        json.dumps(found, ensure_ascii=False).encode()  # no halves of surrogate pairs
    except (ValueError, RecursionError) as error:
        raise Problem("bad_request", "the JSON cannot be read", str(error)[:200], "send one object of JSON") from error
    return found


def _check_depth(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError("it is too deep")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check_depth(one, left - 1)


def _read(schema: type[Schema], read: Callable[[type[Schema]], Schema]) -> Schema:
    try:
        return read(schema)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, found["loc"]))[:100]
        known = ", ".join(schema.model_fields) or "nothing"
        raise Problem(
            "bad_request", f"cannot use {place or 'it'}", str(found["msg"])[:200], f"takes {known}"
        ) from error
