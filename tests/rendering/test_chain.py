"""A chain of processors in a render: the same frames in chunks, resumed, and from every door."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.rendering.conftest import decoded
from videostyle.errors import OutputError, SettingError
from videostyle.media.readers.open import open_reader
from videostyle.rendering import plan
from videostyle.rendering.chain import chain_of, delivered_info
from videostyle.rendering.chunks import paint_in_folders
from videostyle.rendering.iterate import iterate
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.job_store import load_job
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings, settings_from

CHAIN = ["degrain:frames=2", "sharpen", "preserve-color:mode=mean,amount=0.5"]


def chained(style: str, *words: str, **more: object) -> RenderSettings:
    return settings_from({"style": style, "processors": list(words or CHAIN), "end": "60f", **more})


def test_chunks_painted_apart_and_out_of_order_are_the_whole(
    film: Path, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 24)
    settings = chained(style)
    whole = render(film, tmp_path / "whole.mp4", settings)
    assert whole.frames == 60
    planned = render(film, tmp_path / "parts.mp4", settings, plan_only=True)
    job = load_job(planned.output)
    assert job is not None
    assert len(job.plan.chunks) >= 3
    for number in reversed(range(len(job.plan.chunks))):
        paint_in_folders([str(planned.output)], [number])
    with pytest.raises(OutputError, match="`processors` degrain"):
        render(film, tmp_path / "parts.mp4", chained(style, "degrain:frames=1"))
    assert render(film, tmp_path / "parts.mp4", settings).resumed == 60
    assert decoded(tmp_path / "parts.mp4") == decoded(tmp_path / "whole.mp4")


def test_frames_for_other_programs_pass_the_chain_too(film: Path, style: str, tmp_path: Path) -> None:
    settings = chained(style, "degrain", "sharpen:amount=2", end="9f", codec="ffv1", pix_fmt="bgr0")
    render(film, tmp_path / "out.mkv", settings)
    plain = np.concatenate([batch.frames for batch in iterate(film, replace(settings, processors=()))])
    found = np.concatenate([batch.frames for batch in iterate(film, settings)])
    with open_reader(tmp_path / "out.mkv") as source:
        written = np.concatenate([batch.frames for batch in source])
    assert found.shape == (9, 48, 64, 3)
    assert np.abs(found.astype(int) - written).max() <= 1  # one batch is divided otherwise
    assert np.abs(found.astype(int) - plain).mean() > 1


def test_a_still_passes_the_chain(style: str, tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    render(tmp_path / "a.png", tmp_path / "b.png", chained(style, "degrain", "compare", end=None))
    assert cv2.imread(str(tmp_path / "b.png")).shape == (20, 60, 3)


def test_shorthands_are_the_same_processors(film: Path) -> None:
    words = RenderSettings("x", preserve_color=True, compare="side")
    named = settings_from({"processors": ["preserve-color", "compare"]}, RenderSettings("x"))
    assert chain_of(words) == chain_of(named)
    info = open_reader(film).info
    assert delivered_info(info, words).width == 2 * info.width


def test_a_chain_that_cannot_be_is_refused_before_anything_is_made(film: Path, style: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="place it behind 'style'"):
        render(film, tmp_path / "a.mp4", chained(style, "compare", "style"))
    assert not os.listdir(tmp_path)


def test_job_files_name_processors_for_all_clips_or_for_one(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text(
        '[[processors]]\nname = "sharpen"\namount = 2\n\n[[processors]]\nname = "grain"\n\n'
        '[[clip]]\ninput = "a.mp4"\nstyles = ["x"]\n\n'
        '[[clip]]\ninput = "b.mp4"\nstyles = ["x"]\n[[clip.processors]]\nname = "degrain"\n'
    )
    one, other = read_job_file(path, RenderSettings(""))
    assert [str(choice) for choice in one.settings.processors] == ["sharpen:amount=2", "grain"]
    assert [choice.name for choice in other.settings.processors] == ["degrain"]
    path.write_text('[[processors]]\nname = "sharpn"\n[[clip]]\ninput = "a.mp4"\nstyles = ["x"]\n')
    with pytest.raises(Exception, match=r"job.toml' line 1, processors: no processor 'sharpn' \(did you mean sharpen"):
        read_job_file(path, RenderSettings(""))
