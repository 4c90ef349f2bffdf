"""Folders, files, clips and frames that the studio shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.studio.asking import Client
from videostyle.errors import InputError
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.studio.folders import Folders
from videostyle.studio.studio import Studio


def test_a_folder_lists_what_can_be_used(client: Client) -> None:
    entries = client.get("/api/files", folder="f0").json["entries"]
    assert [(one["name"], one["kind"]) for one in entries] == [
        ("day 1", "folder"),
        ("photo.png", "picture"),
        ("plain.mp4", "video"),
    ]
    inner = client.get("/api/files", folder="f0", path="day 1").json
    assert [one["id"] for one in inner["entries"]] == ["f0/day 1/inner.mp4"]
    assert inner["parent"] == ""


OUTSIDE = [
    "../outside/secret.mp4",
    "f0/../outside/secret.mp4",
    "f0/day 1/../../outside/secret.mp4",
    "f0//etc/passwd",
    "f0/./plain.mp4",
    "f0/link.mp4",
    "f0/way/secret.mp4",
    "f0/.hidden.mp4",
    "f0/plain.mp4/",
    "f0/plain.mp4\0.png",
    "f0/..%2foutside/secret.mp4",
    "/etc/passwd",
    "f9/plain.mp4",
    "f0",
    "f0/" + "a" * 300,
    "f0/" + "a/" * 300 + "b",
    "f0/\ud800",
    "results/../queue.json",
    "uploads/../../named/plain.mp4",
]


@pytest.mark.parametrize("id", OUTSIDE)
def test_what_is_outside_does_not_exist(client: Client, id: str) -> None:
    for path in ("/api/media", "/api/clip", "/api/frame", "/api/shots"):
        found = client.get(path, id=id)
        assert found.status == 404, (path, found.body)
    for path, body in (
        ("/api/preview", {"id": id, "settings": {"style": "great-wave"}}),
        ("/api/command", {"id": id, "settings": {"style": "great-wave"}}),
        ("/api/jobs", {"kind": "render", "id": id, "settings": {"style": "great-wave"}}),
        ("/api/jobs", {"kind": "train", "id": id}),
        ("/api/job/read", {"file": id}),
    ):
        if "\ud800" not in id:
            found = client.post(path, body)
            assert found.status == 404, (path, found.body)


def test_nothing_is_written_outside(client: Client, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    for output in (
        "f0/way/new.mp4",
        "../new.mp4",
        "f0/link.mp4",
        "f0/../new.mp4",
        "results/.new.mp4",
        "results/a/b.mp4",
    ):
        settings = {"style": "great-wave"}
        for path, body in (
            ("/api/jobs", {"kind": "render", "id": "f0/plain.mp4", "settings": settings, "output": output}),
            ("/api/job/write", {"id": "f0/plain.mp4", "settings": settings, "file": output.replace("mp4", "toml")}),
        ):
            assert client.post(path, body).status in (400, 404), output
    assert sorted(tmp_path.rglob("*")) == before


def test_one_file_that_is_named_shows_no_others(folder: Path, tmp_path: Path) -> None:
    folders = Folders([folder / "plain.mp4"], tmp_path / "other")
    assert folders.opened == "f0/plain.mp4"
    assert [one["name"] for one in folders.entries("f0", "")] == ["plain.mp4"]
    for id in ("f0/photo.png", "f0/day 1/inner.mp4"):
        with pytest.raises(Exception, match="no file"):
            folders.file(id)
    with pytest.raises(InputError, match="cannot open"):
        Folders([folder / "missing.mp4"], tmp_path / "other")


def test_a_clip_is_described(client: Client) -> None:
    found = client.get("/api/clip", id="f0/plain.mp4").json
    wanted = {
        "kind": "video",
        "width": 64,
        "height": 48,
        "frames": 25,
        "fps": 25.0,
        "sound": True,
        "exact": True,
        "usual_stroke_size": 1,
    }
    assert wanted.items() <= found.items()
    assert client.get("/api/clip", id="f0/photo.png").json["kind"] == "picture"
    broken = client.get("/api/clip", id="f0/notes.txt")
    assert broken.status in (404, 422)


def test_frames_are_exact_in_any_order(client: Client, folder: Path) -> None:
    with open_reader(folder / "plain.mp4", ReadOptions(batch_size=25)) as reader:
        frames = next(iter(reader)).frames
    for number in (0, 1, 2, 20, 19, 7, 24, 24, 3):
        found = client.get("/api/frame", id="f0/plain.mp4", frame=number, format="png")
        shown = cv2.cvtColor(cv2.imdecode(np.frombuffer(found.body, np.uint8), 1), cv2.COLOR_BGR2RGB)
        assert int(found.headers["x-frame"]) == number
        assert np.array_equal(shown, frames[number]), number
    behind = client.get("/api/frame", id="f0/plain.mp4", frame=1000)
    assert behind.headers["x-frame"] == "24"


def test_files_come_in_ranges(client: Client, folder: Path) -> None:
    data = (folder / "plain.mp4").read_bytes()
    part = client.ask("GET", "/api/media", query={"id": "f0/plain.mp4"}, headers={"range": "bytes=10-19"})
    assert (part.status, part.body) == (206, data[10:20])


def test_an_upload_is_kept_under_a_name_of_its_own(client: Client, studio: Studio, folder: Path) -> None:
    data = b"x" * 5000
    first, second = (
        client.ask("POST", "/api/uploads", query={"name": "a.mp4"}, data=data).json["id"] for _ in range(2)
    )
    assert (first, second) == ("uploads/a.mp4", "uploads/a-2.mp4")
    assert studio.folders.file(second).read_bytes() == data
    assert client.delete("/api/uploads", id=first).status == 200
    assert client.delete("/api/uploads", id="f0/plain.mp4").status == 403
    assert (folder / "plain.mp4").is_file()


@pytest.mark.parametrize(
    ("name", "size", "status"),
    [("big.mp4", 10_001, 413), ("empty.mp4", 0, 400), ("../../x.mp4", 1, 201), ("x.html", 1, 400), (".mp4", 1, 400)],
)
def test_uploads_have_limits(client: Client, tmp_path: Path, name: str, size: int, status: int) -> None:
    found = client.ask("POST", "/api/uploads", query={"name": name}, data=b"x" * size)
    assert found.status == status, found.body
    kept = [path.name for path in (tmp_path / "work" / "uploads").iterdir()]
    assert kept == (["x.mp4"] if status == 201 else [])


def test_a_second_studio_in_the_same_folder_is_refused(studio: Studio, folder: Path) -> None:
    with pytest.raises(Exception, match="works in"):
        Studio([folder], studio.work)
