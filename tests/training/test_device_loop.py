"""Many steps in one call: the same training as single steps, on each backend at hand."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.training.pictures import picture
from videostyle.errors import Interrupted, ModelError
from videostyle.styles.card import StyleCard
from videostyle.training import trainer
from videostyle.training.device.loop import DeviceLoop
from videostyle.training.device.pairs import DevicePairs

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def sampler() -> DevicePairs:
    return DevicePairs([picture(i, 80, 90) for i in range(2)], size=64, batch=1)


def learn(style, net, sampler, steps, loop, **options):  # type: ignore[no-untyped-def]
    """The style after ``steps``, and what its observer saw."""
    seen: list[trainer.Progress] = []
    settings = trainer.TrainingSettings(steps=steps, scales=1, checkpoint_every=4, **options.pop("settings", {}))
    observer = options.pop("observer", seen.append)
    painting, card = picture(99, 80, 90), StyleCard(name="new")
    made = trainer.train_style(painting, sampler, style, net, settings, card, loop=loop, observer=observer, **options)
    return made, seen


def test_many_steps_in_a_call_are_the_same_steps_and_the_losses_fall(random_style, small_net, sampler) -> None:  # type: ignore[no-untyped-def]
    class Noted(DeviceLoop):
        def steps(self, objective, function, sampler, names):  # type: ignore[no-untyped-def]
            made = super().steps(objective, function, sampler, names)
            self.state = [np.array(variable) for variable in objective.optimizer.variables]

            def steps(first: int, wanted: list[float]) -> list[dict[str, float]]:
                rates.extend(wanted)
                return made(first, wanted)

            self.objective, self.made = objective, made
            return steps

    rates: list[float] = []
    loop = Noted(8)
    style, calls = learn(random_style, small_net, sampler, 20, loop)
    assert [progress.step for progress in calls] == [8, 16, 20]
    assert calls[-1].losses["loss"] < 0.9 * calls[0].losses["loss"]
    assert calls[-1].losses["style"] < calls[0].losses["style"]
    assert style.card.figures["steps"] == 20
    assert any((value != random_style.weights[name]).any() for name, value in style.weights.items())
    # The same once more, from the start, step by step.
    loop.objective.set_arrays(random_style.weights)
    for variable, value in zip(loop.objective.optimizer.variables, loop.state, strict=True):
        variable.assign(value)
    single = [loop.made(step, [rate])[0] for step, rate in enumerate(rates, 1)]
    for progress, last in zip(calls, (8, 16, 20), strict=True):
        losses = [each["loss"] for each in single[8 * ((last - 1) // 8) : last]]
        assert progress.losses["loss"] == pytest.approx(np.mean(losses), rel=1e-3)
    for name, value in loop.objective.arrays().items():
        np.testing.assert_allclose(style.weights[name], value, rtol=5e-3, atol=5e-5)


@pytest.fixture()
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[float]]]:
    """Steps that learn nothing: what is asked of them, by the first step and the rates of each call."""
    asked = []

    def steps(self, *rest):  # type: ignore[no-untyped-def]
        def make(first: int, rates: list[float]) -> list[dict[str, float]]:
            asked.append((first, rates))
            clock[0] += 0.5 * len(rates)
            return [
                dict.fromkeys(trainer.LOSSES, math.nan if step == 71 else 1.0)
                for step in range(first, first + len(rates))
            ]

        return make

    clock = [0.0]
    monkeypatch.setattr(DeviceLoop, "steps", steps)
    monkeypatch.setattr(trainer.time, "monotonic", lambda: clock[0])
    return asked


def test_what_was_stopped_goes_on(random_style, small_net, sampler, counted, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def stop(progress: trainer.Progress) -> None:
        if progress.step == 8:
            raise Interrupted("enough")

    options = {"checkpoint": tmp_path / "c"}
    with pytest.raises(Interrupted):
        learn(random_style, small_net, sampler, 10, DeviceLoop(6), observer=stop, **options)
    learn(random_style, small_net, sampler, 10, DeviceLoop(6), **options)
    # A call ends where a checkpoint is due, every four steps.
    assert [(first, len(rates)) for first, rates in counted] == [(1, 4), (5, 4), (9, 2)]
    with pytest.raises(ModelError, match="seed of pairs"):
        learn(random_style, small_net, sampler.alike(size=64, batch=1, seed=4), 10, DeviceLoop(6), **options)


def test_a_time_limit_ends_it(random_style, small_net, sampler, counted) -> None:  # type: ignore[no-untyped-def]
    _, calls = learn(random_style, small_net, sampler, 1000, DeviceLoop(16), settings={"minutes": 0.5})
    # The first call tells how long a step takes: half a second.
    assert [progress.step for progress in calls] == [1, 17, 33, 49, 60]
    rates = [rate for _, call in counted for rate in call]
    assert max(rates) == pytest.approx(3e-3, rel=0.05)
    assert rates[-1] < 0.05 * max(rates)


def test_what_comes_before_and_after_the_steps_counts_into_the_time(  # type: ignore[no-untyped-def]
    random_style, small_net, sampler, counted, caplog: pytest.LogCaptureFixture
) -> None:
    _, calls = learn(random_style, small_net, sampler, 1000, DeviceLoop(16), settings={"minutes": 0.5}, began=-10.0)
    assert 0.5 * calls[-1].step == 30.0 - 10.0 - trainer.FINISH
    assert calls[0].seconds_left == 14.5
    assert not caplog.messages
    # A training that is late all the same makes a step, and says why it is no more.
    _, calls = learn(random_style, small_net, sampler, 1000, DeviceLoop(16), settings={"minutes": 0.5}, began=-30.0)
    assert calls[-1].step <= 2
    assert "to get ready took" in caplog.messages[0]
    assert "the style has learned little" in caplog.messages[1]


def test_a_loss_that_is_not_finite_stops_it(random_style, small_net, sampler, counted) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelError, match="at step 71 is not finite"):
        learn(random_style, small_net, sampler, 100, DeviceLoop(16))
    assert len(counted) == 5


# Tiny programs: to compile them well takes longer than to run them.
FLAGS = "--xla_backend_optimization_level=0 --xla_disable_hlo_passes=constant_folding"
JAX = """
import sys
import numpy as np
from dataclasses import replace
from tests.training.pictures import picture
from videostyle.network.architecture import Architecture, initial_weights
from videostyle.network.vgg import from_arrays
from videostyle.styles.card import Style, StyleCard
from videostyle.training.device import canvas
from videostyle.training.device.backend import compiled
from videostyle.training.device.loop import DeviceLoop
from videostyle.training.device.pairs import DevicePairs
from videostyle.training.style_objective import LossNetworks, LossWeights
from videostyle.training.trainer import TrainingSettings, train_style

