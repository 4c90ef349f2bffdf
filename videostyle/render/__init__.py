"""From names to finished files: planning, styles, running.

``videostyle.render`` is this package and the function of the Python interface as well: importing a package
puts it in its parent under its own name, so the package has to answer calls itself.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from videostyle.api import render

        return render(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
