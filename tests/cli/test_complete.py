"""``videostyle complete``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from videostyle.cli.complete import SCRIPTS, candidates
from videostyle.cli.main import main


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["re"], {"render"}),
        ([""], {"render", "live", "styles", "--help"}),
        (["render", "a.mp4", "--sty"], {"--style"}),
        (["render", "--style", "great"], {"great-wave"}),
        (["render", "--codec", "pro"], {"prores"}),
        (["render", "--for", ""], {"web", "archive", "edit", "social"}),
        (["render", "--precision", "fl"], {"float32", "float16"}),
        (["styles", "li"], {"list"}),
        (["styles", "show", "wood"], {"woodcut"}),
        (["help", "exit"], {"exit-codes"}),
        (["export", "star"], {"starry-night"}),
    ],
)
def test_the_last_word_is_completed(words: list[str], some: set[str]) -> None:
    assert some <= set(candidates(words))
    assert all(found.startswith(words[-1]) for found in candidates(words))


@pytest.mark.parametrize("words", [["render", ""], ["render", "--output", ""], ["nonsense", "x"], ["render", "a.m"]])
def test_where_a_file_stands_the_shell_completes(words: list[str]) -> None:
    assert candidates(words) == []


def test_words_that_look_like_options_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "words", "render", "--preserve-c"]) == 0
    assert capsys.readouterr().out.split() == ["--preserve-color", "--preserve-colour"]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_each_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", shell]) == 0
    assert "videostyle complete words" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes(tmp_path: Path) -> None:
    program = tmp_path / "videostyle"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m videostyle "$@"\n')
    program.chmod(0o755)
    script = (
        f"PATH={tmp_path}:$PATH; source <(videostyle complete bash); COMP_WORDS=(videostyle render --style great); "
        'COMP_CWORD=3; _videostyle; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stdout.strip() == "great-wave", done.stderr
