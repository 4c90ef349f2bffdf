"""Regions: each kind finds what it should, the same however a clip is divided, and outside of it nothing changes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.processors import contract
from tests.processors.found import use_fake_detectors
from videostyle.errors import InputError, SettingError
from videostyle.frames import FrameBatch, UInt8Array
from videostyle.media.writers.images import write_png
from videostyle.processors.chain import Chain
from videostyle.processors.protocol import Configured, Options
from videostyle.processors.region_painting import Layer, RegionPainting, ShownRegions
from videostyle.processors.regions.kinds import KINDS, make_mask, make_region, region_from, regions_from

WORDS = {
    "mask": "mask:file=FILE",
    "rectangle": "rectangle:box=3s 0 0 0.5 1; 3.4s 0.4 0 0.9 1,invert=true",
    "polygon": "polygon:points=0.2 0.1 0.9 0.4 0.3 0.9,grow=3,smooth=2",
    "color": "color:color=#808080,within=40",
    "moving": "moving:frames=3,contrast=8",
    "foreground": "foreground:frames=2",
    "person": "person:smooth=2",
    "faces": "faces:hold=3",
}


class Negative(Configured[Options]):
    """Stands for a painting."""

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        return replace(batch, frames=~batch.frames)


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    use_fake_detectors(monkeypatch)
    write_png(tmp_path / "mask.png", np.repeat(np.eye(20, 30, dtype=np.uint8)[..., None] * 255, 3, axis=2))
    return {kind: text.replace("FILE", str(tmp_path / "mask.png")) for kind, text in WORDS.items()}


def limited(*texts: str) -> RegionPainting:
    return RegionPainting(Negative(Options()), [make_mask(region_from(text)) for text in texts], [])


every = pytest.mark.parametrize("kind", KINDS)


@every
def test_a_region_keeps_to_the_contract(kind: str, words: dict[str, str]) -> None:
    make = partial(limited, words[kind])
    contract.check_frames_and_times(make, np.uint8)
    contract.check_frames_and_times(make, np.uint16)
    contract.check_batches(make)
    contract.check_chunks(make)
    contract.check_sizes(make)
    contract.check_alone(make)


@every
def test_pixels_outside_are_those_of_the_input_and_those_inside_painted(kind: str, words: dict[str, str]) -> None:
    batch = contract.clip(64, 96)
    done = contract.run(partial(limited, words[kind]), batch, 5).frames
    shown = contract.run(lambda: ShownRegions([make_mask(region_from(words[kind]))], True), batch, 5).frames
    assert batch.original is not None
    np.testing.assert_array_equal(done[shown == 0], batch.original[shown == 0])
    np.testing.assert_array_equal(done[shown == 255], ~batch.frames[shown == 255])


@every
def test_every_option_is_described_and_has_a_default(kind: str) -> None:
    region = make_region(region_from(kind))
    for option, field in region.schema.model_fields.items():
        assert field.description, option
        assert option not in ("kind", "style", "strength")
    assert region.__doc__


def masks_of(text: str, frames: UInt8Array) -> UInt8Array:
    """Masks of a clip of 25 frames a second."""
    batch = FrameBatch(frames, 3.0 + np.arange(len(frames)) / 25, 0)
    chain = Chain([ShownRegions([make_mask(region_from(text))], True)])
    chain.open(contract.info_of(batch))
    done = [chain(batch), chain.finish()]
    return np.concatenate([part.frames[..., 0] for part in done if part is not None])


def likeness(mask: UInt8Array, truth: UInt8Array) -> float:
    """Intersection over union."""
    one, other = mask > 127, truth > 127
    return float((one & other).sum() / max(1, (one | other).sum()))


def scene(
    frames: int = 13, shift: float = 0.0, object_shift: float = 3.0, start: float = 30
) -> tuple[UInt8Array, UInt8Array]:
    """A textured ground that passes by, a textured disc that moves before it, and where the disc is."""
    rng = np.random.default_rng(3)

    def texture(size: int) -> UInt8Array:
        noise = rng.uniform(0, 255, (size, size * 2, 3)).astype(np.float32)
        return np.clip(128 + 6 * (cv2.GaussianBlur(noise, (0, 0), 2.5) - 127), 0, 255).astype(np.uint8)

    ground, thing = texture(200), texture(40)
    clip, truth = [], []
    for number in range(frames):
        move = np.array([[1, 0, -20 - shift * number], [0, 1, -20]], np.float32)
        frame = cv2.warpAffine(ground, move, (160, 120), flags=cv2.INTER_CUBIC)
        mask = np.zeros((120, 160), np.uint8)
        x = start + object_shift * number
        cv2.circle(mask, (round(16 * x), 16 * 60), 16 * 18, 255, -1, cv2.LINE_AA, 4)
        place = np.array([[1, 0, x - 20], [0, 1, 40]], np.float32)
        inside = cv2.warpAffine(thing[:, :40] // 2 + 120, place, (160, 120), flags=cv2.INTER_LINEAR)
        share = mask[..., None] / 255
        clip.append(np.rint(share * inside + (1 - share) * frame).astype(np.uint8))
        truth.append(mask)
    return np.stack(clip), np.stack(truth)


@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_what_moves_is_found_though_the_camera_moves(shift: float) -> None:
    clip, truth = scene(17, shift, 4.0)
    found = masks_of("moving:frames=8,grow=0,feather=2,smooth=1", clip)
    assert np.mean([likeness(mask, one) for mask, one in zip(found[5:12], truth[5:12], strict=True)]) > 0.7


def test_the_foreground_is_what_moves_otherwise_than_the_background() -> None:
    clip, truth = scene(9, 1.5, -4.0, 100)
    found = masks_of("foreground:feather=2", clip)
    assert np.mean([likeness(mask, one) for mask, one in zip(found[4:], truth[4:], strict=True)]) > 0.6


def test_a_color_is_found_within_its_range() -> None:
    frame = np.full((1, 40, 60, 3), (40, 60, 200), np.uint8)
    frame[:, 10:30, 10:50] = (210, 60, 50)
    (mask,) = masks_of("color:color=#c83c3c,within=25,feather=0", frame)
    assert likeness(mask, np.pad(np.full((20, 40), 255, np.uint8), 10)) > 0.95


def test_key_frames_move_a_rectangle_in_straight_lines() -> None:
    frames = np.zeros((26, 40, 80, 3), np.uint8)
    masks = masks_of("rectangle:box=0s 0 0 0.25 1; 1s 0.5 0 0.75 1,feather=0", frames)
    middles = [np.flatnonzero(mask[20] > 127).mean() for mask in masks]
    np.testing.assert_allclose(middles, 9.5 + 40 * np.arange(26) / 25, atol=0.6)
    assert (masks[0][:, :20] == 255).all()
    assert not masks[0][:, 22:].any()


@pytest.mark.parametrize(
    "text",
    [
        "rectangle:box=0 0 1",
        "rectangle:box=x 0 0 1 1",
        "rectangle:box=2s 0 0 1 1; 1s 0 0 1 1",
        "polygon:points=0 0 1 1",
        "polygon:points=0s 0 0 1 1 0 1; 1s 0 0 1 1 0 1 1 0",
        "rectangle:box=0 0 nan 1",
        "rectangle:box=0.5 0 0.2 1",
        "rectangle:box=0s 0 0 1 1; 1s 0 1 1 0",
        "color:color=red",
        "faces:hold=900",
        "facs",
        "rectangle:what=1",
        "rectangle:strength=2",
        "rectangle:grow=-1",
    ],
)
def test_what_cannot_be_a_region_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingError) as refused:
        region_from(text)
    assert refused.value.hint
    assert "\n" not in str(refused.value)


def test_a_mask_is_one_file(tmp_path: Path) -> None:
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"mask_{number}.png"), np.zeros((8, 8), np.uint8))
    for path in (tmp_path, tmp_path / "mask_%d.png"):
        with pytest.raises(InputError, match="not one file"):
            make_region(region_from({"kind": "mask", "file": str(path)})).check()


def test_words_and_tables_mean_the_same() -> None:
    text = "faces:feather=8,style=great-wave:0.7,starry-night:0.3,strength=0.5"
    choice = region_from(text)
    assert choice == region_from({"kind": "faces", "feather": 8, "style": choice.style, "strength": 0.5})
    assert choice == region_from(choice.values()) == region_from(str(choice))
    assert choice.style == "great-wave:0.7,starry-night:0.3"
    assert [one.limits for one in regions_from(["person", text])] == [True, False]


def test_grown_shrunk_inverted_and_feathered() -> None:
    frame = np.zeros((1, 60, 60, 3), np.uint8)
    box = "rectangle:box=0.25 0.25 0.75 0.75,feather=0"
    area = lambda text: int((masks_of(text, frame)[0] > 127).sum())  # noqa: E731
    assert area(box) == pytest.approx(30**2, abs=62)
    assert area(box + ",grow=5") == pytest.approx(40**2, abs=130)
    assert area(box + ",shrink=5") == pytest.approx(20**2, abs=70)
    assert area(box + ",invert=true") == 3600 - area(box)
    (soft,) = masks_of("rectangle:box=0.25 0.25 0.75 0.75,feather=4", frame)
    assert not soft[:7].any()
    assert (soft[25:35, 25:35] == 255).all()
    assert ((soft > 0) & (soft < 255)).any()


def test_smoothing_steadies_an_edge_along_the_motion() -> None:
    clip, truth = scene(13, 0.0, 3.0)
    shaken = truth.copy()
    for number, mask in enumerate(shaken):  # a detector whose edge jumps in and out
        disc = np.ones((9, 9), np.uint8)
        mask[:] = cv2.dilate(mask, disc) if number % 2 else cv2.erode(mask, disc)

    def unsteady(smooth: int, monkey: pytest.MonkeyPatch) -> float:
        from videostyle.processors.regions import person

        monkey.setattr(person, "model_file", lambda model, sha256: Path("fake"))
        masks = iter(shaken)
        monkey.setattr(person, "person_finder", lambda file: lambda picture: next(masks))
        found = masks_of(f"person:feather=0,smooth={smooth}", clip).astype(float)
        moved = [np.roll(mask, 3, axis=1) for mask in found[6:-1]]
        return float(np.mean([np.abs(a - b).mean() for a, b in zip(moved, found[7:], strict=True)]))

    with pytest.MonkeyPatch.context() as monkey:
        assert unsteady(6, monkey) < 0.4 * unsteady(0, monkey)


def test_a_video_of_masks_is_read_by_its_times(tmp_path: Path) -> None:
    from tests.conftest import ffmpeg

    # Half as many masks as frames: each holds for two.
    growing = ("-vf", "geq=lum='if(lt(X,2*N+2),255,0)':cb=128:cr=128", "-c:v", "ffv1", "-pix_fmt", "gray")
    ffmpeg("-f", "lavfi", "-i", "color=black:s=32x24:r=12.5:d=1", *growing, tmp_path / "m.mkv")
    frames = np.zeros((20, 24, 32, 3), np.uint8)
    found = masks_of(f"mask:file={tmp_path / 'm.mkv'}", frames)
    assert found.shape == (20, 24, 32)
    again = masks_of(f"mask:file={tmp_path / 'm.mkv'}", frames)
    np.testing.assert_array_equal(found, again)
    same = [np.array_equal(a, b) for a, b in pairwise(found)]
    assert same == [n % 2 == 0 for n in range(19)]
    with pytest.raises(InputError):
        make_region(region_from("mask:file=none.png")).check()
    with pytest.raises(InputError):
        make_region(region_from("mask")).check()


def test_layers_are_painted_in_order_and_one_may_show_the_clip() -> None:
    batch = contract.clip(40, 60)
    left, right = (make_mask(region_from(f"rectangle:box={box},feather=0")) for box in ("0 0 0.5 1", "0.25 0 1 1"))

    class Black(Configured[Options]):
        def __call__(self, batch: FrameBatch) -> FrameBatch:
            return replace(batch, frames=np.zeros_like(batch.frames))

    painting = RegionPainting(Negative(Options()), [], [Layer(left, Black(Options())), Layer(right, None)])
    done = contract.run(lambda: painting, batch, 4).frames
    assert not done[:, :, :14].any()
    assert batch.original is not None
    np.testing.assert_array_equal(done[:, :, 16:], batch.original[:, :, 16:])
