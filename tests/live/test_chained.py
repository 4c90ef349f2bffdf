"""The chain of processors around the live painter."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.errors import SettingError
from videostyle.frames import UInt8Array, VideoInfo
from videostyle.live.chained import ChainedPainter, lookahead_warnings
from videostyle.live.schedule import Schedule, check_schedule
from videostyle.processors.curve import Curve
from videostyle.processors.regions.kinds import regions_from
from videostyle.processors.registry import chain_from
from videostyle.processors.timeline import timeline_from


class Inverter:
    """A painter that inverts, and keeps what it got."""

    def __init__(self) -> None:
        self.step, self.got, self.closed = 0, [], False  # type: ignore[var-annotated]

    def prepare(self, frame: UInt8Array, now: float) -> tuple[float, ...]:
        self.got.append(frame)
        return (0.01,)

    def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
        self.got.append(frame)
        return 255 - frame

    def set_step(self, step: int, now: float) -> None:
        self.step = step

    def close(self) -> None:
        self.closed = True


def grainy(seed: int) -> UInt8Array:
    return np.random.default_rng(seed).normal(120, 5, (24, 32, 3)).astype(np.uint8)


def test_processors_stand_before_and_behind_the_painter() -> None:
    painter = Inverter()
    chained = ChainedPainter(painter, chain_from(["degrain:grain=8", "compare:mode=split"]), VideoInfo(32, 24))
    assert chained.prepare(grainy(0), 1.0) == (0.01,)
    painted = [chained(grainy(number), 1.0 + number) for number in range(3)]
    assert len(painter.got) == 4
    assert all(frame.std() < 0.6 * grainy(0).std() for frame in painter.got)
    assert painter.got[3].std() < painter.got[1].std()  # earlier frames help
    for number, frame in enumerate(painted):
        np.testing.assert_array_equal(frame[:, :15], grainy(number)[:, :15])
        np.testing.assert_array_equal(frame[:, 17:], 255 - painter.got[number + 1][:, 17:])
    chained.set_step(2, 0.0)
    assert chained.step == painter.step == 2
    chained.close()
    assert painter.closed


def test_a_processor_that_resizes_is_refused() -> None:
    with pytest.raises(SettingError, match="live paints at one size"):
        ChainedPainter(Inverter(), chain_from(["compare"]), VideoInfo(32, 24))


def test_a_region_limits_the_painting_and_others_are_painted_by_painters_of_their_own() -> None:
    class White(Inverter):
        def __call__(self, frame: UInt8Array, now: float) -> UInt8Array:
            self.got.append(now)
            return np.full_like(frame, 255)

    main, other = Inverter(), White()
    # The left half is painted; from the second second on, a stripe in it in white; the last column is the clip's.
    words = ["rectangle:box=0 0 0.5 1,feather=0", "rectangle:box=1s 0 0 0 1; 1.1s 0 0 0.25 1,feather=0,style=x"]
    chained = ChainedPainter(main, (), VideoInfo(32, 24, start=9.0), regions=regions_from(words), layers=[other])
    assert chained.prepare(grainy(0), 50.0) == (0.02,)
    early, late = chained(grainy(1), 60.0), chained(grainy(2), 61.5)
    np.testing.assert_array_equal(early[:, 18:], grainy(1)[:, 18:])
    np.testing.assert_array_equal(early[:, 1:15], 255 - grainy(1)[:, 1:15])
    np.testing.assert_array_equal(late[:, 10:15], 255 - grainy(2)[:, 10:15])
    assert (late[:, :7] == 255).all()
    assert other.got[-1] == 61.5  # the painter's own clock
    chained.set_step(1, 0.0)
    assert main.step == other.step == 1
    chained.close()
    assert main.closed
    assert other.closed


def test_regions_that_look_ahead_say_so_and_find_what_moves_without_it() -> None:
    (told,) = lookahead_warnings(regions_from(["moving:frames=4", "rectangle"]))
    assert "'moving' looks at frames to come" in told
    shown = ChainedPainter(
        Inverter(), (), VideoInfo(96, 64), regions=regions_from(["moving:frames=4,feather=0"]), shown="mask"
    )
    ground = np.random.default_rng(0).integers(60, 200, (64, 96, 3), np.uint8)
    for number in range(8):
        frame = ground.copy()
        frame[20:44, 8 * number : 8 * number + 24] = (250, 30, 30)
        mask = shown(frame, number / 25)[..., 0] > 127
    assert mask[22:42, 60:78].mean() > 0.9
    assert mask[:, :30].mean() < 0.04


class Told:
    """Keeps what it is told to change."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, ...]] = []

    def change(self, now, seconds, curve="linear", *, index=None, strength=None, canvas=None):  # type: ignore[no-untyped-def]
        self.changes.append((now, round(seconds, 6), curve, index, strength, canvas))


def test_key_frames_begin_when_they_are_due_and_end_in_time() -> None:
    told, choices = Told(), chain_from(["sharpen:amount=0"])
    words = ["2s style=b ease=1s strength=0.5", "10f canvas=0 curve=linear", "1s sharpen.amount=2 ease=2s curve=linear"]
    schedule = Schedule(told, timeline_from(words), 10.0, 1.0, None, ["a", "b"], choices)
    chained = ChainedPainter(Inverter(), choices, VideoInfo(32, 24), schedule=schedule)
    for number in range(5):
        chained(grainy(0), 100.0 + 0.6 * number)
    assert told.changes == [(101.2, 0.0, "linear", None, None, 0.0), (102.4, 0.6, "smooth", 1, 0.5, None)]
    assert schedule.options_at(2.0) == {"sharpen": {"amount": 1.0}}
    assert chained._driven["sharpen"].options.amount == pytest.approx(1.4)


def test_a_curve_multiplies_the_strength_in_straight_lines() -> None:
    told = Told()
    curve = Curve(np.array([0.0, 0.05, 1.0, 2.0]), np.array([1.0, 1.0, 0.5, 0.5], np.float32))
    schedule = Schedule(told, timeline_from("1s strength=0.4"), 25.0, 0.8, curve, ["a"], ())
    for time in np.arange(0, 3, 0.1):
        schedule(float(time), float(time))
    assert [(seconds, strength) for _, seconds, _, _, strength, _ in told.changes] == [
        (0.0, pytest.approx(0.8)),
        (1.0, pytest.approx(0.2)),
        (1.0, pytest.approx(0.2)),
    ]


@pytest.mark.parametrize(
    ("timeline", "curve", "why"),
    [
        (["1s strength=0 snap=true"], None, "cannot snap to a cut that is yet to come"),
        ([], "sound", "sound that is yet to come is not known"),
        (["1s sharpen.amount=1"], None, "'sharpen' of 'sharpen.amount' is not in the chain"),
    ],
)
def test_what_needs_the_future_is_refused_in_one_line(timeline: list[str], curve: str | None, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        check_schedule(timeline_from(timeline), curve, ())
