"""The server as a program: it prints its address, answers, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT
from videostyle.cli.main import main
from videostyle.errors import DeviceError
from videostyle.platforms import WINDOWS
from videostyle.studio.server import kept_token, listening

# Nothing is painted here, and loading TensorFlow takes seconds.
WITHOUT_TENSORFLOW = """
from videostyle.inference import startup
startup.load_backend = lambda **_: None
from videostyle.cli.main import entry
entry()
"""


def test_the_token_is_kept_for_this_user_alone(tmp_path: Path) -> None:
    first = kept_token(tmp_path)
    assert kept_token(tmp_path) == first
    if not WINDOWS:
        assert (tmp_path / "token").stat().st_mode & 0o077 == 0
    (tmp_path / "token").write_text("short")
    assert kept_token(tmp_path) not in ("short", first)


def test_it_listens_on_this_machine_only() -> None:
    with listening(0) as taken:
        host, port = taken.getsockname()
        assert host == "127.0.0.1"
        taken.listen()
        with pytest.raises(DeviceError, match="cannot listen"):
            listening(port)


@pytest.mark.parametrize("words", [["--port", "99999"], ["--upload-limit", "-1"], ["missing.mp4"], ["--port", "x"]])
def test_mistakes_are_told_in_a_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["studio", "--no-browser", "--work", str(tmp_path), *words]) in (2, 3)
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(WINDOWS, reason="Windows has no SIGINT for another process")
def test_it_answers_and_ends(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WITHOUT_TENSORFLOW, "studio", "--no-browser", "--work", str(tmp_path), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = json.loads(process.stdout.readline())["address"]
        home, _, token = address.partition("?token=")
        request = urllib.request.Request(f"{home}api/config", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["opened"] is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) in (0, 130)
        assert "Traceback" not in process.stderr.read()
