"""Chains: windows, parts, processors with a state, order, and what a region limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.processors import contract
from videostyle.errors import SettingError
from videostyle.frames import FrameBatch, VideoInfo, joined
from videostyle.processors.arrangement import arranged
from videostyle.processors.chain import Chain, Part, needs_together
from videostyle.processors.masked import within
from videostyle.processors.protocol import Configured, Needs, Options
from videostyle.processors.registry import Choice, chain_from


class Mean(Configured[Options]):
    """The mean of a frame with those around it."""

    @property
    def needs(self) -> Needs:
        return Needs(history=2, lookahead=1)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        around = joined([part for part in (batch.before, replace(batch, before=None, after=None), batch.after) if part])
        first = len(batch.before) if batch.before else 0
        means = [np.rint(around.frames[max(0, n - 2) : n + 2].mean(axis=0)) for n in range(first, first + len(batch))]
        return replace(batch, frames=np.stack(means).astype(batch.frames.dtype))


class Trail(Configured[Options]):
    """Blends each frame with what it made of the one before: its state reaches back without end."""

    @property
    def needs(self) -> Needs:
        return Needs(history=3, stateful=True)

    def restart(self) -> None:
        self._last: np.ndarray | None = None

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        frames = []
        for frame in batch.frames.astype(float):
            self._last = frame if self._last is None else 0.5 * self._last + 0.5 * frame
            frames.append(np.rint(self._last))
        return replace(batch, frames=np.stack(frames).astype(batch.frames.dtype))


class Whole(Trail):
    @property
    def needs(self) -> Needs:
        return Needs(stateful=True, chunkable=False)


@pytest.mark.parametrize("kind", [Mean, Trail])
def test_processors_with_history_or_a_state_keep_to_the_contract(kind: type[Configured[Options]]) -> None:
    def make() -> Configured[Options]:
        return kind(Options())

    contract.check_frames_and_times(make, np.uint8)
    contract.check_batches(make)
    contract.check_chunks(make)
    contract.check_alone(make) if kind is Mean else None


def test_neighbours_are_those_of_the_clip() -> None:
    batch = contract.clip()
    done = contract.run(lambda: Mean(Options()), batch, 3)
    for number in range(len(batch)):
        expected = np.rint(batch.frames[max(0, number - 2) : number + 2].mean(axis=0))
        np.testing.assert_array_equal(done.frames[number], expected)


def test_a_part_needs_the_frames_of_all_windows_together_and_no_more() -> None:
    batch = contract.clip()
    processors = [Mean(Options()), Mean(Options())]
    assert needs_together(processors) == (4, 2)
    whole = Chain(processors)
    whole.open(contract.info_of(batch))
    expected = joined([done for done in [*map(whole, contract.in_batches(batch, 4)), whole.finish()] if done])
    seen: list[int] = []

    class Last(Mean):
        def __call__(self, batch: FrameBatch) -> FrameBatch:
            seen.extend(range(batch.index, batch.index + len(batch)))
            return super().__call__(batch)

    chain = Chain([Mean(Options()), Last(Options())], Part(6, 3))
    chain.open(contract.info_of(batch))
    found = [*map(chain, contract.in_batches(batch, 4, 2, 11)), chain.finish()]
    done = joined([one for one in found if one])
    assert (done.index, len(done)) == (6, 3)
    np.testing.assert_array_equal(done.frames, expected.frames[6:9])
    assert seen == [6, 7, 8]  # frames around the part are not processed where nobody needs them


def test_originals_follow_their_frames() -> None:
    batch = replace(contract.clip(), original=None)

    class Check(Configured[Options]):
        def __call__(self, part: FrameBatch) -> FrameBatch:
            np.testing.assert_array_equal(part.original, batch.frames[part.index : part.index + len(part)])
            return part

    chain = Chain([Mean(Options()), Check(Options())])
    chain.open(contract.info_of(batch))
    found = [*map(chain, contract.in_batches(batch, 4)), chain.finish()]
    assert sum(len(one) for one in found if one) == len(batch)


def test_live_holds_nothing_back() -> None:
    batch = contract.clip()
    chain = Chain([Mean(Options())], may_wait=False)
    chain.open(contract.info_of(batch))
    for number, one in enumerate(contract.in_batches(batch, 1)):
        done = chain(one)
        assert done is not None
        assert (done.index, len(done)) == (number, 1)
    assert chain.finish() is None


# -- order -------------------------------------------------------------------------------------------------------


def names(*words: str) -> list[str]:
    return [choice.name for choice in arranged(chain_from(list(words)))]


def test_the_painting_stands_before_the_first_that_belongs_behind_it() -> None:
    assert names() == ["style"]
    assert names("degrain", "simplify") == ["degrain", "simplify", "style"]
    assert names("sharpen", "grain") == ["style", "sharpen", "grain"]
    assert names("degrain", "grain", "simplify") == ["degrain", "style", "grain", "simplify"]
    assert names("sharpen", "style", "degrain") == ["sharpen", "style", "degrain"]


def test_shorthands_stand_behind_the_painting_and_at_the_end() -> None:
    colour, compare = chain_from(["preserve-color", "compare"])
    chain = arranged(chain_from(["degrain", "sharpen"]), [colour], [compare])
    assert [one.name for one in chain] == ["degrain", "style", "preserve-color", "sharpen", "compare"]
    with pytest.raises(SettingError, match="twice"):
        arranged(chain_from(["compare"]), [], [compare])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["style", "style"], "twice"),
        (["compare", "style"], "changes the size"),
        (["compare", "grain"], "place 'grain' before 'compare'"),
    ],
)
def test_orders_that_cannot_be_are_refused(words: list[str], why: str) -> None:
    with pytest.raises(SettingError, match=why):
        names(*words)


def test_a_processor_that_looks_back_cannot_follow_one_with_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    from videostyle.processors import arrangement

    kinds = {"trail": Trail, "mean": Mean}
    monkeypatch.setattr(arrangement, "make", lambda choice: kinds[choice.name](Options()))
    chain = [Choice("mean", {}), Choice("trail", {})]
    arrangement._check(chain, [kinds[one.name](Options()) for one in chain])
    with pytest.raises(SettingError, match="place 'mean' before 'trail'"):
        arrangement._check(chain[::-1], [kinds[one.name](Options()) for one in chain[::-1]])


# -- regions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_outside_a_region_frames_stay_what_they_are(dtype: type) -> None:
    frames = contract.clip(dtype=dtype).frames
    mask = np.zeros(frames.shape[:3], np.uint8)
    mask[:, :, 10:20], mask[:, :, 20] = 255, 128
    negative = np.iinfo(dtype).max - frames
    done = within(mask, negative, frames)
    np.testing.assert_array_equal(done[mask == 0], frames[mask == 0])
    np.testing.assert_array_equal(done[mask == 255], negative[mask == 255])


def test_a_region_of_deep_frames_that_are_painted_to_eight_bits() -> None:
    inside, outside = np.full((1, 1, 2, 3), 9, np.uint8), np.full((1, 1, 2, 3), 514, np.uint16)
    found = within(np.array([[[255, 0]]], np.uint8), inside, outside)
    assert found[0, 0, :, 0].tolist() == [9, 2]


def test_info_is_that_of_the_last() -> None:
    assert Chain([]).open(VideoInfo(3, 4)) == VideoInfo(3, 4)
