"""What of the machine a process may use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from videostyle import resources
from videostyle.resources import allowed_cores, available_memory, usable_cores

GIB = 1 << 30


@pytest.fixture(autouse=True)
def large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 cores and 256 GiB, nothing chosen."""

    class Memory:
        available = 256 * GIB

    monkeypatch.delenv("VIDEOSTYLE_THREADS", raising=False)
    monkeypatch.setattr(resources, "_scheduled_cores", lambda: 64)
    monkeypatch.setattr(resources.psutil, "virtual_memory", Memory)


def system(root: Path, groups: str, **files: str) -> Path:
    """A file system as the kernel shows it: the process's groups, and files by path below ``/sys/fs/cgroup``."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_limits_it_is_the_machine(tmp_path: Path) -> None:
    assert allowed_cores(tmp_path) == 64  # no control groups at all, as on macOS
    assert available_memory(tmp_path) == 256 * GIB
    root = system(tmp_path, "0::/\n", **{"cpu.max": "max 100000\n", "memory.max": "max\n", "memory.current": "5\n"})
    assert allowed_cores(root) == 64
    assert available_memory(root) == 256 * GIB


@pytest.mark.parametrize(
    ("quota", "cores"), [("400000 100000", 4), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 64)]
)
def test_a_quota_of_cores_counts(tmp_path: Path, quota: str, cores: int) -> None:
    assert usable_cores(system(tmp_path, "0::/\n", **{"cpu.max": f"{quota}\n"})) == cores


def test_limits_of_the_groups_above_count(tmp_path: Path) -> None:
    files = {
        "batch/cpu.max": "300000 100000",
        "batch/job/cpu.max": "max 100000",
        "batch/memory.max": str(4 * GIB),
        "batch/memory.current": str(3 * GIB),
        "batch/memory.stat": f"anon 1\ninactive_file {GIB}\n",
        "batch/job/memory.max": str(8 * GIB),
        "batch/job/memory.current": str(GIB),
    }
    root = system(tmp_path, "0::/batch/job\n", **files)
    assert allowed_cores(root) == 3
    assert available_memory(root) == 2 * GIB  # the cache of files can be given back


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/job/cpu.cfs_quota_us": "200000",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": str(2 * GIB),
        "memory/job/memory.usage_in_bytes": str(GIB),
        "memory/job/memory.stat": f"cache 7\ntotal_inactive_file {GIB // 2}\n",
        "memory/memory.limit_in_bytes": "9223372036854771712",  # no limit
        "memory/memory.usage_in_bytes": "1",
    }
    root = system(tmp_path, "5:memory:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n", **files)
    assert allowed_cores(root) == 2
    assert available_memory(root) == 1.5 * GIB


@pytest.mark.parametrize("path", ["/docker/0123456789ab", "/../../other"])
def test_in_a_container_the_path_may_be_the_hosts(tmp_path: Path, path: str) -> None:
    root = system(tmp_path, f"0::{path}\n", **{"cpu.max": "200000 100000"})
    assert allowed_cores(root) == 2


def test_who_chooses_threads_has_a_share_of_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, "0::/\n", **{"cpu.max": "800000 100000"})
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "2")
    assert usable_cores(root) == 2
    assert available_memory(root) == 64 * GIB
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "16")  # more than there are: no more memory than there is
    assert usable_cores(root) == 16
    assert available_memory(root) == 256 * GIB
    for nothing in ("0", "-2", "all", ""):
        monkeypatch.setenv("VIDEOSTYLE_THREADS", nothing)
        assert usable_cores(root) == 8


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets an affinity mask and limits the address space")
def test_limits_that_the_system_itself_sets() -> None:
    """No stand-ins: ``taskset`` and ``ulimit -v`` set the same."""
    code = """
import resource, psutil
from videostyle.resources import available_memory, usable_cores
psutil.Process().cpu_affinity(psutil.Process().cpu_affinity()[:1])
limit = psutil.Process().memory_info().vms + (50 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(usable_cores(), available_memory() >> 20)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    cores, mebibytes = map(int, done.stdout.split())
    assert cores == 1
    assert 45 <= mebibytes <= 50
