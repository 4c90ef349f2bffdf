"""A thousand requests that are wrong in some way: each gets a clear answer, and nothing outside is read or written."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.studio.asking import Client
from tests.studio.test_files import OUTSIDE
from videostyle.errors import DeviceError
from videostyle.studio.app import all_endpoints
from videostyle.studio.painting.background import Progress
from videostyle.studio.painting.preview import Painted
from videostyle.studio.routes import live as live_routes
from videostyle.studio.studio import Studio
from videostyle.studio.web.endpoint import LARGEST_BODY
from videostyle.studio.web.problems import CODES

COUNT = 1500
SETTINGS: dict[str, Any] = {
    "style": "great-wave",
    "strength": 0.5,
    "canvas": 0.5,
    "seed": 3,
    "stroke_size": 1.0,
    "preserve_color": True,
    "processors": [{"name": "sharpen", "amount": 0.5}],
    "regions": [
        {"kind": "rectangle", "box": "0.1 0.1 0.5 0.5", "style": "starry-night"},
        {"kind": "mask", "file": "f0/photo.png"},
    ],
    "timeline": [{"at": 0.5, "style": "the-scream", "ease": 0.2}],
    "strength_from": "sound",
    "max_size": 64,
    "fps": "25",
    "codec": "h264",
}
ID = {"id": "f0/plain.mp4"}
BODIES: dict[str, dict[str, Any]] = {
    "/api/preview": {
        **ID,
        "settings": SETTINGS,
        "frame": 1,
        "size": 64,
        "view": "main",
        "sequence": 1,
        "format": "png",
    },
    "/api/grid": {**ID, "settings": SETTINGS, "styles": ["great-wave"], "size": 64},
    "/api/plan": {**ID, "settings": {"style": "great-wave"}},
    "/api/command": {**ID, "settings": SETTINGS, "output": "results/a.mp4"},
    "/api/job/write": {
        **ID,
        "settings": SETTINGS,
        "styles": ["great-wave"],
        "file": "results/a.toml",
        "overwrite": True,
    },
    "/api/job/read": {"toml": '[[clip]]\ninput = "a.mp4"\nstyles = ["great-wave"]\n', "folder": "f0"},
    "/api/jobs": {"kind": "render", **ID, "settings": SETTINGS, "output": "results/b.mp4", "overwrite": True},
    "/api/jobs/order": {"ids": ["abc"]},
    "/api/live": {"source": "clip", **ID, "styles": ["great-wave"], "strength": 0.5, "size": "640x360"},
    "/api/live/set": {"style": "great-wave", "strength": 0.5, "seed": 2},
}
QUERIES: dict[str, dict[str, Any]] = {
    "/api/files": {"folder": "f0", "path": "day 1"},
    "/api/clip": ID,
    "/api/media": ID,
    "/api/frame": {**ID, "frame": "1", "size": "64", "format": "png"},
    "/api/shots": {"id": "f0/photo.png"},
}
WRONG: list[Any] = [
    *(
        None,
        True,
        -1,
        0,
        1e308,
        -1e308,
        10**30,
        1 << 63,
        0.1,
        "",
        "x",
        "\0",
        "💥" * 50,
        "a" * 5000,
        "../" * 20,
        "/etc/passwd",
    ),
    *(
        "C:\\Windows\\win.ini",
        "great-wave:nan",
        "great-wave:1e999",
        "secret.safetensors",
        "../outside/secret.png",
        "%00",
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        ["f0/way/secret.mp4"],
        {"id": "f0/link.mp4"},
        [None] * 300,
        {"a": {"b": {"c": {"d": {"e": 1}}}}},
    ),
    *(
        "f0/link.mp4",
        "f0/way/secret.csv",
        "sound",
        "120f",
        "1:2:3:4",
        "-5s",
        "nan",
        "inf",
        "<script>",
        "' OR 1=1",
        "{{7*7}}",
    ),
]
RAW = [
    *(
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"text"',
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"size": 1e999}',
        b"\xff\xfe",
        b"{}",
    ),
    *(
        b'{"id": "\\ud800"}',
        b"[" * 5000,
        b'{"a":' * 2000,
        b'{"id": ' + b"9" * 5000 + b"}",
        b"id=f0/plain.mp4",
        b"<xml/>",
    ),
    *(b'{"id": "f0/plain.mp4", "id": 3}', b"{'id': 1}", b"\0" * 100, b" " * 1000, b"x" * (LARGEST_BODY + 1)),
]


def _mutated(value: Any, draw: random.Random) -> Any:
    """The value with one thing in it put wrong."""
    if isinstance(value, dict) and value and draw.random() < 0.85:
        key = draw.choice(list(value))
        if draw.random() < 0.1:
            return {name: one for name, one in value.items() if name != key}
        if draw.random() < 0.1:
            return {**value, draw.choice(["x", "device", "overwrite", "__class__", "a" * 300]): draw.choice(WRONG)}
        return {**value, key: _mutated(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [_mutated(one, draw) if number == at else one for number, one in enumerate(value)]
    return draw.choice([*WRONG, *OUTSIDE])


def _requests(draw: random.Random) -> Iterator[dict[str, Any]]:
    while True:
        kind = draw.random()
        path = draw.choice(list(BODIES))
        if kind < 0.55:
            body = json.dumps(_mutated(BODIES[path], draw)).encode()
            yield {"method": "POST", "path": path, "data": body, "headers": {"content-type": "application/json"}}
        elif kind < 0.7:
            kinds = ["application/json"] * 6 + ["text/plain", "multipart/form-data", ""]
            yield {
                "method": "POST",
                "path": path,
                "data": draw.choice(RAW),
                "headers": {"content-type": draw.choice(kinds)},
            }
        elif kind < 0.85:
            path = draw.choice(list(QUERIES))
            query = {name: one if draw.random() < 0.5 else draw.choice(WRONG) for name, one in QUERIES[path].items()}
            yield {"method": "GET", "path": path, "query": query}
        elif kind < 0.93:
            name = str(draw.choice([*WRONG[10:16], *OUTSIDE])).replace("\ud800", "?")
            path = draw.choice(["/", "/api/jobs/", "/api/styles/", "/api/", "/app.js/../../"]) + name
            path += draw.choice(["", "/picture", "/report", "/cancel", "/preview/x.png", "/retry"])
            yield {
                "method": draw.choice(["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD", "BREW"]),
                "path": path,
            }
        elif kind < 0.97:
            data = draw.randbytes(draw.choice([0, 10, 20_000]))
            name = str(draw.choice([*WRONG[8:20], "a.mp4"])).replace("\ud800", "?")
            yield {"method": "POST", "path": "/api/uploads", "query": {"name": name}, "data": data}
        else:
            data = b"\xff\xd8\xff" + draw.randbytes(draw.choice([0, 100, 1000]))
            yield {"method": "POST", "path": "/api/live/frame", "data": data, "headers": {"content-type": "image/jpeg"}}


@pytest.fixture
def nothing_is_painted(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that happen to be right cost nothing."""

    def paint(clip: Any, number: int, *_: Any, **__: Any) -> Painted:
        frame = studio.clips.frame(clip, number, 64)
        return Painted(np.zeros((8, 8, 3), np.uint8), frame, "approximate", 0.0)

    def no_camera(*_: Any, **__: Any) -> Any:
        raise DeviceError("there is no camera")

    monkeypatch.setattr(studio.painter, "paint", paint)
    monkeypatch.setattr(live_routes, "open_grabber", no_camera)
    monkeypatch.setattr(studio.live, "_run", lambda *_: None)
    for slow in (studio.plans, studio.surveys):
        monkeypatch.setattr(slow._made, "ask", lambda *_: Progress())


