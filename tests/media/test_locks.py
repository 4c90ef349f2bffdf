"""One run at a time writes an output, whatever the file system."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from videostyle.media.atomic import PendingOutput
from videostyle.media.locks import Lock

ROOT = Path(__file__).parent.parent.parent
HOLD = """
    import sys
    sys.path.insert(0, {root!r})
    {prepare}
    from pathlib import Path
    from videostyle.media.locks import Lock
    lock = Lock(Path({path!r}))
    print("held", flush=True)
    sys.stdin.read()
"""
NO_FLOCK = """
    import fcntl
    def refuse(*arguments):
        raise OSError({number}, "no locks here")
    fcntl.flock = refuse
"""


def refuse_flock(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)


@pytest.mark.parametrize("number", [None, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_second_lock_is_refused_until_the_first_is_released(
    number: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if number is not None:
        refuse_flock(monkeypatch, number)
    for _ in range(2):
        lock = Lock(tmp_path / "lock")
        with pytest.raises(BlockingIOError):
            Lock(tmp_path / "lock")
        lock.release()
        lock.release()
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [None, errno.EOPNOTSUPP])
def test_what_a_killed_process_held_is_free(
    number: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = "" if number is None else textwrap.indent(textwrap.dedent(NO_FLOCK.format(number=number)), "    ")
    code = textwrap.dedent(HOLD.format(root=str(ROOT), prepare=prepare.strip(), path=str(tmp_path / "lock")))
    if number is not None:
        refuse_flock(monkeypatch, number)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"held"
        with pytest.raises(BlockingIOError):
            Lock(tmp_path / "lock")
        child.kill()
    Lock(tmp_path / "lock").release()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"[Nn]o such"):
        Lock(tmp_path / "missing" / "lock")


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="needs a folder in which no file can be made")
def test_a_lock_that_cannot_be_made_is_not_held_by_another() -> None:
    with pytest.raises(FileNotFoundError):
        Lock(Path("/proc/lock"))


def test_an_output_on_a_disk_without_locks_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_flock(monkeypatch, errno.EOPNOTSUPP)
    with PendingOutput(tmp_path / "out.bin") as output:
        output.temporary.write_bytes(b"whole")
        output.commit()
    assert os.listdir(tmp_path) == ["out.bin"]
