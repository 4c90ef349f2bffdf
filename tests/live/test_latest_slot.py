"""The latest-value slot."""

from __future__ import annotations

from videostyle.live.latest_slot import LatestSlot


def test_a_new_item_replaces_the_old_one_which_is_counted_as_dropped() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for number in range(5):
        slot.put(number)
    assert slot.get(0.1) == 4
    assert slot.get(0.01) is None
    assert slot.dropped == 4
    slot.put(9)
    slot.close()
    assert not slot.exhausted
    assert slot.get(0.1) == 9
    assert slot.exhausted
