"""Answers about jobs: renders, trainings, evaluations, and the commands and job files that do the same."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from starlette.responses import FileResponse, Response

from videostyle.errors import raise_all
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.pictures import read_picture
from videostyle.rendering.naming import default_output
from videostyle.rendering.outputs import OutputRequest
from videostyle.rendering.preflight import mistakes_of
from videostyle.rendering.settings import RenderSettings, to_json
from videostyle.studio.folders import RESULTS, kind_of
from videostyle.studio.jobs.job import DONE, EVALUATE, OPEN, RENDER, TRAIN, Job, new_id
from videostyle.studio.jobs.shown import described, listed
from videostyle.studio.painting.choices import command, command_line, settings_of
from videostyle.studio.routes.files import Id
from videostyle.studio.web.endpoint import Call, Endpoint, Taken
from videostyle.studio.web.problems import Problem, not_found
from videostyle.styles import gallery

if TYPE_CHECKING:
    from videostyle.studio.studio import Studio

# A report has styles and scripts inside; in a sandbox it belongs to no server and may ask none.
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
TRAINING = ("steps", "minutes", "stroke", "seed", "network", "start", "size")
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class JobBody(Taken):
    """What to do: a render, a training, or an evaluation of a render."""

    kind: Literal["render", "train", "evaluate"]
    id: Id | None = None
    settings: dict[str, Any] | None = None
    output: Id | None = None
    overwrite: bool = False
    job: Annotated[str, Field(max_length=40)] | None = None
    name: Name | None = None
    steps: Annotated[int, Field(ge=1, le=100_000)] = 1400
    minutes: Annotated[float, Field(gt=0, le=10_000)] | None = None
    stroke: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    network: Literal["small", "medium", "large"] = "medium"
    start: Annotated[str, Field(min_length=1, max_length=256)] = "nearest"
    size: Annotated[int, Field(ge=64, le=1024, multiple_of=64)] = 256
    content: Annotated[list[Id], Field(max_length=200)] = Field(default_factory=list)


class OrderBody(Taken):
    """The order of jobs that wait."""

    ids: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=1000)]


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints of this subject."""

    def jobs(call: Call) -> dict[str, Any]:
        return listed(studio.folders, studio.queue)

    def add(call: Call) -> dict[str, Any]:
        body: JobBody = call.body
        made = {RENDER: _render, TRAIN: _train, EVALUATE: _evaluation}[body.kind](studio, body)
        return described(studio.folders, studio.queue, studio.queue.add(made))

    def job(call: Call) -> dict[str, Any]:
        return described(studio.folders, studio.queue, studio.queue.job(call.name))

    def remove(call: Call) -> dict[str, Any]:
        studio.queue.remove(call.name)
        return {"deleted": call.name}

    def order(call: Call) -> dict[str, Any]:
        studio.queue.order(call.body.ids)
        return listed(studio.folders, studio.queue)

    def hold(call: Call) -> dict[str, Any]:
        studio.queue.hold(call.request.url.path.endswith("/pause"))
        return listed(studio.folders, studio.queue)

    def act(call: Call) -> dict[str, Any]:
        queue, word = studio.queue, call.request.url.path.rpartition("/")[2]
        acts = {
            "cancel": queue.cancel,
            "pause": queue.pause,
            "stop": queue.finish,
            "resume": queue.resume,
            "retry": queue.resume,
        }
        return described(studio.folders, studio.queue, acts[word](call.name))

    def preview(call: Call) -> Response:
        found = studio.queue.job(call.name)
        picture = str(call.request.path_params["picture"])
        path = studio.queue.folder(found) / picture
        if picture not in found.previews or not path.is_file():
            raise not_found("there is no such picture", "look at the job")
        return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    def report(call: Call) -> Response:
        found = studio.queue.job(call.name)
        path = studio.queue.folder(found) / "report.html"
        if found.kind != EVALUATE or found.state != DONE or not path.is_file():
            raise not_found("there is no report", "evaluate a render first")
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return FileResponse(path, media_type="text/html", headers=headers)

    words = {
        "cancel": "Gives a job up",
        "pause": "Stops a job for now; what is finished is kept",
        "resume": "Lets a paused job go on",
        "retry": "Lets a job begin again that failed or was cancelled",
        "stop": "Ends a training early; it keeps the style",
    }
    return [
        Endpoint("GET", "/api/jobs", "Lists the jobs", jobs),
        Endpoint("POST", "/api/jobs", "Adds a render, a training or an evaluation", add, body=JobBody, status=201),
        Endpoint("POST", "/api/jobs/order", "Puts waiting jobs into another order", order, body=OrderBody),
        Endpoint("POST", "/api/jobs/pause", "Lets no more jobs begin", hold),
        Endpoint("POST", "/api/jobs/resume", "Lets jobs begin again", hold),
        Endpoint("GET", "/api/jobs/{job}", "Describes a job", job),
        Endpoint("DELETE", "/api/jobs/{job}", "Removes a job from the list", remove),
        *(Endpoint("POST", f"/api/jobs/{{job}}/{word}", text, act) for word, text in words.items()),
        Endpoint("GET", "/api/jobs/{job}/preview/{picture}", "A picture of a training", preview, kind="image/png"),
        Endpoint("GET", "/api/jobs/{job}/report", "The page of an evaluation", report, kind="text/html"),
    ]


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise Problem("bad_request", f"'{name}' is missing", hint="/openapi.json tells what a job needs")
    return value


