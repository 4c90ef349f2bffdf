"""How much memory calls take, and which of them fit side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

tf = pytest.importorskip("tensorflow")
from videostyle.inference import memory
from videostyle.inference.memory import MemoryBudget, budget_of, bytes_per_pixel, host_budget, is_out_of_memory
from videostyle.network.architecture import NETWORKS


def test_bytes_a_pixel_are_those_that_were_measured() -> None:
    # A frame of 1920x1080 on a CPU: resident memory while it is painted, less that before.
    assert bytes_per_pixel(NETWORKS["medium"], "float32") == pytest.approx(285, rel=0.1)
    assert bytes_per_pixel(NETWORKS["medium"], "bfloat16") == pytest.approx(153, rel=0.1)
    assert bytes_per_pixel(NETWORKS["small"], "float32") == pytest.approx(262, rel=0.2)


def test_calls_that_fit_run_side_by_side_and_no_more() -> None:
    budget, running, most = MemoryBudget(100), 0, 0
    lock, three = threading.Lock(), threading.Barrier(3)  # goes on when three calls run

    def call(size: float) -> None:
        nonlocal running, most
        with budget.reserved(size):
            with lock:
                running += 1
                most = max(most, running)
            three.wait(timeout=60)
            with lock:
                running -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, [30.0] * 12))
    assert most == 3
    assert budget.calls(30, 8) == 3
    assert budget.calls(30, 2) == 2


def test_one_call_runs_however_large_it_is() -> None:
    budget = MemoryBudget(100)
    with budget.reserved(1e12):
        pass
    assert budget.calls(1e12, 8) == 1


def test_a_failed_call_gives_its_memory_back() -> None:
    budget = MemoryBudget(100)
    for _ in range(3):
        with pytest.raises(MemoryError), budget.reserved(100):
            raise MemoryError


def test_the_budget_is_a_share_of_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    host_budget.cache_clear()
    try:
        assert budget_of("/CPU:0").total == 600
        assert budget_of("/CPU:0") is budget_of("/CPU:0")  # all processors of a process share it
        assert budget_of("/GPU:0").calls(1e12, 4) == 4
    finally:
        host_budget.cache_clear()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"), True),
        (tf.errors.AbortedError(None, None, "Operation received an exception:Status: 1, message: could not"), True),
        (tf.errors.AbortedError(None, None, "Operation received an exception:Status: 3, message: invalid"), False),
        (tf.errors.InvalidArgumentError(None, None, "no such shape"), False),
        (ValueError("no"), False),
    ],
)
def test_what_means_that_memory_ran_out(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