@pytest.mark.usefixtures("nothing_is_painted")
def test_a_thousand_wrong_requests(client: Client, tmp_path: Path) -> None:
    requests = _requests(random.Random(7))  # noqa: S311
    seen: dict[int, int] = {}
    kept = {
        path: path.read_bytes()
        for name in ("named", "outside")
        for path in (tmp_path / name).rglob("*.*")
        if path.is_file()
    }

    async def ask_all() -> None:
        for _ in range(COUNT):
            request = next(requests)
            answer = await client.asked(**request)
            seen[answer.status] = seen.get(answer.status, 0) + 1
            assert answer.status != 500, (request, answer.body[:300])
            assert b"Traceback" not in answer.body, request
            assert b"SECRET" not in answer.body, request
            if answer.status >= 400 and request["method"] != "HEAD":
                error = answer.json["error"]
                assert (error["what"], CODES[error["code"]]) == (error["what"] or None, answer.status), request

    asyncio.run(ask_all())
    assert sum(count for status, count in seen.items() if status >= 400) >= 1000, seen
    assert set(seen) <= {200, 201, *CODES.values()}
    left = {
        path: path.read_bytes()
        for name in ("named", "outside")
        for path in (tmp_path / name).rglob("*.*")
        if path.is_file()
    }
    assert left == kept
    assert {path.name for path in tmp_path.iterdir()} == {"named", "outside", "work"}


def test_the_description_names_every_address(client: Client, studio: Studio) -> None:
    described = client.get("/openapi.json").json
    ours = {(one.path, one.method.lower()) for one in all_endpoints(studio)}
    assert {(path, method) for path, methods in described["paths"].items() for method in methods} == ours
    places = {model["$ref"] for model in _refs(described)}
    assert places <= {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert "settings" in described["components"]["schemas"]["PreviewBody"]["required"]


def _refs(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value
        for one in value.values():
            yield from _refs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _refs(one)
