"""Flow, pairs, the trainer, shots and figures."""

from __future__ import annotations

import time
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import load_script
from videostyle.errors import InputError, Interrupted, ModelError, UsageError
from videostyle.metrics import temporal
from videostyle.motion import flow
from videostyle.motion.dis import flow_and_mask
from videostyle.training import pairs as data

ROOT = Path(__file__).parent.parent
SAMPLES, SCRIPTS, ASSETS = ROOT / "samples", ROOT / "scripts", ROOT / "videostyle" / "assets"


def picture(seed: int, height: int = 200, width: int = 260) -> np.ndarray:
    """A textured picture, uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 10 + 1, width // 10 + 1, 3)).astype(np.uint8)
    return data.blurred(np.kron(coarse, np.ones((10, 10, 1)))[:height, :width], 2).astype(np.uint8)


# -- flow ----------------------------------------------------------------------------------------------------


def test_flow_files_come_back(tmp_path: Path) -> None:
    value = np.random.default_rng(0).normal(0, 9, (5, 7, 2)).astype(np.float32)
    value[2, 3] = np.nan
    flow.write_flo(tmp_path / "a.flo", value)
    np.testing.assert_array_equal(flow.read_flo(tmp_path / "a.flo"), value)
    (tmp_path / "a.flo").write_bytes((tmp_path / "a.flo").read_bytes()[:50])
    with pytest.raises(InputError, match="cut off"):
        flow.read_flo(tmp_path / "a.flo")
    (tmp_path / "a.flo").write_bytes(b"PIEH" + b"\xff" * 8)
    with pytest.raises(InputError):
        flow.read_flo(tmp_path / "a.flo")


def test_warping_by_whole_pixels_moves_the_picture() -> None:
    before = picture(1)
    move = np.zeros((*before.shape[:2], 2), np.float32)
    move[...] = (-4, 7)
    np.testing.assert_array_equal(flow.warp(before, move)[:-7, 4:], before[7:, :-4])


def test_true_flow_of_the_sample_explains_its_frames() -> None:
    cv2 = pytest.importorskip("cv2")
    for number in (20, 75, 130):
        now, before = (cv2.imread(str(SAMPLES / f"flow_{n:03d}.png"))[..., ::-1] for n in (number, number - 5))
        truth = flow.read_flo(SAMPLES / f"flow_{number:03d}.flo")
        seen = cv2.imread(str(SAMPLES / f"flow_{number:03d}_visible.png"), 0) > 0
        error = np.abs(flow.warp(before, truth) - now).mean(axis=2)
        assert error[seen].mean() < 3.0
        assert error[~seen].mean() > 4 * error[seen].mean()


def test_measured_flow_and_occlusion_agree_with_the_truth() -> None:
    cv2 = pytest.importorskip("cv2")
    for number in (20, 75, 130):
        now, before = (cv2.imread(str(SAMPLES / f"flow_{n:03d}.png"))[..., ::-1].copy() for n in (number, number - 5))
        truth = flow.read_flo(SAMPLES / f"flow_{number:03d}.flo")
        seen = cv2.imread(str(SAMPLES / f"flow_{number:03d}_visible.png"), 0) > 0
        measured, mask = flow_and_mask(now, before)
        trusted = mask[..., 0] > 0
        assert trusted.mean() > 0.5
        distance = np.sqrt(((measured - truth) ** 2).sum(axis=2))
        assert distance[trusted].mean() < 1.0
        # The layers' edges move by a pixel or two only: most of what they hide is below the rule's half pixel.
        assert trusted[~seen].mean() < trusted[seen].mean()


def test_what_a_moving_square_uncovers_is_occluded() -> None:
    """A square moves right by 10 pixels; where it was a frame ago, the background was hidden."""
    now, before = np.zeros((60, 80, 2), np.float32), np.zeros((60, 80, 2), np.float32)
    now[20:40, 30:50, 0] = -10
    before[20:40, 20:40, 0] = 10
    mask = flow.visible(now, before)[..., 0]
    assert not mask[22:38, 21:28].any()  # uncovered
    assert mask[22:38, 33:47].all()  # the square itself
    assert mask[5:15].all()  # far away
    assert not flow.visible(now, np.zeros_like(before))[22:38, 33:47].any()  # flows that do not agree


# -- pairs ---------------------------------------------------------------------------------------------------


def test_pairs_of_stills_have_exact_flow() -> None:
    rng = np.random.default_rng(3)
    for seed in range(8):
        pair = data.warped_pair(picture(seed), picture(seed + 50), rng, 128, noise=False)
        change = (flow.warp(pair.previous, pair.flow) - pair.current) ** 2
        inner = pair.mask[..., 0] > 0
        assert inner.mean() > 0.3
        # What is left is the blur of sampling twice, at the edge of a cut-out above all.
        assert change[inner].mean() < 2e-3
        assert np.median(change[inner]) < 1e-4


def test_still_pairs_differ_by_noise_only() -> None:
    pair = data.noise_pair(picture(1), np.random.default_rng(0), 64)
    assert not pair.flow.any()
    assert pair.mask.all()
    assert 0.002 < np.abs(pair.previous - pair.current).mean() < 0.06


def test_some_scenes_are_dim_in_both_frames_and_as_noisy_as_the_others() -> None:
    white = np.full((96, 96, 3), 200, np.uint8)
    pairs = [data.noise_pair(white, np.random.default_rng(seed), 64) for seed in range(60)]
    light = np.array([[pair.previous.mean(), pair.current.mean()] for pair in pairs])
    np.testing.assert_allclose(light[:, 0], light[:, 1], atol=0.02)
    dim = light[:, 1] < 0.7
    assert 5 < dim.sum() < 30
    noise = np.array([(pair.current - pair.previous).std() for pair in pairs])
    assert noise[dim].mean() > 0.4 * noise[~dim].mean()


def test_batches_depend_on_seed_and_step_alone() -> None:
    pictures = [picture(i) for i in range(3)]
    clip = data.ClipPair(
        picture(7), picture(7), np.zeros((200, 260, 2), np.float32), np.ones((200, 260, 1), np.float32)
    )
    one, two = (data.PairSampler(pictures, [clip], size=64, batch=3, seed=5) for _ in range(2))
    two.batch(1)
    for name, value in one.batch(9).items():
        assert value.shape[:3] == ((3, 16, 16) if "canvas" in name else (3, 64, 64))
        np.testing.assert_array_equal(value, two.batch(9)[name])
    assert (one.batch(9)["current"] != one.batch(10)["current"]).any()
    small = data.PairSampler([picture(0, 40, 300)], size=128, batch=1)
    assert small.batch(0)["current"].shape == (1, 128, 128, 3)


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        data.PairSampler([np.zeros((8, 8, 3), np.uint8)])


# -- the trainer ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small_net():  # type: ignore[no-untyped-def]
    pytest.importorskip("tensorflow")
    from videostyle.network.vgg import from_arrays

    rng = np.random.default_rng(1)
    arrays = {
        "conv0/kernel": np.eye(3)[None, None],
        "conv0/bias": np.zeros(3),
        "conv1_1/kernel": rng.normal(0, 0.3, (3, 3, 3, 6)),
        "conv1_2/kernel": rng.normal(0, 0.2, (3, 3, 6, 8)),
        "conv1_1/bias": np.zeros(6),
        "conv1_2/bias": np.zeros(8),
    }
    from videostyle.training.style_objective import LossNetworks

    net = from_arrays({k: v.astype(np.float32) for k, v in arrays.items()}, "small")
    # Its one layer serves for small strokes and for large ones.
    return LossNetworks(net, replace(net, deep_layers=net.style_layers))


OBJECTIVES: dict = {}  # what trains a network with a painting, and the state of its optimiser when it was new


def objective_as_new(key: tuple, weights, *rest):  # type: ignore[no-untyped-def]
    """An ``Objective`` as it is when it was just made.

    To trace its step takes longer than most trainings here, so those that differ in nothing it depends on (``key``)
    have one in turn, which is put back.
    """
    from videostyle.training.objective import Objective

    if key not in OBJECTIVES:
        made = Objective(weights, *rest)
        OBJECTIVES[key] = made, [np.array(variable) for variable in made.optimizer.variables]
    made, state = OBJECTIVES[key]
    made.set_arrays(weights)
    for variable, value in zip(made.optimizer.variables, state, strict=True):
        variable.assign(value)
    return made


def train(style, net, steps: int, **options):  # type: ignore[no-untyped-def]
    from videostyle.styles.card import StyleCard, arrays_sha256
    from videostyle.training import trainer

    sampler = options.pop("sampler", None) or data.PairSampler([picture(i) for i in range(3)], size=64, batch=1)
    settings = trainer.TrainingSettings(
        steps=options.pop("planned", steps), scales=1, checkpoint_every=2, **options.pop("settings", {})
    )
    # How far a training goes and how fast is no part of its step.
    alike = replace(settings, steps=1, minutes=None, learning_rate=1.0, patience=None, checkpoint_every=1)
    key = (net.name, arrays_sha256(style.weights), alike)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "Objective", partial(objective_as_new, key))
        return trainer.train_style(picture(99), sampler, style, net, settings, StyleCard(name="new"), **options)


@pytest.fixture(scope="module")
def learnt(random_style, small_net):  # type: ignore[no-untyped-def]
    """A style that has come near to the painting."""
    return train(random_style, small_net, 60)


@pytest.fixture(scope="module")
def whole(random_style, small_net):  # type: ignore[no-untyped-def]
    """What six steps give that nobody has stopped."""
    return train(random_style, small_net, 6)


def distance_to_painting(style, net) -> float:  # type: ignore[no-untyped-def]
    """Style loss of a picture painted with ``style``."""
    from videostyle.network.perceptual import style_loss
    from videostyle.network.style_network import forward
    from videostyle.training.style_objective import grams, targets_of

    view = picture(1)[None, :64, :64].astype(np.float32) / 255
    wanted = targets_of(net, picture(99), scales=1).fine[0]
    found = grams(net.fine, forward(style.architecture, style.weights, view), tuple(wanted))
    return sum(float(style_loss(found[layer], wanted[layer])) for layer in wanted) / len(wanted)


def test_training_lowers_the_style_loss_and_fills_in_the_card(random_style, small_net, learnt) -> None:  # type: ignore[no-untyped-def]
    assert distance_to_painting(learnt, small_net) < 0.6 * distance_to_painting(random_style, small_net)
    assert learnt.card.figures["steps"] == 60
    assert learnt.card.base_sha256
    assert learnt.card.loss_weights["style"] > 0


def test_colours_of_areas_half_way_from_the_base_count_if_they_leave_the_line(random_style, small_net) -> None:  # type: ignore[no-untyped-def]
    from videostyle.network.architecture import initial_weights
    from videostyle.network.perceptual import half_size
    from videostyle.network.style_network import forward
    from videostyle.styles.card import Style, arrays_sha256
    from videostyle.styles.interpolation import interpolate
    from videostyle.training.losses import area_loss
    from videostyle.training.style_objective import INTERPOLATED, LossWeights, style_objective, targets_of

    arch = random_style.architecture
    base = Style(random_style.card, initial_weights(arch, seed=6))
    style = Style(replace(random_style.card, base_sha256=arrays_sha256(base.weights)), random_style.weights)
    sampler = data.PairSampler([picture(i) for i in range(3)], size=64, batch=1)
    batch = sampler.batch(1)
    targets = targets_of(small_net, picture(99), scales=1)
    plain, kept = (
        style_objective(arch, small_net, targets, LossWeights(interpolation=weight), 64, base=base.weights)(
            style.weights, batch
        )
        for weight in (0.0, 7.0)
    )
    scene, end = half_size(batch["current"]), half_size(forward(arch, style.weights, batch["current"], batch["canvas"]))
    between = forward(arch, interpolate(base, [(style, 1.0)], INTERPOLATED).weights, scene)
    expected = float(area_loss(between, (1 - INTERPOLATED) * scene + INTERPOLATED * end))
    assert expected > 1e-4
    assert float(kept["interpolation"]) == pytest.approx(expected, rel=1e-3)
    assert float(kept["loss"] - plain["loss"]) == pytest.approx(7 * expected, rel=1e-2)
    with pytest.raises(UsageError, match="base"):
        style_objective(arch, small_net, targets, LossWeights(interpolation=1.0), 64)


def test_a_loss_network_in_bfloat16_teaches_the_same(random_style, small_net) -> None:  # type: ignore[no-untyped-def]
    style = train(random_style, small_net, 60, settings={"precision": "bfloat16"})
    assert distance_to_painting(style, small_net) < 0.6 * distance_to_painting(random_style, small_net)
    assert all(value.dtype == np.float32 for value in style.weights.values())


def test_batches_come_in_the_order_of_their_steps(  # type: ignore[no-untyped-def]
    random_style, small_net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batches are made beside the step that is learnt; none is left out, made twice or made for nothing."""
    from videostyle.training.trainer import _prefetched

    class Counted(data.PairSampler):
        made: list[int] = []  # noqa: RUF012

        def batch(self, step: int) -> dict[str, np.ndarray]:
            self.made.append(step)
            return super().batch(step)

    class Uneven(Counted):
        def batch(self, step: int) -> dict[str, np.ndarray]:
            self.made.append(step)
            time.sleep(0.02 * (step % 3))  # some take longer than those that follow
            return {"previous": np.float32([step])}

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    sampler = Counted([picture(0)], size=64, batch=1)
    train(random_style, small_net, 5, sampler=sampler)
    assert sampler.made == [1, 2, 3, 4, 5]
    for cores in (1, 2, 6, 64):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        for first, last in ((1, 9), (4, 4), (5, 4)):
            sampler = Uneven([picture(0)], size=64, batch=1)
            Counted.made.clear()
            assert [int(batch["previous"][0]) for batch in _prefetched(sampler, first, last)] == list(
                range(first, last + 1)
            )
            assert sorted(sampler.made) == list(range(first, last + 1))


