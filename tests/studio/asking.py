"""Asks the studio's application without a network: one call, one answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message, Scope

T = TypeVar("T")
PORT, TOKEN = 8123, "the-token"
HOME = f"127.0.0.1:{PORT}"


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass
class Client:
    """Asks an application; the token goes along unless headers say otherwise."""

    app: ASGIApp

    def get(self, path: str, /, **query: Any) -> Answer:
        return asyncio.run(self.asked("GET", path, query=query))

    def delete(self, path: str, /, **query: Any) -> Answer:
        return asyncio.run(self.asked("DELETE", path, query=query))

    def post(self, path: str, body: Any = None, /, **query: Any) -> Answer:
        return asyncio.run(self.asked("POST", path, body, query=query))

    def ask(self, *arguments: Any, **keywords: Any) -> Answer:
        return asyncio.run(self.asked(*arguments, **keywords))

    async def asked(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        given = {"host": HOME, "authorization": f"Bearer {TOKEN}", **(headers or {})}
        if data is None:
            data = b"" if body is None else json.dumps(body).encode()
            given = {"content-type": "application/json", **given} if body is not None else given
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path, errors="replace").encode(),
            "query_string": urlencode(query or {}, errors="replace").encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items() if value],
            "server": ("127.0.0.1", PORT),
            "client": ("127.0.0.1", 1),
        }
        answer, sent, over = Answer(), False, asyncio.Event()

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": data, "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")
                if not message.get("more_body"):
                    over.set()

        await self.app(scope, receive, send)
        return answer


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
