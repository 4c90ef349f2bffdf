"""Knows the newest request of each view: requests that a newer one replaces need no answer."""

from __future__ import annotations

import threading
from collections import OrderedDict

from videostyle.studio.web.problems import Problem

MOST_VIEWS = 1024


class Latest:
    """Knows the newest request of each view. Several threads may call it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: OrderedDict[str, int] = OrderedDict()

    def check(self, view: str, sequence: int) -> None:
        """Notes a request.

        Args:
            view: what it is for; "" = nothing that can be overtaken.
            sequence: its number in that view, larger than those before.

        Raises:
            Problem: if a later one has come.
        """
        if not view:
            return
        with self._lock:
            newest = max(self._newest.get(view, 0), sequence)
            self._newest[view] = newest
            self._newest.move_to_end(view)
            while len(self._newest) > MOST_VIEWS:
                self._newest.popitem(last=False)
        if sequence < newest:
            raise Problem("overtaken", "a newer request of this view has come")
