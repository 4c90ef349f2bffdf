"""Tells browsers of changes at once, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

WAITING = 256  # events that a slow browser may be behind; beyond that it gets the whole state again
HEARTBEAT = 15.0  # seconds between two signs of life


class Events:
    """Passes events to all browsers that listen. ``tell`` may be called from any thread."""

    def __init__(self) -> None:
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[bytes | None]]] = set()
        self._closed = False

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Tells all browsers.

        Args:
            name: of the event.
            data: what becomes JSON.
        """
        event = _as_bytes(name, data)
        for loop, waiting in list(self._listeners):
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_put, waiting, event)

    async def listen(self, state: Callable[[], dict[str, dict[str, Any]]]) -> AsyncIterator[bytes]:
        """Yields the events from now on, the state before them.

        Args:
            state: gives the events by name that tell everything.
        """
        listener = asyncio.get_running_loop(), asyncio.Queue[bytes | None](WAITING)
        self._listeners.add(listener)
        try:
            for name, data in state().items():
                yield _as_bytes(name, data)
            while not self._closed:
                try:
                    event = await asyncio.wait_for(listener[1].get(), HEARTBEAT)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return  # the browser opens the stream again, and is told everything
                yield event
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Ends all streams."""
        self._closed = True
        for loop, waiting in list(self._listeners):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_put, waiting, None)


def _as_bytes(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _put(waiting: asyncio.Queue[bytes | None], event: bytes | None) -> None:
    if event is None or waiting.full():
        while not waiting.empty():
            waiting.get_nowait()
        event = None
    waiting.put_nowait(event)