def _render(studio: Studio, body: JobBody) -> Job:
    path = studio.folders.file(_needed(body.id, "id"))
    settings = settings_of(_needed(body.settings, "settings"), studio.folders)
    settings = replace(settings, overwrite=body.overwrite)
    source = studio.clips.clip(path).source
    output = output_of(studio, path, settings, body.output)
    raise_all(mistakes_of([OutputRequest(output, settings)], open_reader(source, settings.reading(1))))
    as_command = command_line(command(path, settings, output))
    request = {"input": str(path), "output": str(output), "settings": to_json(settings)}
    return Job(new_id(), RENDER, f"{path.name} as {settings.style}", request, as_command, output=str(output))


def output_of(studio: Studio, path: Path, settings: RenderSettings, id: str | None) -> Path:
    """The file that a render makes.

    Args:
        studio: the studio.
        path: the clip.
        settings: of the render.
        id: as the user wants it; None = a free name among the results.

    Raises:
        Problem: if it may not be written there.
    """
    if id is not None:
        return studio.folders.target(id)
    folder = studio.folders.folder(RESULTS).path
    name = default_output(path, settings, studio.clips.clip(path).source.info).name
    stem, suffix = os.path.splitext(name)
    taken = {job.output for job in studio.queue.jobs if job.state in OPEN}
    for number in range(1, 10_000):
        found = folder / (name if number == 1 else f"{stem}-{number}{suffix}")
        if not (found.exists() or str(found) in taken):
            return found
    raise Problem("conflict", f"there is no free name for '{name}'", hint="name one as output")


def _train(studio: Studio, body: JobBody) -> Job:
    words, request = training(studio, body)
    as_command = command_line([*words, *(["--overwrite"] if body.overwrite else [])])
    title = f"{request['name']}, learnt from {Path(request['input']).name}"
    return Job(new_id(), TRAIN, title, request, as_command)


def training(studio: Studio, body: JobBody) -> tuple[list[str], dict[str, Any]]:
    """The words of the command of a training, and what its process gets.

    Raises:
        VideostyleError: if it cannot be trained.
    """
    path = studio.folders.file(_needed(body.id, "id"))
    if kind_of(path.name) != "picture":
        raise Problem("unusable", f"'{path.name}' is no picture", hint="give a picture of a painting")
    read_picture(path)
    name = body.name or gallery.name_for_picture(path)
    gallery.place_for(name, overwrite=body.overwrite)
    if body.start not in ("nearest", "base"):
        settings_of({"style": body.start}, studio.folders)
    content = [studio.folders.file(id) for id in body.content]
    words = ["videostyle", "train", str(path), "-o", name]
    for one in content:
        words += ["--content", str(one)]
    usual = JobBody(kind="train")
    for option in TRAINING:
        if (value := getattr(body, option)) != getattr(usual, option):
            words += [f"--{option}", f"{value:g}" if isinstance(value, float) else str(value)]
    return words, {
        "input": str(path),
        "name": name,
        "content": [str(one) for one in content],
        "overwrite": body.overwrite,
        "command": command_line(words),
        **{option: getattr(body, option) for option in TRAINING},
    }


def _evaluation(studio: Studio, body: JobBody) -> Job:
    render = studio.queue.job(_needed(body.job, "job"))
    painted = Path(render.output)
    if render.kind != RENDER or render.state != DONE or not painted.is_file():
        raise Problem("conflict", "only a finished render can be evaluated", hint="render it first")
    original = Path(render.request["input"])
    if studio.folders.id_of(original) is None or not original.is_file():
        raise not_found("the clip of that render is not there any more")
    id = new_id()
    words = ["evaluate", str(original), str(painted), "--style", render.request["settings"]["style"], "--report"]
    request = {"input": str(original), "words": [*words, str(studio.work / "jobs" / id / "report.html"), "-y"]}
    as_command = command_line(["videostyle", *words, str(painted.with_suffix(".html"))])
    render.report_job = id
    return Job(id, EVALUATE, f"{painted.name} beside {original.name}", request, as_command)
