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


# What each shell does when Tab is pressed behind "videostyle render --style great".
PRESSED = {
    "bash": "source <(videostyle complete bash); COMP_WORDS=(videostyle render --style great); COMP_CWORD=3; "
    'complete -p videostyle >&2; _videostyle; echo "${COMPREPLY[@]}"',
    # zsh hands words over and takes candidates with compadd in an interactive line only: both are played.
    "zsh": "compdef() { [[ $1 == _videostyle && $2 == videostyle ]] }; compadd() { print -l -- ${(P)2} }; "
    "_files() { print FILES }; source <(videostyle complete zsh) || exit 1; "
    "words=(videostyle render --style great); CURRENT=4; _videostyle; "
    "words=(videostyle render ''); CURRENT=3; _videostyle",
    "fish": "videostyle complete fish | source; complete -C 'videostyle render --style great'",
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_completes(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "videostyle"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m videostyle "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}  # without what the user has set up
    done = subprocess.run([shell, "-c", PRESSED[shell]], capture_output=True, text=True, timeout=120, env=environment)
    wanted = ["great-wave", "FILES"] if shell == "zsh" else ["great-wave"]
    assert (done.returncode, done.stdout.split()) == (0, wanted), done.stderr
