"""Who may ask the studio's server."""

from __future__ import annotations

import pytest

from tests.studio.asking import HOME, TOKEN, Client


def test_the_opened_address_gives_a_cookie_that_other_sites_cannot_use(client: Client) -> None:
    opened = client.ask("GET", "/", query={"token": TOKEN}, headers={"authorization": ""})
    assert (opened.status, opened.headers["location"]) == (303, "/")
    cookie = opened.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    found = client.ask("GET", "/api/files", query={"folder": "f0"}, headers={"authorization": "", "cookie": cookie})
    assert found.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "", "cookie": "videostyle_8123=wrong"},
        {"authorization": "", "cookie": f"videostyle_9999={TOKEN}"},
        {"host": "evil.example"},
        {"host": "127.0.0.1:9999"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"origin": "http://[broken"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_others_are_refused(client: Client, headers: dict[str, str]) -> None:
    for path in ("/", "/api/config", "/api/jobs", "/nothing"):
        refused = client.ask("GET", path, headers=headers)
        assert (refused.status, refused.code) == (403, "forbidden")


def test_a_wrong_token_in_the_address_is_refused(client: Client) -> None:
    assert client.ask("GET", "/", query={"token": "wrong"}).status == 403


def test_its_own_page_may_ask(client: Client) -> None:
    headers = {"origin": f"http://{HOME}", "sec-fetch-site": "same-origin"}
    assert client.ask("GET", "/api/files", query={"folder": "f0"}, headers=headers).status == 200


def test_nothing_inline_runs_and_no_other_page_frames_it(client: Client) -> None:
    for path in ("/", "/api/files", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
