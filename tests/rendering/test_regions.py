"""Regions in a render: several styles in one pass, the same frames in chunks, and the clip untouched outside."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.rendering.conftest import decoded
from videostyle.errors import OutputError, SettingError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.media.readers.open import open_reader
from videostyle.network.architecture import initial_weights
from videostyle.rendering import plan
from videostyle.rendering.chunks import paint_in_folders
from videostyle.rendering.iterate import iterate
from videostyle.rendering.job_file import read_job_file
from videostyle.rendering.job_store import load_job
from videostyle.rendering.render import render
from videostyle.rendering.settings import RenderSettings, settings_from
from videostyle.styles.card import Style
from videostyle.styles.style_file import save_style

LEFT, MIDDLE = "rectangle:box=0 0 0.5 1,feather=0", "rectangle:box=0.375 0 0.625 1,feather=0"
LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory, random_style: Style) -> str:
    """The file of another style."""
    path = tmp_path_factory.mktemp("other") / "other.safetensors"
    save_style(Style(random_style.card, initial_weights(random_style.card.architecture, seed=9)), path)
    return str(path)


def settings_of(style: str, *regions: str, **more: object) -> RenderSettings:
    return settings_from({"style": style, "regions": list(regions), "end": "9f", **more})


def frames_of(path: Path) -> UInt8Array:
    with open_reader(path) as source:
        return np.concatenate([batch.frames for batch in source])


def test_outside_its_region_a_style_leaves_every_pixel(film: Path, style: str, other: str, tmp_path: Path) -> None:
    clip = np.concatenate([batch.frames for batch in iterate_clip(film)])[:9]
    plain = render(film, tmp_path / "plain.mkv", settings_of(style, **LOSSLESS))
    second = render(film, tmp_path / "second.mkv", settings_of(other, **LOSSLESS))
    done = render(film, tmp_path / "out.mkv", settings_of(style, LEFT, f"{MIDDLE},style={other}", **LOSSLESS))
    one, two, found = map(frames_of, (plain.output, second.output, done.output))
    np.testing.assert_array_equal(found[:, :, 41:], clip[:, :, 41:])  # outside of both
    np.testing.assert_array_equal(found[:, :, :23], one[:, :, :23])
    np.testing.assert_array_equal(found[:, :, 26:38], two[:, :, 26:38])  # the later one lies above
    assert np.abs(one.astype(int) - two).mean() > 3
    lightly = render(film, tmp_path / "light.mkv", settings_of(style, f"{LEFT},strength=0", **LOSSLESS))
    found = frames_of(lightly.output)
    np.testing.assert_array_equal(found[:, :, :31], clip[:, :, :31])
    np.testing.assert_array_equal(found[:, :, 34:], one[:, :, 34:])


def iterate_clip(path: Path):  # type: ignore[no-untyped-def]
    with open_reader(path) as source:
        for number, batch in enumerate(source):
            if number > 3:
                return
            yield batch


def test_chunks_painted_apart_and_out_of_order_are_the_whole(
    film: Path, style: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CHUNK", 16)
    monkeypatch.setattr(plan, "CHUNK_AT_CUT", 8)
    words = ["moving:frames=3,smooth=2,contrast=6", f"polygon:points=0 0 1 0 0 1,style={other},smooth=1"]
    settings = settings_of(style, *words, end="40f")
    assert render(film, tmp_path / "whole.mp4", settings).frames == 40
    planned = render(film, tmp_path / "parts.mp4", settings, plan_only=True)
    job = load_job(planned.output)
    assert job is not None
    assert [layer.style.card.name for layer in job.plan.layers] == ["random"]
    assert len(job.plan.chunks) == 3
    for number in reversed(range(3)):
        paint_in_folders([str(planned.output)], [number])
    with pytest.raises(OutputError, match="`regions` moving:"):
        render(film, tmp_path / "parts.mp4", settings_of(style, words[0], end="40f"))
    assert render(film, tmp_path / "parts.mp4", settings).resumed == 40
    assert decoded(tmp_path / "parts.mp4") == decoded(tmp_path / "whole.mp4")


def test_regions_are_shown_and_their_mask_can_be_used_again(film: Path, style: str, tmp_path: Path) -> None:
    region = "moving:frames=3,contrast=6"
    mask = render(film, tmp_path / "mask.mkv", settings_of(style, region, show_region="mask", **LOSSLESS))
    shown = frames_of(mask.output)
    assert 0 < (shown > 127).mean() < 1
    assert (shown[..., 0] == shown[..., 2]).all()
    one = render(film, tmp_path / "one.mkv", settings_of(style, region, **LOSSLESS))
    two = render(film, tmp_path / "two.mkv", settings_of(style, f"mask:file={mask.output}", **LOSSLESS))
    np.testing.assert_array_equal(frames_of(one.output), frames_of(two.output))
    over = render(film, tmp_path / "over.mp4", settings_of(style, region, show_region="overlay"))
    assert frames_of(over.output).shape == shown.shape


def test_a_mask_that_has_changed_begins_a_render_anew(film: Path, style: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((48, 64), 255, np.uint8))
    settings = settings_of(style, f"mask:file={tmp_path / 'mask.png'}")
    render(film, tmp_path / "out.mp4", settings, plan_only=True)
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((48, 64), 200, np.uint8))
    with pytest.raises(OutputError, match="partial render"):
        render(film, tmp_path / "out.mp4", settings)


def test_stills_and_frames_for_other_programs_have_regions(film: Path, style: str, other: str, tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    render(tmp_path / "a.png", tmp_path / "b.png", settings_of(style, LEFT, f"{MIDDLE},style={other}", end=None))
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "b.png"))[:, 21:], picture[:, 21:])
    clip = np.concatenate([batch.frames for batch in iterate_clip(film)])[:9]
    found = np.concatenate([batch.frames for batch in iterate(film, settings_of(style, LEFT))])
    np.testing.assert_array_equal(found[:, :, 34:], clip[:, :, 34:])


@pytest.mark.parametrize(
    ("regions", "more", "word"),
    [
        ([], {"show_region": "mask"}, "there is no region"),
        (["mask:file=none.png"], {}, "no such file"),
        (["rectangle:style=no-such-style"], {}, "no-such-style"),
        (["person:model=none.tflite"], {}, "no such file"),
    ],
)
def test_what_cannot_be_found_is_refused_before_anything_is_made(
    regions: list[str], more: dict[str, object], word: str, film: Path, style: str, tmp_path: Path
) -> None:
    with pytest.raises(VideostyleError, match=word):
        render(film, tmp_path / "a.mp4", settings_of(style, *regions, **more))
    assert not os.listdir(tmp_path)


def test_job_files_name_regions_for_all_clips_or_for_one(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text(
        '[[regions]]\nkind = "faces"\nstrength = 0.3\nfeather = 8\n\n'
        '[[clip]]\ninput = "a.mp4"\nstyles = ["x"]\n\n'
        '[[clip]]\ninput = "b.mp4"\nstyles = ["x"]\n[[clip.regions]]\nkind = "person"\nstyle = "great-wave"\n'
    )
    one, other = read_job_file(path, RenderSettings(""))
    assert [str(choice) for choice in one.settings.regions] == ["faces:feather=8,strength=0.3"]
    assert [str(choice) for choice in other.settings.regions] == ["person:style=great-wave"]
    path.write_text('[[regions]]\nkind = "facs"\n[[clip]]\ninput = "a.mp4"\nstyles = ["x"]\n')
    with pytest.raises(SettingError.__base__, match=r"no kind of region 'facs' \(did you mean faces"):  # type: ignore[arg-type]
        read_job_file(path, RenderSettings(""))
