"""What was chosen on the page is what the command line and the job file say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.studio.asking import Client
from videostyle.cli.options import render_settings
from videostyle.cli.parser import parse
from videostyle.errors import VideostyleError
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import RenderSettings, settings_from
from videostyle.studio.painting.choices import command, settings_of, with_ids
from videostyle.studio.studio import Studio

CHOICES: list[dict[str, Any]] = [
    {"style": "great-wave"},
    {"style": "great-wave:0.7,starry-night:0.3", "strength": 0.25, "canvas": 0.0, "seed": 12, "stroke_size": 2.0},
    {"style": "wave", "preserve_color": True, "compare": "side", "audio": False, "max_size": 320, "fps": "30000/1001"},
    {"style": "the-scream", "processors": [{"name": "sharpen", "amount": 0.7}, {"name": "grain"}], "crf": 20},
    {
        "style": "the-scream",
        "regions": [{"kind": "rectangle", "box": "0.1 0.1 0.5 0.5", "style": "starry-night", "feather": 8}],
        "timeline": [
            {"at": 0.5, "style": "starry-night", "ease": 0.25, "curve": "in"},
            {"at": "12f", "strength": 0.5, "snap": True},
            {"at": 1.2345678, "sharpen.amount": 1.5, "ease": 0.1},
        ],
        "processors": [{"name": "sharpen"}],
    },
    {"style": "great-wave", "regions": [{"kind": "mask", "file": "f0/photo.png", "strength": 0.3}], "start": "5f"},
    {"style": "great-wave", "codec": "hevc", "preset": "slow", "bit_depth": "10", "hdr": False, "strict": True},
    {"style": "great-wave", "strength_from": "sound", "end": 0.8, "threads": 2, "tone_map": "hable"},
]


@pytest.mark.parametrize("chosen", CHOICES)
def test_the_command_renders_the_same(studio: Studio, folder: Path, chosen: dict[str, Any]) -> None:
    settings = settings_of(chosen, studio.folders)
    words = command(folder / "plain.mp4", settings, folder / "out.mp4")
    options, _ = parse(words[1:])
    assert render_settings(options, options.style[0]) == settings
    assert (options.inputs, options.output) == ([str(folder / "plain.mp4")], str(folder / "out.mp4"))


@pytest.mark.parametrize("chosen", CHOICES)
def test_the_job_file_holds_the_same(client: Client, studio: Studio, folder: Path, chosen: dict[str, Any]) -> None:
    settings = settings_of(chosen, studio.folders)
    written = client.post("/api/job/write", {"id": "f0/plain.mp4", "settings": chosen, "file": "f0/job.toml"})
    assert written.status == 200, written.body
    (entry,) = read_job_file(folder / "job.toml", RenderSettings(""), allow_outside=False)
    assert settings_from({"style": settings.style}, entry.settings) == settings
    assert entry.input == folder / "plain.mp4"
    (clip,) = client.post("/api/job/read", {"file": "f0/job.toml"}).json["clips"]
    assert clip["id"] == "f0/plain.mp4"
    assert settings_of({**clip["settings"], "style": clip["styles"][0]}, studio.folders) == settings
    assert (
        client.post("/api/job/write", {"id": "f0/plain.mp4", "settings": chosen, "file": "f0/job.toml"}).status == 409
    )


@pytest.mark.parametrize("chosen", CHOICES)
def test_settings_go_to_the_page_and_back(studio: Studio, chosen: dict[str, Any]) -> None:
    settings = settings_of(chosen, studio.folders)
    assert settings_of({"style": settings.style, **with_ids(settings, studio.folders)}, studio.folders) == settings


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"style": "no-such-style"},
        {"style": "../outside/secret.safetensors"},
        {"style": "f0/photo.png"},
        {"style": "great-wave", "regions": [{"kind": "rectangle", "style": "../x.safetensors"}]},
        {"style": "great-wave", "regions": [{"kind": "mask", "file": "/etc/passwd"}]},
        {"style": "great-wave", "regions": [{"kind": "person", "model": "f0/way/secret.mp4"}]},
        {"style": "great-wave", "timeline": [{"at": 1, "style": "x/y.safetensors"}]},
        {"style": "great-wave", "strength_from": "/etc/passwd"},
        {"style": "great-wave", "device": "gpu"},
        {"style": "great-wave", "overwrite": True},
        {"style": "great-wave", "strength": 2},
        {"style": "great-wave", "processors": "sharpen"},
        {"style": "great-wave", "processors": ["sharpen"]},
    ],
)
def test_what_cannot_be_is_refused(studio: Studio, wrong: dict[str, Any]) -> None:
    with pytest.raises(VideostyleError):
        settings_of(wrong, studio.folders)


def test_commands_of_trainings_and_live_paintings_are_understood(client: Client) -> None:
    for body, wanted in (
        ({"kind": "train", "id": "f0/photo.png", "name": "mine", "steps": 20, "size": 64}, {"steps": 20, "size": 64}),
        (
            {
                "kind": "live",
                "styles": ["great-wave", "the-scream"],
                "strength": 0.5,
                "size": "320x240",
                "mirror": True,
            },
            {"style": ["great-wave", "the-scream"], "strength": 0.5, "size": "320x240", "mirror": True, "page": 0},
        ),
        ({"kind": "live", "source": "clip", "id": "f0/plain.mp4", "styles": ["great-wave"]}, {"loop": True}),
    ):
        answer = client.post("/api/command", body)
        assert answer.status == 200, answer.body
        options, _ = parse(answer.json["argv"][1:])
        assert wanted.items() <= vars(options).items()
