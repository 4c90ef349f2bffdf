"""Every backend paints the same frames, each in its own process; which one computes, and what is said of others."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from videostyle.cli.main import main
from videostyle.errors import DeviceError
from videostyle.inference import startup
from videostyle.rendering.chunk_store import check_machine

ROOT = Path(__file__).parent.parent.parent
OTHERS = ("jax", "torch")
Painted = Callable[[str], Path]


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Painted:
    """Runs the contract once for a backend; gives the folder of what it painted."""
    done: dict[str, Path] = {}

    def run(name: str) -> Path:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{startup.BACKENDS[name]} is not installed")
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            environment = {**os.environ, "KERAS_BACKEND": name, "VIDEOSTYLE_PAINTED": str(folder)}
            # Tiny programs: to compile them well takes JAX longer than to run them.
            environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
            command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/inference/backend_contract.py"]
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False
            )
            assert ended.returncode == 0, ended.stdout[-4000:]
            done[name] = folder
        return done[name]

    return run


@pytest.mark.parametrize("name", list(startup.BACKENDS))
def test_the_contract_holds(name: str, painted: Painted) -> None:
    assert len(list(painted(name).glob("*.npy"))) == 5


@pytest.mark.parametrize("name", OTHERS)
def test_frames_are_those_of_tensorflow_within_a_level(name: str, painted: Painted) -> None:
    wanted, found = painted("tensorflow"), painted(name)
    for file in sorted(wanted.glob("*.npy")):
        one, other = np.load(file), np.load(found / file.name)
        assert one.dtype == other.dtype
        difference = np.abs(one.astype(int) - other)
        assert difference.max() <= (257 if one.dtype == np.uint16 else 1), file.name
        assert (difference > 0).mean() < (1 if one.dtype == np.uint16 else 0.01), file.name


def test_a_backend_that_is_not_installed_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jax" else real(name))
    for module in ("keras", "jax"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert main(["bench", "--backend", "jax"]) == 6
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("videostyle: JAX is not installed (pip install 'videostyle[jax]'")
    assert "--backend tensorflow" in told[-1]
    assert os.environ["KERAS_BACKEND"] == "jax"  # processes that are started would compute alike


def test_only_backends_that_can_paint_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "openvino")
    with pytest.raises(DeviceError, match=r"'openvino' \(use one of tensorflow, jax, torch\)"):
        startup.chosen_backend()


def test_keras_that_runs_already_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    class Backend:
        @staticmethod
        def backend() -> str:
            return "tensorflow"

    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=Backend))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert startup.chosen_backend() == "tensorflow"


def test_a_render_is_not_continued_with_another_backend() -> None:
    job: Any = SimpleNamespace(
        machine={"backend": "tensorflow"}, output=Path("out.mp4"), settings=SimpleNamespace(strict=False)
    )
    check_machine(job, {"backend": "tensorflow"})
    with pytest.raises(DeviceError, match="cannot be painted with jax: it was begun with tensorflow"):
        check_machine(job, {"backend": "jax"})