rng = np.random.default_rng(1)
arrays = {f"conv1_{i + 1}/kernel": rng.normal(0, 0.3, (3, 3, *ends)) for i, ends in enumerate([(3, 6), (6, 8)])}
arrays.update({f"conv1_{i + 1}/bias": np.zeros(ends) for i, ends in enumerate([6, 8])})
net = from_arrays({name: value.astype(np.float32) for name, value in arrays.items()}, "tiny")
nets = LossNetworks(net, replace(net, deep_layers=net.style_layers))
arch = Architecture(channels=4, blocks=1, deep_channels=4, deep_blocks=1, head_channels=3, fine_channels=3)
start = Style(StyleCard(name="random", architecture=arch), initial_weights(arch, seed=5))
sampler = DevicePairs([picture(i, 40, 50) for i in range(2)], size=32, batch=1)
x, y = np.mgrid[0:64.0, 0:64.0].astype(np.float32)[:, None]
noise = np.asarray(compiled(canvas.octaves)(sampler.data["noise"], np.int32([0]), x, y, np.float32([1.0])))
assert noise.shape == (1, 64, 64, 6)
assert 0.8 < noise.std() < 1.2
# Each loss takes seconds to compile: those of another network or of another look at the same one are left out.
weights = LossWeights(deep=0.0, deep_sliced=0.0, interpolation=0.0)


def learn(loop, seed):
    seen = []
    settings = TrainingSettings(steps=20, scales=1, weights=weights)
    style = train_style(
        picture(seed, 64, 64), sampler, start, nets, settings, StyleCard(name="x"), loop=loop, observer=seen.append
    )
    return style.weights, [progress.losses["loss"] for progress in seen]


class Noted(DeviceLoop):
    def steps(self, objective, *rest):
        made = super().steps(objective, *rest)
        self.objective, self.made, self.rates = objective, made, []
        self.state = [np.array(variable) for variable in objective.optimizer.variables]

        def steps(number, wanted):
            self.rates.extend(wanted)
            return made(number, wanted)

        return steps


loop = Noted(10)
first, losses = learn(loop, 98)
assert losses[-1] < losses[0], losses
second, losses = learn(loop, 99)
assert losses[-1] < losses[0], losses
assert len(loop._kept) == 1, "a program is compiled for each painting"
assert max(np.abs(first[name] - second[name]).max() for name in first) > 1e-3

# Step by step, from the start, with the same program: what differs between paintings is an input of it.
loop.objective.set_arrays(start.weights)
for variable, value in zip(loop.objective.optimizer.variables, loop.state, strict=True):
    variable.assign(value)
for step, rate in enumerate(loop.rates, 1):
    loop.made(step, [rate])
assert len(loop.rates) == 20
for name, value in loop.objective.arrays().items():
    np.testing.assert_allclose(second[name], value, rtol=1e-2, atol=1e-3)
assert "tensorflow" not in sys.modules
"""


@pytest.mark.slow()
def test_jax_trains_all_paintings_with_one_program_and_without_tensorflow() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": FLAGS}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run([sys.executable, "-c", JAX], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
