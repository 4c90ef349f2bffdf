"""Answers about what a user chose as a command line, and as a job file that ``batch`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from videostyle.errors import VideostyleError
from videostyle.media.atomic import disk_error, vet_output, write_whole
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.studio.folders import UPLOADS, Folders
from videostyle.studio.live.session import live_size
from videostyle.studio.painting.choices import command, command_line, settings_of, with_ids, word
from videostyle.studio.routes.files import Id
from videostyle.studio.routes.jobs import JobBody, training
from videostyle.studio.routes.live import Share
from videostyle.studio.web.endpoint import Call, Endpoint, Taken
from videostyle.studio.web.problems import Problem

if TYPE_CHECKING:
    from videostyle.studio.studio import Studio

LONGEST_TOML = 1 << 19  # characters
Styles = Annotated[list[Annotated[str, Field(min_length=1, max_length=1024)]], Field(max_length=64)]


class CommandBody(JobBody):
    """A render, a training or a live painting: what would start it, beside "kind"."""

    kind: Literal["render", "train", "live"] = "render"  # type: ignore[assignment]
    size: Annotated[int, Field(ge=64, le=1024, multiple_of=64)] | Annotated[str, Field(max_length=9)] = 256  # type: ignore[assignment]
    source: Literal["camera", "browser", "clip"] = "camera"
    styles: Styles = Field(default_factory=list)
    camera: Annotated[int, Field(ge=0, le=64)] = 0
    strength: Share = 1.0
    canvas: Share | None = None
    stroke_size: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    mirror: bool = False
    fixed_size: bool = False


class WriteBody(Taken):
    """A render, as a job file."""

    id: Id
    settings: dict[str, Any]
    styles: Styles | None = None
    file: Id | None = None
    overwrite: bool = False


class ReadBody(Taken):
    """A job file: its text, or where it is."""

    toml: Annotated[str, Field(max_length=LONGEST_TOML)] | None = None
    folder: Annotated[str, Field(max_length=40)] = UPLOADS
    file: Id | None = None


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""

    def told_command(call: Call) -> dict[str, Any]:
        body: CommandBody = call.body
        if body.kind == "render":
            words = _render_words(studio, body)
        elif body.kind == "train":
            given = {name: getattr(body, name) for name in JobBody.model_fields}
            words, _ = training(studio, JobBody(**{**given, "size": _number(body.size)}))
        else:
            words = _live_words(studio, body)
        return {"command": command_line(words), "argv": words}

    def write(call: Call) -> dict[str, Any]:
        body: WriteBody = call.body
        path = studio.folders.file(body.id)
        settings = settings_of(body.settings, studio.folders)
        styles = body.styles or [settings.style]
        for style in styles:
            settings_of({"style": style}, studio.folders)
        target = studio.folders.target(body.file, (".toml",)) if body.file is not None else None
        text = job_file(path, settings, styles, target.parent if target is not None else None)
        if target is not None:
            vet_output(target, overwrite=body.overwrite)
            try:
                write_whole(target, text.encode())
            except OSError as error:
                raise disk_error(target, error) from error
        return {"toml": text, "file": body.file}

    def read(call: Call) -> dict[str, Any]:
        body: ReadBody = call.body
        if (body.toml is None) == (body.file is None):
            raise Problem("bad_request", "give 'toml' or 'file'", hint="one of the two")
        if body.file is not None:
            return {"clips": _clips(studio, studio.folders.file(body.file))}
        # Paths in a job file begin in its folder, so the text is read as a file there.
        folder = studio.folders.folder(body.folder)
        held = studio.work / "read.toml"
        write_whole(held, (body.toml or "").encode("utf-8", "replace"))
        try:
            return {"clips": _clips(studio, held, folder.path)}
        finally:
            held.unlink(missing_ok=True)

    return [
        Endpoint(
            "POST",
            "/api/command",
            "The command that renders, trains or paints live as chosen",
            told_command,
            body=CommandBody,
        ),
        Endpoint("POST", "/api/job/write", "A render as a job file, saved if a file is named", write, body=WriteBody),
        Endpoint("POST", "/api/job/read", "What a job file says", read, body=ReadBody),
    ]


def _render_words(studio: Studio, body: CommandBody) -> list[str]:
    if body.id is None or body.settings is None:
        raise Problem("bad_request", "'id' and 'settings' are missing", hint="give what POST /api/jobs takes")
    output = studio.folders.target(body.output) if body.output is not None else None
    return command(studio.folders.file(body.id), settings_of(body.settings, studio.folders), output)


def _live_words(studio: Studio, body: CommandBody) -> list[str]:
    words = ["videostyle", "live"]
    for style in body.styles:
        words += ["--style", settings_of({"style": style}, studio.folders).style]
    for name, usual in (("strength", 1.0), ("canvas", None), ("seed", 0), ("stroke_size", 1.0)):
        if (value := getattr(body, name)) != usual:
            words += [f"--{name.replace('_', '-')}", word(value)]
    if body.source == "clip":
        if body.id is None:
            raise Problem("bad_request", "'id' is missing", hint="say which clip")
        words += ["--input", str(studio.folders.file(body.id)), "--loop"]
    else:
        words += ["--camera", str(body.camera)] if body.camera else []
        words += ["--size", "x".join(map(str, live_size(body.size)))] if isinstance(body.size, str) else []
    words += ["--mirror"] if body.mirror else []
    words += ["--fixed-size"] if body.fixed_size else []
    return [*words, "--page", "0"]


def _number(size: int | str) -> int:
    if isinstance(size, str):
        raise Problem("bad_request", "cannot use 'size'", hint="a training takes a multiple of 64")
    return size


def job_file(path: Path, settings: RenderSettings, styles: list[str], folder: Path | None) -> str:
    """A job file with one clip.

    Args:
        path: the clip.
        settings: of the render.
        styles: that it is painted in.
        folder: of the job file; a clip in it is named relative to it.
    """
    usual = to_json(RenderSettings(""))
    plain = {name: value for name, value in to_json(settings).items() if value != usual[name]}
    inside = folder is not None and path.is_relative_to(folder)
    shown = path.relative_to(folder).as_posix() if folder is not None and inside else str(path)
    lines = ["[[clip]]", f"input = {_toml(shown)}", f"styles = {_toml(styles)}"]
    lines += [
        f"{name} = {_toml(value)}"
        for name, value in plain.items()
        if name not in ("style", "overwrite", "processors", "regions", "timeline")
    ]
    for name in ("timeline", "processors", "regions"):
        for table in plain.get(name, []):
            lines += [
                "",
                f"[[clip.{name}]]",
                *(f"{_key(key)} = {_toml(value)}" for key, value in table.items() if value is not None),
            ]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def _toml(value: Any) -> str:
    """A value as TOML writes it; strings of JSON are strings of TOML, but for DEL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _clips(studio: Studio, path: Path, folder: Path | None = None) -> list[dict[str, Any]]:
    entries = read_job_file(path, RenderSettings(""), allow_outside=True)
    return [
        {
            "id": _id(studio.folders, entry.input if folder is None else folder / _relative(entry.input, path.parent)),
            "input": str(entry.input),
            "styles": list(entry.styles),
            "settings": _settings(studio.folders, entry.settings),
            "output": _id(studio.folders, entry.output) if entry.output is not None else None,
        }
        for entry in entries
    ]


def _relative(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _id(folders: Folders, path: Path) -> str | None:
    found = folders.id_of(path)
    try:
        return found if found is not None and folders.file(found) else None
    except VideostyleError:
        return None


def _settings(folders: Folders, settings: RenderSettings) -> dict[str, Any]:
    """Settings of a job file for the page; what it may not choose is left out."""
    return {name: value for name, value in with_ids(settings, folders).items() if name != "style"}
