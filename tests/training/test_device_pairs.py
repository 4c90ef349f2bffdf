"""Pairs made on the device: the parts are those of the host's pairs, and so are whole batches in their statistics."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.errors import InputError, UsageError
from videostyle.inference.canvas_sampling import remapped
from videostyle.motion.flow import sample, warp
from videostyle.network import canvas as host_canvas
from videostyle.training import simulated_camera
from videostyle.training.device import camera, canvas
from videostyle.training.device.draws import drawing
from videostyle.training.device.pairs import DevicePairs
from videostyle.training.pairs import ClipPair, PairSampler

RNG = np.random.default_rng(3)


def moved(shift: int) -> ClipPair:
    """A clip's neighbouring frames: everything moves to the left."""
    frame = picture(7, 100, 120)
    flow = np.zeros((100, 120 - shift, 2), np.float32) + np.float32([shift, 0])
    mask = np.ones((100, 120 - shift, 1), np.float32)
    mask[:, :2] = 0
    return ClipPair(frame[:, :-shift], np.roll(frame, -shift, axis=1)[:, :-shift], flow, mask)


@pytest.fixture(scope="module")
def samplers() -> tuple[PairSampler, DevicePairs]:
    """What makes pairs on the host, and on the device, of the same pictures and the same clip."""
    pictures = [picture(0), picture(1, 90, 150), picture(2, 130, 100)]
    options = {"size": 64, "batch": 32, "seed": 5}
    return PairSampler(pictures, [moved(2)], **options), DevicePairs(pictures, [moved(2)], **options)


@pytest.fixture(scope="module")
def batches(samplers: tuple[PairSampler, DevicePairs]) -> list[dict[str, np.ndarray]]:
    """Pairs of both."""
    made = [[sampler.batch(step) for step in range(4)] for sampler in samplers]
    return [{name: np.concatenate([batch[name] for batch in one]) for name in one[0]} for one in made]


@pytest.fixture()
def draws():  # type: ignore[no-untyped-def]
    import keras

    with drawing(keras.random.SeedGenerator(0), 7, 3, 400) as drawn:
        yield drawn


def test_blur_is_that_of_the_host() -> None:
    x = RNG.uniform(0, 255, (3, 20, 31, 2)).astype(np.float32)
    found = np.asarray(camera.blurred(x, np.float32([0, 2, 5])))
    for before, after, radius in zip(x, found, (0, 2, 5), strict=True):
        np.testing.assert_allclose(after, simulated_camera.blurred(before, radius), rtol=1e-4, atol=1e-3)


def test_compression_is_that_of_the_host() -> None:
    x = RNG.uniform(0, 1, (2, 16, 24, 3)).astype(np.float32)
    found = np.asarray(camera._compressed(x, np.float32([0.01, 0.04])))
    for before, after, step in zip(x, found, (0.01, 0.04), strict=True):
        # A coefficient half way between two levels may be rounded to either.
        assert np.abs(after - simulated_camera._compressed(before, step)).mean() < 1e-3


def test_canvas_is_that_of_a_render_at_every_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = canvas.tiles(2)
    for seed, own in enumerate(noise):
        np.testing.assert_array_equal(own, host_canvas.tile(seed, remapped))
    # Read between texels exactly: a render does in steps of 1/32.
    monkeypatch.setattr(host_canvas, "tile", lambda seed, _: noise[seed])
    x, y = (RNG.uniform(0, 300, (3, 8, 8)).astype(np.float32) for _ in range(2))
    scale, seeds = np.float32([1.0, 0.75, 1.3]), np.int32([0, 1, 0])
    found = np.asarray(canvas.octaves(noise, seeds, x, y, scale))
    for i, seed in enumerate(seeds):
        wanted = host_canvas.octaves(np.stack([x[i], y[i]], -1), scale[i], sample, int(seed))
        np.testing.assert_allclose(found[i], wanted, atol=2e-3)


def test_fields_are_smooth_and_of_the_deviation_asked_for(draws) -> None:  # type: ignore[no-untyped-def]
    field = np.asarray(camera.smooth_field(draws, 33, 5, 2.0))
    assert field[:, ::8, ::8].std() == pytest.approx(2.0, rel=0.05)
    assert np.abs(np.diff(field, n=2, axis=1)).max() < 2.5  # of independent values it would be 20


def test_draws_are_uniform_and_independent(draws) -> None:  # type: ignore[no-untyped-def]
    whole = np.asarray(draws.whole(-8, 9.0))
    assert set(whole) == set(range(-8, 9))
    assert np.asarray(draws.chance(0.25)).mean() == pytest.approx(0.25, abs=0.08)
    assert set(np.asarray(draws.one_of((1.0, 3.5)))) == {1.0, 3.5}
    one, two = (np.asarray(draws.normal((9,))) for _ in range(2))
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.1
    assert one.std() == pytest.approx(1.0, abs=0.05)


