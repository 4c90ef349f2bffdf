"""Processors of other packages: found by their entry points, named in the chain, refused where they are none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.processors import contract
from videostyle.cli.main import main
from videostyle.errors import SettingError
from videostyle.processors import registry
from videostyle.processors.arrangement import arranged
from videostyle.rendering.chain import packages_of
from videostyle.rendering.settings import RenderSettings, settings_from

EXAMPLE = Path(__file__).parent.parent.parent / "samples" / "processor"
Install = Callable[[dict[str, str], str], None]


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    registry.offers.cache_clear()
    yield
    registry.offers.cache_clear()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip has installed the example."""
    folder = tmp_path_factory.mktemp("packages")
    source = shutil.copytree(EXAMPLE, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip += ["--no-build-isolation", "--no-index", "--target", str(folder / "site"), str(source)]
    found = subprocess.run(pip, capture_output=True, text=True, timeout=120)
    if found.returncode:
        pytest.skip(f"pip cannot build here: {found.stderr[-300:]}")
    return folder / "site"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts modules, with an entry point, where packages are found."""

    def put(modules: dict[str, str], points: str, name: str = "other") -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{points}\n")
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        registry.offers.cache_clear()

    return put


def test_the_example_is_found_and_keeps_to_the_contract(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(installed)
    settings = settings_from({"processors": ["vignette:amount=0.9"]}, RenderSettings("x"))
    assert [choice.name for choice in arranged(settings.processors)] == ["style", "vignette"]
    assert packages_of(settings) == ["videostyle-vignette 0.1.0"]
    make = partial(registry.make, settings.processors[0])
    for check in (contract.check_batches, contract.check_chunks, contract.check_sizes, contract.check_alone):
        check(make)
    contract.check_frames_and_times(make, np.uint8)
    contract.check_frames_and_times(make, np.uint16)
    batch = contract.clip()
    assert contract.run(make, batch, 8).frames[:, 0, 0].mean() < 0.5 * batch.frames[:, 0, 0].mean()
    with pytest.raises(SettingError, match=r"amount of 'vignette' cannot be '2' \(give a number from 0 to 1\)"):
        settings_from({"processors": ["vignette:amount=2"]}, RenderSettings("x"))
    assert main(["processors", "list"]) == 0
    assert "vignette        Darkens the corners of the painting (videostyle-vignette 0.1.0)" in capsys.readouterr().out
    assert main(["processors", "show", "vignette"]) == 0
    assert "amount = 0.4  (a number from 0 to 1)" in capsys.readouterr().out


def test_a_package_that_fails_hides_no_other(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(
        {"broken_one": "raise RuntimeError('no licence')", "no_one": "x = 3"}, "broken = broken_one:X\nno = no_one:x"
    )
    assert main(["processors", "list"]) == 0
    printed = capsys.readouterr().out
    assert "no licence" in printed
    assert "Sharpens" in printed
    with pytest.raises(SettingError, match=r"'broken' of other 1\.0 cannot be loaded: no licence"):
        registry.choice_from("broken")
    with pytest.raises(SettingError, match=r"'no' of other 1\.0 is no processor"):
        registry.choice_from("no")


def test_a_name_of_ours_cannot_be_taken(install: Install) -> None:
    install({"thief": "raise RuntimeError"}, "sharpen = thief:X")
    assert registry.find("sharpen").package == ""
    assert registry.offers()["sharpen"].package == ""


def test_nothing_is_imported_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise SystemExit('imported')")
    for name in (str(tmp_path / "mine.py"), "mine.py", "mine", "videostyle.processors.sharpen:Sharpen"):
        with pytest.raises(SettingError, match="no processor"):
            registry.choice_from({"name": name})
