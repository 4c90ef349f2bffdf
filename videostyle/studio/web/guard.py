"""Decides who may ask the studio's server, and adds to each answer what browsers need to know of it."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from videostyle.studio.web.problems import Problem, answer

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets only requests through that know the token and come from this server's own pages, or from no page.

    A page of another site can neither guess the token nor send the cookie, which is ``SameSite=Strict``; requests must
    name this host, so a domain name that leads here does not help either (DNS rebinding). A page of another server on
    this machine counts as the same site, and is told apart by ``Origin`` and ``Sec-Fetch-Site``.

    Args:
        app: what answers.
        port: that the server listens on.
        token: the secret, which the opened address holds; it becomes a cookie.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.cookie = f"videostyle_{port}"  # cookies know no ports: another studio must not overwrite it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        if not self._is_at_home(headers):
            await _refused("this page may not use the studio")(scope, receive, with_headers)
        elif scope["path"] == "/" and "token" in query:
            if self._knows(query["token"][-1]):
                response = RedirectResponse("/", 303)
                response.set_cookie(self.cookie, self._token, httponly=True, samesite="strict", path="/")
                await response(scope, receive, with_headers)
            else:
                await _refused("the address has another token")(scope, receive, with_headers)
        elif not self._knows(self._given(headers)):
            await _refused("the token is missing")(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)

    def _is_at_home(self, headers: Headers) -> bool:
        """Whether a request names this server, and no page of another one sent it."""
        origin = headers.get("origin")
        try:
            known = origin is None or urlsplit(origin).netloc in self._hosts
        except ValueError:
            known = False
        site = headers.get("sec-fetch-site", "none")
        return headers.get("host", "") in self._hosts and known and site in ("same-origin", "none")

    def _given(self, headers: Headers) -> str:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return token.strip()
        return cookie_parser(headers.get("cookie", "")).get(self.cookie, "")

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())


def _refused(why: str) -> ASGIApp:
    hint = "open the address that 'videostyle studio' prints; scripts send it as 'Authorization: Bearer TOKEN'"
    return answer(Problem("forbidden", "not allowed", why, hint))
