"""Faces: found, held through misses, hidden or kept readable; with a real detector where one is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.processors import contract
from tests.processors.found import bright_boxes, face_picture, use_fake_detectors
from videostyle.errors import InputError, ModelError, SettingError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.motion.pair_motion import PairMotion
from videostyle.processors.arrangement import arranged
from videostyle.processors.chain import Chain
from videostyle.processors.detectors import faces as detector
from videostyle.processors.detectors.faces import anchors, face_finder, merged, model_files, parts
from videostyle.processors.detectors.model_file import in_package
from videostyle.processors.region_painting import ShownRegions
from videostyle.processors.regions import window
from videostyle.processors.regions.kinds import make_mask, region_from
from videostyle.processors.registry import chain_from, choice_from, make

SIDE = 12  # pixels of the bright square that stands for a face


def through(processor: str, frames: UInt8Array) -> UInt8Array:
    batch = FrameBatch(frames, np.arange(len(frames)) / 25, 0)
    chain = Chain([make(choice_from(processor))])
    chain.open(contract.info_of(batch))
    done = [chain(batch.part(first, first + 8)) for first in range(0, len(frames), 8)]
    done.append(chain.finish())
    chain.close()
    return np.concatenate([part.frames for part in done if part is not None])


def wandering(count: int, seed: int = 1) -> tuple[UInt8Array, list[tuple[int, int]], list[bool]]:
    """A face that wanders about, turns away, is covered by a bar; its places, and where it is found."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(20, 120, (9, 12, 3), np.uint8), (80, 60), interpolation=cv2.INTER_CUBIC)
    clip, places, seen, away = [], [], [], 0
    place, speed = np.array([30.0, 20.0]), np.array([1.0, 0.6])
    for number in range(count):
        speed = np.where((place + speed < 2) | (place + speed > (66, 46)), -speed, speed)
        place = place + speed
        if rng.uniform() < 0.05:
            speed = rng.uniform(-2.2, 2.2, 2)
        away = away - 1 if away else int(rng.integers(1, 9)) if rng.uniform() < 0.06 else 0
        frame, (x, y) = ground.copy(), (round(place[0]), round(place[1]))
        light = np.linspace(0, 30, SIDE)[:, None, None]
        frame[y : y + SIDE, x : x + SIDE] = (150 if away else 220) + light  # turned away it is not found
        bar = (3 * number) % 240
        frame[:, bar : bar + 8] = 60
        clip.append(frame)
        places.append((x, y))
        boxes = bright_boxes(frame)
        seen.append(bool(len(boxes)))
    return np.stack(clip), places, seen


@pytest.mark.parametrize(("count", "flow"), [(500, False), (60, True)])
def test_no_face_is_shown_that_was_found_in_the_frame_before_or_after(
    count: int, flow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_detectors(monkeypatch)
    if not flow:  # nor where optical flow sees nothing of the motion
        still = PairMotion(np.zeros((60, 80, 2), np.float32), np.ones((60, 80), np.float32), np.eye(2, 3))
        monkeypatch.setattr(window, "pair_motion", lambda now, before: still)
    clip, places, seen = wandering(count)
    assert count / 50 < seen.count(False) < count / 2
    hidden = through("anonymize:feather=0,hold=4", clip)
    found = [not np.array_equal(a, b) for a, b in zip(clip, hidden, strict=True)]
    for number, (x, y) in enumerate(places):
        around = seen[max(0, number - 1) : number + 2]
        if any(around):
            assert found[number], number
            own = clip[number, y : y + SIDE, x : x + SIDE].astype(int)
            left = hidden[number, y : y + SIDE, x : x + SIDE]
            shown = own.max(axis=2) > 140  # not covered by the bar
            assert (np.abs(own - left).max(axis=2) > 0)[shown].mean() > 0.8, number


def test_a_face_is_held_for_n_frames_and_hidden_n_frames_early(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_detectors(monkeypatch)
    clip = np.full((30, 40, 60, 3), 90, np.uint8)
    clip[12:15, 10:22, 20:32] = 230
    hidden = region_masks("faces:hold=5,feather=0", clip)
    assert [bool(mask.any()) for mask in hidden] == [7 <= number < 20 for number in range(30)]
    assert (hidden[7:20, 11:21, 21:31] == 255).all()


def region_masks(text: str, clip: UInt8Array) -> UInt8Array:
    batch = FrameBatch(clip, np.arange(len(clip)) / 25, 0)
    chain = Chain([ShownRegions([make_mask(region_from(text))], True)])
    chain.open(contract.info_of(batch))
    done = [chain(batch), chain.finish()]
    return np.concatenate([part.frames[..., 0] for part in done if part is not None])


def test_live_a_face_is_held_but_not_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_detectors(monkeypatch)
    clip = np.full((20, 40, 60, 3), 90, np.uint8)
    clip[8:11, 10:22, 20:32] = 230
    chain = Chain([ShownRegions([make_mask(region_from("faces:hold=4"))], True)], may_wait=False)
    batch = FrameBatch(clip, np.arange(20) / 25, 0)
    chain.open(contract.info_of(batch))
    shown = [chain(batch.part(number, number + 1)) for number in range(20)]
    assert [one is not None and bool(one.frames.any()) for one in shown] == [8 <= number < 15 for number in range(20)]


def test_protect_keeps_some_of_the_clip_in_faces_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_detectors(monkeypatch)
    clip = np.full((3, 40, 60, 3), 90, np.uint8)
    clip[:, 10:22, 20:32] = 230
    batch = FrameBatch(np.full_like(clip, 10), np.arange(3) / 25, 0, original=clip)
    chain = Chain([make(choice_from("protect:amount=0.5,feather=0"))])
    chain.open(contract.info_of(batch))
    done = [chain(batch), chain.finish()]
    frames = np.concatenate([part.frames for part in done if part is not None])
    assert (np.abs(frames[:, 14:18, 24:28].astype(int) - 120) <= 1).all()
    assert (frames[:, :, 50:] == 10).all()


def test_what_is_hidden_is_not_shown_again_behind_it() -> None:
    with pytest.raises(SettingError, match="in which 'anonymize' has hidden nothing"):
        arranged(chain_from(["anonymize", "compare"]))
    arranged(chain_from(["protect", "anonymize"]))


# -- detectors ---------------------------------------------------------------------------------------------------------


def test_without_a_detector_a_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "in_package", lambda package, name: None)
    with pytest.raises(ModelError, match=r"no detector of faces is installed \(pip install 'videostyle\[faces\]'"):
        make(choice_from("anonymize")).check()
    from videostyle.processors.detectors import persons

    monkeypatch.setattr(persons, "in_package", lambda package, name: None)
    with pytest.raises(ModelError, match=r"no detector of persons is installed \("):
        make_mask(region_from("person")).region.check()


def test_a_model_of_the_user_needs_its_checksum(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"no model")
    digest = hashlib.sha256(b"no model").hexdigest()
    with pytest.raises(ModelError, match=f"without its checksum.*sha256={digest[:12]}"):
        model_files(str(file), "")
    with pytest.raises(ModelError, match="another one"):
        model_files(str(file), "0123456789abcdef")
    with pytest.raises(ModelError, match="another one"):
        model_files(str(file), digest[:4])
    assert model_files(str(file), digest.upper()) == [file.resolve()]
    with pytest.raises(InputError):
        model_files(str(tmp_path / "none.onnx"), digest)
    with pytest.raises(ModelError, match="OpenCV cannot load"):
        face_finder([file], 0.5, 1)


def test_persons_are_found_by_a_model_of_the_user(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tf = pytest.importorskip("tensorflow")
    lightness = tf.function(lambda x: tf.reduce_mean(x, axis=3, keepdims=True))
    concrete = lightness.get_concrete_function(tf.TensorSpec((1, 24, 32, 3), tf.float32))
    file = tmp_path / "model.tflite"
    file.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete], lightness).convert())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    capfd.readouterr()
    mask = make_mask(region_from(f"person:model={file},sha256={digest[:12]},feather=0,smooth=0"))
    mask.region.check()
    mask.open(VideoInfo(64, 48))
    frames = np.zeros((1, 48, 64, 3), np.uint8)
    frames[:, :, 32:] = 255
    found = mask(FrameBatch(frames, np.zeros(1), 0))[0]
    assert capfd.readouterr().err == ""  # TensorFlow Lite tells what it was built with
    assert (found[:, 36:] == 255).all()
    assert not found[:, :28].any()


