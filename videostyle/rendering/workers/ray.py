"""Workers of a Ray cluster."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Collection, Sequence
from typing import Any

from videostyle.errors import DeviceError, OutputError, VideostyleError
from videostyle.rendering.chunked_clip import ChunkTask
from videostyle.rendering.chunks import paint_in_folders, warm_up
from videostyle.rendering.settings import Engine

ATTEMPTS = 3  # number of times a chunk is tried on workers of a cluster before its clip fails
START_TIMEOUT_MS = 180_000


def _paint_on_cluster(folders: Sequence[str], numbers: Sequence[int], threads: int) -> None:
    """``paint_in_folders`` as a Ray task, on a share of the node's cores."""
    os.environ["VIDEOSTYLE_THREADS"] = str(threads)
    paint_in_folders(folders, numbers)


class RayPool:
    """Workers of a Ray cluster. A task that fails, or whose node is lost, is tried again on another worker.

    Args:
        engine: address of the cluster, and number of chunks it paints at once.
        most: largest number of tasks.
    """

    attempts, copies = ATTEMPTS, True

    def __init__(self, engine: Engine, most: int) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError as error:
            raise DeviceError("Ray is not installed", str(error), "pip install 'videostyle[cluster]'") from error
        ray = self._ray
        self._ours = not ray.is_initialized()
        if self._ours:
            quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
            if engine.address is None:
                # The dashboard would listen on a port.
                quiet |= {"include_dashboard": False}
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage reports
            # On a busy machine a helper process of Ray needs longer to start than Ray's default.
            os.environ.setdefault("RAY_agent_register_timeout_ms", str(START_TIMEOUT_MS))
            try:
                ray.init(address=engine.address, **quiet)
            except Exception as error:  # Ray raises all kinds of errors, some without a message
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
                if engine.address is None:
                    hint = "try again when less else is running, or use the local `engine`"
                    raise DeviceError("cannot start a Ray cluster on this machine", why, hint) from error
                hint = "check the `address`, and that 'ray status' answers there"
                raise DeviceError(f"cannot reach the Ray cluster '{engine.address}'", why, hint) from error
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        nodes = max(1, sum(1 for node in ray.nodes() if node["Alive"]))
        gpus = int(ray.cluster_resources().get("GPU", 0))
        self._workers = min(most, engine.workers or (gpus or nodes))
        self._threads = max(1, cores // max(self._workers, nodes))
        # The scheduler counts attempts; a retry by Ray itself would hide that a node was lost.
        self._needs: dict[str, Any] = {
            "num_cpus": self._threads,
            "num_gpus": 1 if gpus else 0,
            "max_retries": 0,
        }
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend != "tensorflow":  # machines of a cluster have environments of their own
            self._needs["runtime_env"] = {"env_vars": {"KERAS_BACKEND": backend}}
        self._task = ray.remote(**self._needs)(_paint_on_cluster)
        self._busy: set[Any] = set()
        self._warm = [ray.remote(**self._needs)(warm_up).remote() for _ in range(self._workers)]

    def free(self) -> bool:
        """Whether the cluster can take another task."""
        return len(self._busy) < self._workers

    def start(self, task: ChunkTask) -> Any:
        """Gives a task to the cluster."""
        handle = self._task.remote(task.folders, [task.number], self._threads)
        self._busy.add(handle)
        return handle

    def ended(self, handles: Collection[Any], seconds: float) -> Collection[Any]:
        """Those of ``handles`` that have ended, after at most ``seconds``."""
        ready, _ = self._ray.wait(list(handles), num_returns=1, timeout=seconds)
        return list(ready)

    def result(self, handle: Any) -> None:
        """Frees the worker of a task that has ended; raises the error of the task, if any."""
        self._busy.discard(handle)
        try:
            self._ray.get(handle)
        except self._ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, VideostyleError):
                raise cause from error
            raise OutputError(
                "a task of the cluster failed",
                str(error).splitlines()[-1],
                hint="look at the log of the Ray worker; run the same command again to resume it",
            ) from error

    def close(self) -> None:
        """Cancels the running tasks; ends the cluster if it was started here."""
        for task in self._busy:
            self._ray.cancel(task, force=True)
        if self._ours:
            self._ray.shutdown()
