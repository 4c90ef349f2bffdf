"""TensorFlow's remarks are held back, its last words are not."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from videostyle.inference import startup

ROOT = Path(__file__).parent.parent.parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="another C library")


def run(body: str) -> subprocess.CompletedProcess[str]:
    """Runs ``body`` in a process of its own, inside of ``held_stderr``."""
    code = f"""
import ctypes, os, signal, sys
from videostyle.inference.startup import held_stderr
with held_stderr():
    os.write(2, b"a remark of the library\\n")
    {body}
os.write(2, b"afterwards\\n")
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)


def test_remarks_are_not_shown() -> None:
    done = run("pass")
    assert done.returncode == 0
    assert done.stderr == "afterwards\n"


@POSIX
@pytest.mark.parametrize("death", ["os.abort()", "signal.raise_signal(signal.SIGILL)"])
@pytest.mark.parametrize("traced", [False, True])
def test_what_a_library_says_before_it_ends_the_process_is_shown(death: str, traced: bool) -> None:
    done = run(("import faulthandler; faulthandler.enable(os.dup(1)); " if traced else "") + death)
    assert done.returncode == -(signal.SIGABRT if "abort" in death else signal.SIGILL)
    assert done.stderr == "a remark of the library\n"
    assert ("Fatal Python error" in done.stdout) is traced


@POSIX
def test_opening_libraries_is_never_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are missing or damaged are the matter of the import."""
    package = tmp_path / "odd_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "damaged.so").write_bytes(b"no library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(startup.LIBRARIES, "odd_package", ("damaged.so", "missing.so"))
    monkeypatch.setitem(startup.LIBRARIES, "no_package", ("damaged.so",))
    for name in ("odd_package", "no_package", "math"):
        startup._open_libraries(name)


def test_garbage_is_collected_again_afterwards() -> None:
    with startup._no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_said_before_an_error_is_shown() -> None:
    done = run("raise ImportError('no such library')")
    assert done.returncode == 1
    assert done.stderr.startswith("a remark of the library\n")
    assert "ImportError: no such library" in done.stderr


@pytest.mark.parametrize(
    ("first", "side_by_side", "threads"), [("", False, "3"), ("", True, "1"), ("import tensorflow", True, "0")]
)
def test_tensorflow_computes_on_the_cores_that_it_may_use(first: str, side_by_side: bool, threads: str) -> None:
    """Another program's TensorFlow keeps its own threads."""
    code = f"""
{first}
from videostyle.inference.startup import load_backend
load_backend(frames_side_by_side={side_by_side})
import tensorflow
print(tensorflow.config.threading.get_intra_op_parallelism_threads())
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VIDEOSTYLE_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, env=environment)
    assert done.stdout.split() == [threads], done.stderr


def test_advice_on_retracing_is_not_shown_and_other_remarks_are(caplog: pytest.LogCaptureFixture) -> None:
    import logging

    from videostyle.inference.startup import _NoRetracing, load_backend

    pytest.importorskip("tensorflow")
    load_backend()
    load_backend()
    remarks = logging.getLogger("tensorflow")
    assert sum(isinstance(found, _NoRetracing) for found in remarks.filters) == 1
    record = logging.LogRecord("tensorflow", logging.WARNING, "", 0, "5 out of 5 calls triggered retracing", (), None)
    assert not remarks.filter(record)
    record.msg = "something else"
    assert remarks.filter(record)
