"""Meshes as bytes: what comes back, how many bytes, and what damaged ones do."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import InputError
from videostyle.frames import CanvasMesh
from videostyle.motion.mesh import MeshShape
from videostyle.motion.mesh_store import LONGEST, STEP, pack, unpack

SHAPE = MeshShape.of(360, 640)
FLAT = (SHAPE.places() / SHAPE.height).astype(np.float32)


def moving(frames: int, noise: float = 0.0, scale: float = 1.0, seed: int = 0) -> list[CanvasMesh]:
    """A panning camera whose vertices tremble by ``noise`` units; the second layer is seen in a moving square."""
    rng = np.random.default_rng(seed)
    meshes = []
    for t in range(frames):
        share = np.zeros((SHAPE.rows, SHAPE.columns), np.float32)
        share[6:12, t % 30 : t % 30 + 8] = np.linspace(0, 1, 8)[: share[6:12, t % 30 : t % 30 + 8].shape[1]]
        tremble = rng.normal(0, noise / SHAPE.height, (2, *FLAT.shape))
        places = np.stack([FLAT * scale + 0.003 * t, FLAT * scale - 0.002 * t]) + tremble
        meshes.append(CanvasMesh(places.astype(np.float32), share))
    return meshes


def test_what_is_seen_comes_back_to_half_a_step() -> None:
    meshes = moving(40, noise=0.3)
    back = unpack(pack(meshes))
    assert len(back) == 40
    for before, after in zip(meshes, back, strict=True):
        assert np.abs(after.share - before.share).max() <= 0.5 / 255 + 1e-6
        first, second = before.share < 1, before.share > 0
        assert np.abs(after.places[0] - before.places[0])[first].max() <= STEP / 2 + 1e-6
        assert np.abs(after.places[1] - before.places[1])[second].max() <= STEP / 2 + 1e-6


def test_an_enlarged_scene_is_stored_as_much_finer() -> None:
    meshes = moving(3, scale=0.1)
    back = unpack(pack(meshes))
    assert max(np.abs(a.places[0] - b.places[0]).max() for a, b in zip(meshes, back, strict=True)) < STEP / 10


def test_a_still_camera_costs_next_to_nothing() -> None:
    still = moving(1) * LONGEST
    assert len(pack(still)) < len(pack(still[:1])) + 20 * LONGEST


def test_a_moving_camera_costs_about_a_kilobyte_a_frame() -> None:
    assert len(pack(moving(60, noise=0.02))) < 60 * 1024


def test_the_same_meshes_give_the_same_bytes_and_meshes_read_once_stay_as_they_are() -> None:
    data = pack(moving(20, noise=0.1))
    assert data == pack(moving(20, noise=0.1))
    once = unpack(data)
    twice = unpack(pack(once))
    for a, b in zip(once, twice, strict=True):
        seen = a.share < 1
        assert np.allclose(a.places[0][seen], b.places[0][seen], atol=1e-6)
        assert np.array_equal(a.share, b.share)


@pytest.mark.parametrize("damage", ["mark", "short", "bits", "empty", "frames"])
def test_damaged_bytes_are_refused(damage: str) -> None:
    data = bytearray(pack(moving(4)))
    if damage == "mark":
        data[0] ^= 255
    elif damage == "bits":
        data[len(data) // 2] ^= 255
    elif damage == "frames":
        data[4] = 5
    else:
        data = data[: -20 if damage == "short" else 3]
    with pytest.raises(InputError, match="canvas meshes cannot be read"):
        unpack(bytes(data))


def test_a_run_has_a_greatest_length_and_one_shape() -> None:
    with pytest.raises(ValueError):
        pack(moving(1) * (LONGEST + 1))
    with pytest.raises(ValueError):
        pack([])
    other = MeshShape.of(100, 100).places()
    with pytest.raises(ValueError):
        pack([*moving(1), CanvasMesh(np.stack([other, other]), np.zeros(other.shape[:2], np.float32))])
