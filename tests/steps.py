"""The steps that the docstring of a package lists, and those that a run takes."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, util
from types import ModuleType
from typing import Any

import pytest

ITEM = re.compile(r"^\d\. +``([\w.]+)\.(\w+)``", re.MULTILINE)  # 2. ``module.function`` opens ...


def listed(package: ModuleType) -> list[str]:
    """The functions of the numbered list, as it names them."""
    return [".".join(found) for found in ITEM.findall(package.__doc__ or "")]


@contextmanager
def taken(package: ModuleType) -> Iterator[list[str]]:
    """Collects which of the listed functions are called, in their order, as often as they are."""
    found: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **keywords: Any) -> Any:
            found.append(name)
            return function(*arguments, **keywords)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for module, name in ITEM.findall(package.__doc__ or ""):
            inner = f"{package.__name__}.{module}"
            function = getattr(import_module(inner if _exists(inner) else f"videostyle.{module}"), name)
            wrapper = noted(f"{module}.{name}", function)
            for user in [m for key, m in sys.modules.items() if key.split(".")[0] in ("videostyle", "tests")]:
                for own, value in list(vars(user).items()):
                    if value is function:
                        patch.setattr(user, own, wrapper)
        yield found


def _exists(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:  # its package is none
        return False
