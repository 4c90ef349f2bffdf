"""The notebook among the samples runs from top to bottom; the Dockerfile does what README does first."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest

from videostyle.cli.parser import parse

ROOT = Path(__file__).parent.parent


def test_the_notebook_runs_from_top_to_bottom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = json.loads((ROOT / "samples" / "first_steps.ipynb").read_text(encoding="utf-8"))
    monkeypatch.chdir(ROOT / "samples")
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert "great-wave" in printed.splitlines()[0]
    assert printed.splitlines()[-1] == "painted.mp4 10 ()"


def test_the_dockerfile_installs_and_paints_as_readme_does() -> None:
    dockerfile = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    setup, install, paint = re.search(r"^python3 -m venv .*render.*$", readme, re.MULTILINE)[0].split(" && ")  # type: ignore[index]
    run = re.search(r"^RUN (.*)$", dockerfile, re.MULTILINE)[1]  # type: ignore[index]
    assert run.replace(" --no-cache-dir", "") == f"{setup} && {install}"
    command = json.loads(re.search(r"^CMD (.*)$", dockerfile, re.MULTILINE)[1])  # type: ignore[index]
    assert command == shlex.split(paint)[1:]
    version = re.search(r"^FROM python:3\.(\d+)-slim$", dockerfile, re.MULTILINE)[1]  # type: ignore[index]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert int(version) >= int(project["requires-python"].removeprefix(">=3."))
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE) for word in line.split()}
    assert copied == {"pyproject.toml", project["readme"], "videostyle", Path(command[1]).parts[0]}
    assert all((ROOT / name).exists() for name in copied)


def test_what_the_dockerfile_tells_to_type_is_understood() -> None:
    dockerfile = (ROOT / "scripts" / "Dockerfile").read_text(encoding="utf-8")
    (ours,) = re.findall(r"^#     docker run .* videostyle (render .*)$", dockerfile, re.MULTILINE)
    options, _ = parse(shlex.split(ours))
    assert options.style == ["great-wave"]