@pytest.mark.parametrize(("stopped", "again"), [(Interrupted, 1), (RuntimeError, 2)], ids=["asked", "killed"])
def test_a_stopped_training_goes_on_where_it_was(  # type: ignore[no-untyped-def]
    random_style, small_net, whole, tmp_path: Path, stopped: type[Exception], again: int
) -> None:
    # Asked to stop, it keeps what it has done; killed, it goes on from the last checkpoint, that of step 4.
    def stop(progress) -> None:  # type: ignore[no-untyped-def]
        if progress.step == 5:
            raise stopped("enough")

    with pytest.raises(stopped):
        train(random_style, small_net, 6, checkpoint=tmp_path / "c", observer=stop)
    steps = []
    resumed = train(random_style, small_net, 6, checkpoint=tmp_path / "c", observer=lambda p: steps.append(p.step))
    assert steps == list(range(6 - again + 1, 7))
    for name, value in whole.weights.items():
        np.testing.assert_allclose(resumed.weights[name], value, rtol=2e-3, atol=2e-5)
    assert resumed.card.figures == pytest.approx(whole.card.figures, rel=2e-2, abs=1e-4)
    # Called once more it is finished already, and says the same of itself.
    finished = train(random_style, small_net, 6, checkpoint=tmp_path / "c", observer=lambda p: pytest.fail("a step"))
    assert finished.card.figures == resumed.card.figures


