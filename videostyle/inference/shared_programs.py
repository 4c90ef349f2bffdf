"""Compiled programs, each made once and shared by all that need it: compiling takes as long as painting many frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

KEPT = 32  # programs of each kind, those used last: frames may come in any number of sizes

Program = Callable[..., Any]


def shared(make: Callable[..., Program]) -> Callable[..., Program]:
    """Decorates a function that makes a program: calls with equal arguments share one, also from several threads.

    Args:
        make: a function of hashable arguments that name all that the program depends on, the device included.
    """
    kept, one_at_a_time = lru_cache(maxsize=KEPT)(make), threading.Lock()

    @wraps(make)
    def program(*what: Any) -> Program:
        with one_at_a_time:
            return kept(*what)

    return program
