"""Every processor that can be named keeps to the contract."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.processors import contract
from tests.processors.found import use_fake_detectors
from videostyle.network.statistics import KeyframeSegment
from videostyle.processors.protocol import Options
from videostyle.processors.registry import OWN, STYLE, choice_from, make
from videostyle.processors.style import StyleProcessor
from videostyle.styles.card import Style

# Options beside the defaults with which a processor works in another way.
OTHERS: dict[str, list[str]] = {
    "anonymize": ["anonymize:mode=blur,hold=3", "anonymize:mode=paint,cells=3,hold=2"],
    "protect": ["protect:hold=2,amount=1"],
    "compare": ["compare:mode=split", "compare:mode=wipe,seconds=0.5"],
    "preserve-color": ["preserve-color:mode=mean", "preserve-color:mode=histogram", "preserve-color:amount=0.5"],
    "degrain": ["degrain:frames=0", "degrain:frames=3,grain=20", "degrain:grain=0"],
    "sharpen": ["sharpen:amount=3,radius=20", "sharpen:amount=0"],
    "stabilize": ["stabilize:amount=0.3,guard=60", "stabilize:amount=0"],
    "simplify": ["simplify:amount=1,size=64", "simplify:amount=0"],
}
NAMED = [choice for name in OWN if name != STYLE for choice in (name, *OTHERS.get(name, []))]


@pytest.fixture(autouse=True)
def detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_detectors(monkeypatch)


@pytest.fixture
def make_one(request: pytest.FixtureRequest, random_style: Style) -> contract.Make:
    if request.param != STYLE:
        return partial(make, choice_from(request.param))

    def painter() -> StyleProcessor:
        processor = StyleProcessor(random_style, precision="float32", batch_size=4, output="rgb24")
        processor.use_shots([KeyframeSegment(0, processor.statistics_of(contract.clip().frames[:1]))])
        return processor

    return painter


every = pytest.mark.parametrize("make_one", [*NAMED, STYLE], indirect=True)
named = pytest.mark.parametrize("make_one", NAMED, indirect=True)


def tolerance(request: pytest.FixtureRequest) -> int:
    # Programs for other numbers of frames may round another way (tests/processors/test_style.py).
    return int(STYLE in request.node.name)


@every
def test_frames_and_times(make_one: contract.Make) -> None:
    contract.check_frames_and_times(make_one, np.uint8)


@named
def test_deep_frames(make_one: contract.Make) -> None:
    contract.check_frames_and_times(make_one, np.uint16)


@every
def test_batches(make_one: contract.Make, request: pytest.FixtureRequest) -> None:
    contract.check_batches(make_one, tolerance(request))


@every
def test_chunks(make_one: contract.Make, request: pytest.FixtureRequest) -> None:
    contract.check_chunks(make_one, tolerance(request))


@named
def test_sizes(make_one: contract.Make) -> None:
    contract.check_sizes(make_one)


@every
def test_alone(make_one: contract.Make) -> None:
    contract.check_alone(make_one)


@pytest.mark.parametrize("name", OWN)
def test_every_option_is_described_and_has_a_default(name: str) -> None:
    from videostyle.processors.registry import find

    kind: Any = find(name).load()
    assert issubclass(kind.schema, Options)
    kind.schema()
    for option, field in kind.schema.model_fields.items():
        assert field.description, option
        assert option != "name"
    assert kind.__doc__