def test_a_checkpoint_of_another_training_is_refused_by_name_and_kept(  # type: ignore[no-untyped-def]
    random_style, small_net, tmp_path: Path
) -> None:
    train(random_style, small_net, 2, checkpoint=tmp_path / "c")
    before = (tmp_path / "c").read_bytes()
    with pytest.raises(ModelError, match="differs in: steps"):
        train(random_style, small_net, 3, checkpoint=tmp_path / "c")
    with pytest.raises(ModelError, match="differs in: content, seed of pairs"):
        sampler = data.PairSampler([picture(7)], size=64, batch=1, seed=3)
        train(random_style, small_net, 2, checkpoint=tmp_path / "c", sampler=sampler)
    assert (tmp_path / "c").read_bytes() == before
    (tmp_path / "c").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match="delete it"):
        train(random_style, small_net, 2, checkpoint=tmp_path / "c")


def test_time_that_a_training_took_counts_when_it_goes_on(random_style, small_net, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    options = {"checkpoint": tmp_path / "c", "settings": {"minutes": 0.01}}
    seen = []
    train(random_style, small_net, 10_000, observer=seen.append, **options)
    assert 1 <= seen[-1].step < 10_000
    assert seen[-1].expected <= 10_000
    train(random_style, small_net, 10_000, observer=lambda p: pytest.fail("the time is over"), **options)


def test_early_stop(random_style, small_net) -> None:  # type: ignore[no-untyped-def]
    steps = []
    train(
        random_style,
        small_net,
        40,
        settings={"patience": 1, "learning_rate": 1e-9},
        observer=lambda p: steps.append(p.step),
    )
    assert len(steps) < 40


def test_paintings_that_cannot_be_used(random_style, small_net) -> None:  # type: ignore[no-untyped-def]
    from videostyle.training.style_objective import targets_of
    from videostyle.training.trainer import TrainingSettings

    for bad, words in ((np.zeros((100, 100, 3), np.uint8), "one colour"), (picture(1)[:20], "at least 32")):
        with pytest.raises(ModelError, match=words):
            targets_of(small_net, bad)
    for wrong in (
        {"steps": 0},
        {"stroke": 9.0},
        {"scales": 4},
        {"minutes": 0.0},
        {"minutes": -1.0},
        {"seed": -1},
        {"patience": 0},
    ):
        with pytest.raises(UsageError):
            TrainingSettings(**wrong)


def test_training_starts_from_the_nearest_style(random_style, small_net, learnt) -> None:  # type: ignore[no-untyped-def]
    from videostyle.training.starts import nearest_start
    from videostyle.training.style_objective import targets_of

    targets = targets_of(small_net, picture(99), scales=1)
    views = [picture(1)[:64, :64].astype(np.float32) / 255]
    assert nearest_start(random_style, [random_style, learnt], small_net, targets, views) is learnt
    assert nearest_start(learnt, [random_style], small_net, targets, views) is learnt


# -- figures -------------------------------------------------------------------------------------------------


def still_flows(count: int, shape: tuple[int, int]) -> list:
    return [(np.zeros((*shape, 2), np.float32), np.ones((*shape, 1), np.float32))] * count


def test_warping_error_of_a_shift_is_zero_and_of_a_step_its_square() -> None:
    wide = picture(4, 64, 200)
    frames = np.stack([wide[:, 2 * i : 2 * i + 100] for i in range(4)])
    move = np.zeros((64, 100, 2), np.float32)
    move[..., 0] = 2.0
    mask = np.ones((64, 100, 1), np.float32)
    mask[:, -2:] = 0
    assert temporal.warping_error(frames, [(move, mask)] * 3) == pytest.approx(0, abs=1e-12)
    step = np.stack([np.full((20, 20, 3), v, np.uint8) for v in (100, 151, 100)])
    assert temporal.warping_error(step, still_flows(2, (20, 20))) == pytest.approx(0.04, rel=1e-4)
    assert temporal.sintel_error(step, still_flows(2, (20, 20))) == pytest.approx(0.2, rel=1e-4)


def test_figures_of_pure_noise() -> None:
    rng = np.random.default_rng(0)
    base = np.full((64, 64, 3), 128.0)
    noisy = np.clip(np.rint(base + rng.normal(0, 8, (16, 64, 64, 3))), 0, 255).astype(np.uint8)
    expected = 2 * (64 + 1 / 12) / 255**2  # of both frames, and of rounding
    assert temporal.warping_error(noisy, still_flows(15, (64, 64))) == pytest.approx(expected, rel=0.02)
    calm = np.repeat(base[None], 16, 0).astype(np.uint8)
    assert temporal.static_flicker(noisy, calm) == pytest.approx(8 * np.sqrt(15 / 16), rel=0.02)
    assert temporal.static_flicker(calm, calm) == 0


def test_colour_drift_and_noise_gain() -> None:
    drifting = np.stack([np.full((8, 8, 3), 100 + i, np.uint8) for i in range(21)])
    assert temporal.color_drift(drifting, np.repeat(drifting[:1], 21, 0), 1) == pytest.approx(20)
    assert temporal.noise_gain(lambda f: f, np.full((32, 32, 3), 128, np.uint8)) == pytest.approx(1)
    halved = temporal.noise_gain(lambda f: f // 2, np.full((32, 32, 3), 128, np.uint8), sigma=8)
    assert halved == pytest.approx(0.5, rel=0.05)


def test_small_clips_are_enlarged() -> None:
    from videostyle.training.session import clip_pairs

    small, large = picture(1, 100, 120), picture(2, 200, 260)
    neighbours = [(small, small.copy()), (large, large.copy()), (large, large)]  # the last is a clip's first frame
    found = clip_pairs(neighbours, 150)
    assert [pair.current.shape[:2] for pair in found] == [(150, 180), (200, 260)]
    assert found[0].flow.shape == (150, 180, 2)


# -- the gallery's script ------------------------------------------------------------------------------------


def test_every_style_of_the_gallery_says_how_it_is_trained() -> None:
    script = load_script("train_gallery")
    table = tomllib.loads((SCRIPTS / "gallery.toml").read_text(encoding="utf-8"))
    stages = table.pop("stages")
    first, following = (script.stage_keys(stages, name) for name in ("first", "next"))
    assert following["interpolation"] > first["interpolation"]
    assert following["loss_network"] == first["loss_network"]
    own = {"like": "next", "steps": 7}
    assert script.keys_of(stages, own, {"steps": 9, "content": 3}) == {**following, "steps": 7, "content": 3}
    for name, entry in table.items():
        assert (ASSETS / "styles" / f"{name}.safetensors").is_file()
        for stage in entry["stages"]:
            chosen = script.keys_of(stages, stage, entry)
            assert chosen.pop("loss_network") in ("embedded", "vgg16")
            assert chosen.pop("size") % 32 == 0 < chosen.pop("batch")
            assert script.read_settings(chosen, "float32").steps == chosen["steps"]  # raises on a key it does not know


def test_the_gallery_is_trained_stage_by_stage(  # type: ignore[no-untyped-def]
    random_style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cv2 = pytest.importorskip("cv2")
    from videostyle.styles.card import Style
    from videostyle.styles.style_file import load_style, save_style

    for name in ("photo.jpg", "woodcut.png"):
        cv2.imwrite(str(tmp_path / name), picture(5))
    arguments = ["--paintings", tmp_path, "--photos", tmp_path, "--only", "woodcut", "--output", tmp_path / "out"]
    small = ["--set", "steps=1", "--set", "size=64", "--set", "scales=1"]
    start = tmp_path / "start.safetensors"
    save_style(random_style, start)
    (tmp_path / "out").mkdir()
    command = ["train_gallery.py", *arguments, *small, "--start", start, "--stage", "first", "--stage", "first"]
    monkeypatch.setattr("sys.argv", list(map(str, command)))
    script = load_script("train_gallery")
    learn, begun, ended = script.train_style, [], []

    def stage(painting, sampler, style, net, settings, card, **options):  # type: ignore[no-untyped-def]
        """The first one learns; where the second begins is all that is asked of it."""
        begun.append(style)
        again = Style(replace(card, architecture=style.architecture), style.weights)
        ended.append(again if ended else learn(painting, sampler, style, net, settings, card, **options))
        return ended[-1]

    monkeypatch.setattr(script, "train_style", stage)
    monkeypatch.setattr(script.gallery, "base", lambda *sizes: random_style)
    script.main()
    assert [style.card.name for style in begun] == ["random", "woodcut"]
    assert begun[1] is ended[0]
    before, after = load_style(start), load_style(tmp_path / "out" / "woodcut.safetensors")
    assert after.card.painting == "Woodcut"
    assert after.card.command.count("--stage first") == 2
    assert any((after.weights[name] != before.weights[name]).any() for name in before.weights)
