"""Clips that the tests make for themselves with the bundled ffmpeg, and a style with random weights."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from videostyle.media.ffmpeg.process import ffmpeg_exe

# JAX sets another level when it is imported, and processes that tests start inherit it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes; none beside this one for tests that are picked out, which begin sooner so."""
    picked = (
        config.option.keyword
        or getattr(config.option, "lf", False)
        or any("::" in argument for argument in config.args)
    )
    return 0 if picked else 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: none of these is left to one process when the other has nothing more to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _own_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests neither read nor write what the user keeps: styles, measurements."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home") / "videostyle"))
        yield


def ffmpeg(*arguments: str | Path) -> None:
    """Runs ffmpeg, quietly, on one thread."""
    command = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p")


def _test_source(size: str = "64x48", rate: str = "25", seconds: str = "1") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


SINE = ("-f", "lavfi", "-i", "sine=f=440:d=1")

RECIPES: dict[str, tuple[str, ...]] = {
    "plain.mp4": (*_test_source(), *SINE, *X264, "-c:a", "aac", "-metadata", "title=A title"),
    "silent.mkv": (*_test_source(), *X264),
    "ntsc.mp4": (*_test_source(rate="30000/1001"), *X264),
    "variable.mp4": (
        *_test_source(rate="50"),
        *SINE,
        *("-vf", "select='not(mod(n,3)*gt(n,20))'", "-fps_mode", "vfr", "-video_track_timescale", "12800"),
        *X264,
        *("-c:a", "aac"),
    ),
    "one.mp4": (*_test_source(seconds="0.04"), *X264),
    "odd.mkv": ("-f", "lavfi", "-i", "testsrc=s=61x47:r=25:d=0.4", "-c:v", "ffv1", "-pix_fmt", "bgr0"),
    "pixel.mkv": ("-f", "lavfi", "-i", "color=red:s=1x1:r=25:d=0.2", "-c:v", "ffv1", "-pix_fmt", "bgr0"),
    "wide.mp4": (*_test_source(), "-vf", "setsar=16/15", *X264),
    "ten.mp4": (*_test_source(), "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"),
    "hdr.mp4": (
        *_test_source(),
        *("-vf", "format=yuv420p10le,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084"),
        *("-c:v", "libx265", "-x265-params", "log-level=none"),
    ),
    "full.mp4": (
        *_test_source(),
        "-vf",
        "scale=out_range=full:out_color_matrix=bt709",
        *X264,
        "-color_range",
        "pc",
        "-colorspace",
        "bt709",
    ),
    "interlaced.mp4": (
        *_test_source(rate="50"),
        *("-vf", "tinterlace=interleave_top,fieldorder=tff", *X264, "-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    ),
    "alpha.mov": (*_test_source(), "-vf", "format=rgba,colorchannelmixer=aa=0.25", "-c:v", "png"),
    "raw.h264": (*_test_source(), *X264),
    "shifted.mkv": (*_test_source(), *SINE, *X264, "-c:a", "aac", "-output_ts_offset", "5"),
    "tracks.mkv": (
        *_test_source(),
        *SINE,
        "-f",
        "lavfi",
        "-i",
        "sine=f=880:d=1",
        *("-map", "0", "-map", "1", "-map", "2"),
        *X264,
        "-c:a",
        "aac",
    ),
    "sound.m4a": (*SINE, "-c:a", "aac"),
}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes the clip of that name once; hands out its path, which tests must not write to."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        path = folder / name
        if not path.exists():
            if name in ("turned90.mp4", "turned270.mp4"):
                ffmpeg("-display_rotation", name[6:-4], "-i", make("plain.mp4"), "-c", "copy", path)
            elif name == "subtitles.mkv":
                (folder / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
                (folder / "c.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n")
                ffmpeg(
                    "-i",
                    make("plain.mp4"),
                    "-i",
                    folder / "s.srt",
                    "-i",
                    folder / "c.txt",
                    "-map_chapters",
                    "2",
                    "-map",
                    "0",
                    "-map",
                    "1",
                    "-c",
                    "copy",
                    path,
                )
            elif name == "nomoov.mp4":
                data = make("plain.mp4").read_bytes()
                path.write_bytes(data[: len(data) // 2])
            elif name == "cut.mp4":
                ffmpeg("-i", make("plain.mp4"), "-c", "copy", "-movflags", "+faststart", folder / "fast.mp4")
                data = (folder / "fast.mp4").read_bytes()
                path.write_bytes(data[: len(data) * 6 // 10])
            elif name == "damaged.mp4":
                ffmpeg(
                    *_test_source("128x96", "25", "4"),
                    *X264,
                    "-g",
                    "10",
                    "-movflags",
                    "+faststart",
                    folder / "whole.mp4",
                )
                data = bytearray((folder / "whole.mp4").read_bytes())
                middle = len(data) // 2
                data[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
                path.write_bytes(data)
            else:
                ffmpeg(*RECIPES[name], path)
        return path

    return make


@pytest.fixture(autouse=True)
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A test in which something is logged as an error has failed, whatever it asserts."""
    yield
    bad = [
        record
        for record in caplog.get_records("call")
        if record.name == "videostyle" and record.levelno >= logging.ERROR
    ]
    assert not bad, bad


def load_script(name: str) -> ModuleType:
    """A module of scripts/, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent.parent / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def random_style():  # type: ignore[no-untyped-def]
    """A style of a small network with random weights: paints something, learns nothing."""
    pytest.importorskip("tensorflow")
    from videostyle.network.architecture import Architecture, initial_weights
    from videostyle.styles.card import Style, StyleCard

    arch = Architecture(channels=8, blocks=1, deep_channels=8, deep_blocks=1, head_channels=4, fine_channels=3)
    return Style(StyleCard(name="random", architecture=arch), initial_weights(arch, seed=5))


@pytest.fixture
def little_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bundled styles to start a training from, and a small painting: more takes long.

    Steps are not compiled: they are few.
    """
    import keras

    from videostyle.styles import gallery
    from videostyle.training import style_objective
    from videostyle.training.objective import Objective

    def uncompiled(self: Objective, optimizer: keras.optimizers.Optimizer, **_: Any) -> None:
        keras.Model.compile(self, optimizer=optimizer, jit_compile=False, run_eagerly=True)

    monkeypatch.setattr(Objective, "compile", uncompiled)
    monkeypatch.setattr(style_objective, "PAINTING_SIDE", 96)
    every, few = gallery.entries, ("great-wave", "starry-night")
    monkeypatch.setattr(gallery, "entries", lambda: [e for e in every() if not e.bundled or e.name in few])
