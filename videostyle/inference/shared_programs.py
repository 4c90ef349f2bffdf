"""Compiled programs that all share who compute the same: to compile one takes as long as to paint many frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

KEPT = 32  # programs of each kind, those used last: frames may come in any number of sizes

Program = Callable[..., Any]


def shared(make: Callable[..., Program]) -> Callable[..., Program]:
    """Lets a function that makes a program make one for equal arguments, also for threads that ask at the same time.

    Args:
        make: a function of hashable arguments that name all that the program depends on, the device included.
    """
    kept, one_at_a_time = lru_cache(maxsize=KEPT)(make), threading.Lock()

    @wraps(make)
    def program(*what: Any) -> Program:
        with one_at_a_time:
            return kept(*what)

    return program
