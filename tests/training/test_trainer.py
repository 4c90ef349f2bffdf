"""The training loop: it learns, stops, resumes, and refuses what is not its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from tests.training.training import distance_to_painting, train
from videostyle.errors import Interrupted, ModelError, UsageError
from videostyle.training import trainer
from videostyle.training.pairs import PairSampler
from videostyle.training.style_objective import style_objective
from videostyle.training.trainer import TrainingSettings, _prefetched


@pytest.fixture(scope="module")
def whole(random_style, small_net):  # type: ignore[no-untyped-def]
    """What six steps give that nobody has stopped."""
    return train(random_style, small_net, 6)


def test_training_lowers_the_style_loss_and_fills_in_the_card(random_style, small_net, learnt) -> None:  # type: ignore[no-untyped-def]
    assert distance_to_painting(learnt, small_net) < 0.6 * distance_to_painting(random_style, small_net)
    assert learnt.card.figures["steps"] == 40
    assert learnt.card.base_sha256
    assert learnt.card.loss_weights["style"] > 0


def test_a_loss_network_in_bfloat16_teaches_the_same(  # type: ignore[no-untyped-def]
    random_style, small_net, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EnoughError(Exception):
        """The loss function is known: nothing needs to be learnt with it."""

    batch = PairSampler([picture(1)], size=64, batch=1).batch(1)
    taught = []

    def noted(*arguments):  # type: ignore[no-untyped-def]
        function = style_objective(*arguments)
        weights = {name: tf.Variable(value) for name, value in random_style.weights.items()}
        with tf.GradientTape() as tape:
            loss = function(weights, batch)["loss"]
        gradients = tape.gradient(loss, list(weights.values()))
        taught.append((float(loss), np.concatenate([np.ravel(one) for one in gradients if one is not None])))
        raise EnoughError

    monkeypatch.setattr(trainer, "style_objective", noted)
    for precision in ("float32", "bfloat16"):
        with pytest.raises(EnoughError):
            train(random_style, small_net, 1, settings={"precision": precision})
    (exact, wanted), (rough, found) = taught
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.02)
    assert found.dtype == np.float32
    assert found @ wanted > 0.98 * np.linalg.norm(found) * np.linalg.norm(wanted)


def test_batches_come_in_the_order_of_their_steps(  # type: ignore[no-untyped-def]
    random_style, small_net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next batches are made beside the step that is learnt; none is left out, made twice or made for nothing."""

    class Counted(PairSampler):
        made: list[int] = []  # noqa: RUF012

        def batch(self, step: int) -> dict[str, np.ndarray]:
            self.made.append(step)
            return super().batch(step)

    class Uneven(Counted):
        def batch(self, step: int) -> dict[str, np.ndarray]:
            self.made.append(step)
            time.sleep(0.02 * (step % 3))  # some take longer than those that follow
            return {"previous": np.float32([step])}

    monkeypatch.setenv("VIDEOSTYLE_THREADS", "2")
    sampler = Counted([picture(0)], size=64, batch=1)
    train(random_style, small_net, 5, sampler=sampler)
    assert sampler.made == [1, 2, 3, 4, 5]
    for cores in (1, 2, 6, 64):
        monkeypatch.setenv("VIDEOSTYLE_THREADS", str(cores))
        for first, last in ((1, 9), (4, 4), (5, 4)):
            sampler = Uneven([picture(0)], size=64, batch=1)
            Counted.made.clear()
            assert [int(batch["previous"][0]) for batch in _prefetched(sampler, first, last)] == list(
                range(first, last + 1)
            )
            assert sorted(sampler.made) == list(range(first, last + 1))


def test_half_of_the_cores_that_may_be_used_make_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_THREADS", "8")
    four = threading.Barrier(4)

    class Together(PairSampler):
        def batch(self, step: int) -> dict[str, np.ndarray]:
            four.wait(timeout=20)  # goes on when four batches are made at the same time
            return {}

    assert len(list(_prefetched(Together([picture(0)], size=64, batch=1), 1, 4))) == 4


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
        sampler = PairSampler([picture(7)], size=64, batch=1, seed=3)
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


def test_settings_out_of_range_are_refused() -> None:
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