def test_files_of_packages_are_found_without_importing_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shipsmodel" / "data").mkdir(parents=True)
    (tmp_path / "shipsmodel" / "__init__.py").write_text("raise RuntimeError")
    (tmp_path / "shipsmodel" / "data" / "m.tflite").write_bytes(b"x")
    monkeypatch.syspath_prepend(tmp_path)
    assert in_package("shipsmodel", "data/m.tflite") == tmp_path / "shipsmodel" / "data" / "m.tflite"
    assert in_package("shipsmodel", "data/n.tflite") is None
    assert in_package("surely_not_installed", "m.tflite") is None


def test_boxes_of_one_face_become_one() -> None:
    boxes = np.array([[0, 0, 10, 10, 0.5], [1, 1, 11, 11, 0.9], [40, 40, 50, 50, 0.6]], np.float32)
    found = merged(boxes)
    assert len(found) == 2
    assert found[0, 4] == pytest.approx(0.9)
    assert 0.5 < found[0, 0] < 0.8
    assert merged(np.zeros((0, 5), np.float32)).shape == (0, 5)


def test_parts_cover_the_frame_and_anchors_the_grid() -> None:
    for detail in (1, 2, 3):
        covered = np.zeros((30, 50), bool)
        for left, top, right, bottom in parts(50, 30, detail)[1:] or parts(50, 30, detail):
            assert 0 <= left < right <= 50
            assert 0 <= top < bottom <= 30
            covered[top:bottom, left:right] = True
        assert covered.all()
    assert len(anchors((128, 128), ((8, 2), (16, 6)))) == 896
    assert len(anchors((192, 192), ((4, 1),))) == 2304


@pytest.fixture(scope="module")
def real() -> Callable[[UInt8Array], np.ndarray]:
    pytest.importorskip("tensorflow")
    try:
        files = model_files("", "")
    except ModelError:
        pytest.skip("no package with a detector of faces is installed")
    return face_finder(files, 0.5, 1)


def test_a_drawn_face_is_found_where_it_is(real: Callable[[UInt8Array], np.ndarray]) -> None:
    ((left, top, right, bottom, score),) = real(face_picture(120, 160, 70, 62, 30))
    assert score > 0.8
    assert abs((left + right) / 2 - 70) < 5
    assert abs((top + bottom) / 2 - 66) < 8
    assert not len(real(np.full((120, 160, 3), 128, np.uint8)))


@pytest.mark.parametrize("mode", ["pixelate", "blur", "paint"])
def test_the_detector_finds_no_hidden_face(real: Callable[[UInt8Array], np.ndarray], mode: str) -> None:
    clip = np.stack([face_picture(96, 128, 50 + 3 * number, 50, 22) for number in range(4)])
    assert all(len(real(frame)) == 1 for frame in clip)
    hidden = through(f"anonymize:mode={mode},hold=1,detail=1", clip)
    assert not any(len(real(frame)) for frame in hidden)
    assert (clip[:, :, :10] == hidden[:, :, :10]).all()