def test_the_earlier_frame_along_the_flow_is_the_later_one(batches) -> None:  # type: ignore[no-untyped-def]
    for made in batches:
        for previous, current, flow, mask in zip(
            *(made[name] for name in ("previous", "current", "flow", "mask")), strict=True
        ):
            seen = mask[..., 0] > 0
            change = (warp(previous, flow) - current)[seen]
            # Noise, compression and other light are in it; a wrong flow gives 0.05.
            assert not seen.any() or (change**2).mean() < 0.012
            assert not seen.any() or np.median(change**2) < 0.01


def test_flow_leads_out_of_the_picture_only_where_the_mask_says_so(batches) -> None:  # type: ignore[no-untyped-def]
    _, made = batches
    row, column = np.mgrid[0:64, 0:64]
    there = made["flow"] + np.stack([column, row], -1)
    outside = (there.min(-1) < 0) | (there.max(-1) > 63)
    assert outside.any()
    assert not made["mask"][outside].any()


def test_batches_have_the_host_s_statistics(batches) -> None:  # type: ignore[no-untyped-def]
    host, device = batches
    assert {name: value.shape for name, value in host.items()} == {name: v.shape for name, v in device.items()}
    for name in host:
        assert device[name].dtype == np.float32
    for name in ("previous", "current"):
        assert device[name].mean() == pytest.approx(host[name].mean(), abs=0.05)
        assert device[name].std() == pytest.approx(host[name].std(), abs=0.04)
        assert device[name].min() >= 0
        assert device[name].max() <= 1
    assert device["mask"].mean() == pytest.approx(host["mask"].mean(), abs=0.05)
    assert np.abs(device["flow"]).mean() == pytest.approx(np.abs(host["flow"]).mean(), rel=0.5)
    shares = [
        (
            (np.abs(made["flow"]).max((1, 2, 3)) == 0).mean(),  # nothing moves
            (made["flow"] == [2, 0]).all((1, 2, 3)).mean(),  # from the clip, most of them
            (made["previous"].mean((1, 2, 3)) < 0.3).mean(),  # dim
            (np.abs(made["current"].mean((1, 2, 3)) - made["previous"].mean((1, 2, 3))) > 0.02).mean(),  # other light
        )
        for made in batches
    ]
    np.testing.assert_allclose(shares[0], shares[1], atol=0.13)


def test_noise_is_as_strong_as_the_host_s(batches) -> None:  # type: ignore[no-untyped-def]
    def noise(made) -> float:  # type: ignore[no-untyped-def]
        still = np.abs(made["flow"]).max((1, 2, 3)) == 0
        return float(np.abs(made["current"] - made["previous"])[still].mean())

    host, device = map(noise, batches)
    assert device == pytest.approx(host, rel=0.3)


def test_the_canvas_has_unit_variance_and_follows_the_flow_with_the_host_s_errors(batches) -> None:  # type: ignore[no-untyped-def]
    slid = []
    for made in batches:
        assert made["canvas"].std() == pytest.approx(1.0, abs=0.06)
        assert abs(made["canvas"].mean()) < 0.05
        cells = made["flow"].reshape(-1, 16, 4, 16, 4, 2).mean((2, 4)) / 4
        followed = [
            np.square(warp(before, flow) - now)[4:-4, 4:-4].mean()
            for before, now, flow in zip(made["previous_canvas"], made["canvas"], cells, strict=True)
        ]
        assert np.median(followed) < 0.02
        slid.append(np.mean(followed))
    assert slid[1] == pytest.approx(slid[0], abs=0.06)


def test_a_batch_depends_on_seed_and_step_alone(samplers: tuple[PairSampler, DevicePairs]) -> None:
    on_host, one = samplers
    other = one.alike(size=64, batch=32, seed=6)
    again = other.alike(size=64, batch=32, seed=5)
    first = one.batch(9)
    different = [one.batch(10), other.batch(9)]
    for name, value in again.batch(9).items():
        np.testing.assert_array_equal(value, first[name])
    for made in different:
        assert (made["canvas"] != first["canvas"]).mean() > 0.9
    assert one.identity() == again.identity()
    assert one.identity() not in (other.identity(), on_host.identity())
    assert one.alike(size=32, batch=3, seed=5).form != one.form


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        DevicePairs([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(UsageError, match="128 pixels"):
        DevicePairs([picture(1, 80, 90)], [moved(1)], size=64, batch=1).alike(size=128, batch=1, seed=0)
