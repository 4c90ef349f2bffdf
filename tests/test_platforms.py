"""The program starts on systems that lack what POSIX has, and never makes a file name that Windows refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from videostyle import platforms
from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.atomic import PendingOutput
from videostyle.rendering.naming import default_output
from videostyle.rendering.settings import RenderSettings

ROOT = Path(__file__).parent.parent


def test_it_starts_where_posix_is_missing() -> None:
    """A process without the modules and signals that Windows lacks imports all that needs no network library."""
    code = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import filelock, multiprocessing.util, numpy, av, psutil, pydantic  # they know Windows themselves
        import importlib, os, pkgutil, signal

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "tensorflow", "keras", "jax"):
                    raise ImportError(f"there is no {{name}} here")

        for name in ("fcntl", "resource", "termios", "pwd", "grp"):
            sys.modules.pop(name, None)
        sys.meta_path.insert(0, Absent())
        for name in ("pthread_sigmask", "SIGHUP", "SIGXFSZ", "SIGPIPE", "SIGUSR1"):
            delattr(signal, name)
        for name in ("getuid", "getpgid", "fork", "sched_getaffinity", "mkfifo", "getloadavg"):
            delattr(os, name)

        import videostyle
        from videostyle.cli.main import main
        for module in pkgutil.walk_packages(videostyle.__path__, "videostyle."):
            if module.name.split(".")[1] == "__main__":
                continue
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                assert any(word in str(error) for word in ("tensorflow", "keras", "jax", "torch")), (module.name, error)
        from videostyle import platforms
        with platforms.interrupts_blocked():
            assert platforms.peak_memory() > 1e6
            assert platforms.processor_seconds() > 0
        assert main(["--version"]) == 0
        print("started")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.stdout.endswith("started\n"), done.stderr


def test_children_that_do_not_hear_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    assert platforms.own_process_group() == {"process_group": 0}
    monkeypatch.setattr(platforms, "WINDOWS", True)
    assert platforms.own_process_group() == {"creationflags": 0x200}


def test_processes_that_run_are_known() -> None:
    assert platforms.is_running(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert not platforms.is_running(child.pid)


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        *(("clip.mp4", "clip.mp4"), ("Ünïcode 絵.mp4", "Ünïcode 絵.mp4"), (".hidden", ".hidden")),
        *(("a:b.mp4", "a-b.mp4"), ('<>:"|?*\\/', "---------"), ("new\nline", "new-line")),
        *(("trailing.", "trailing"), ("trailing. .", "trailing"), ("...", "-"), ("", "-")),
        *(("con", "_con"), ("CON.mp4", "_CON.mp4"), ("nul.tar.gz", "_nul.tar.gz"), ("lpt1 .txt", "_lpt1 .txt")),
        *(("console.mp4", "console.mp4"), ("com10", "com10")),
    ],
)
def test_names_that_every_system_takes(name: str, portable: str) -> None:
    assert platforms.portable_name(name) == portable
    assert platforms.portable_name(portable) == portable


@pytest.mark.parametrize("name", ["a:b.mp4", "who?.mov", "tab\there.mp4", "con.mp4", 'the "film".mkv'])
def test_outputs_get_names_that_every_system_takes(name: str) -> None:
    output = default_output(Path("/films") / name, RenderSettings("great-wave:0.7,scream:0.3"), VideoInfo(64, 48))
    assert platforms.portable_name(output.name) == output.name


def test_windows_refuses_names_before_work_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "WINDOWS", True)
    for name in ("a:b.mp4", "con.mp4", "dot."):
        with pytest.raises(OutputError, match="Windows"):
            PendingOutput(tmp_path / name)
    assert not list(tmp_path.iterdir())
