"""Checkpoints: the state of a training in a file, from which the same training resumes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from videostyle.errors import ModelError, OutputError
from videostyle.training.objective import Objective


@dataclass
class TrainingState:
    """How far a training has come: what it needs for resuming, beside weights and optimiser state.

    Attributes:
        step: number of steps done.
        seconds: time that these steps took, over all runs.
        smooth: an exponential moving average of each loss, by name.
        best: lowest smoothed total loss so far.
        best_step: step at which it was reached.
    """

    step: int = 0
    seconds: float = 0.0
    smooth: dict[str, float] = field(default_factory=dict)
    best: float = math.inf
    best_step: int = 0

    def add(self, losses: Mapping[str, float]) -> None:
        """Adds the losses of the step that was just done."""
        for name, value in losses.items():
            self.smooth[name] = 0.97 * self.smooth[name] + 0.03 * value if name in self.smooth else value
        now = self.smooth["loss"]
        if not math.isfinite(self.best) or now < self.best - 1e-4 * abs(self.best):
            self.best, self.best_step = now, self.step


@dataclass(frozen=True)
class Checkpoint:
    """The file that holds the state of one training. A training with another identity is refused.

    Attributes:
        path: the file.
        identity: everything that the training's result depends on, by name; JSON values.
    """

    path: Path
    identity: Mapping[str, Any]

    def save(self, objective: Objective, training: TrainingState) -> None:
        """Writes weights, optimiser state and progress to a temporary file, which then replaces the checkpoint.

        Raises:
            OutputError: if it cannot be written.
        """
        variables = objective.optimizer.variables
        state = {f"state/{i}": np.asarray(ops.convert_to_numpy(v)) for i, v in enumerate(variables)}
        state.update({f"weights/{name}": value for name, value in objective.arrays().items()})
        temporary = self.path.with_name(self.path.name + ".part")
        try:
            save_file(
                state, temporary, {"journey": json.dumps(asdict(training)), "identity": json.dumps(self.identity)}
            )
            os.replace(temporary, self.path)
        except (OSError, SafetensorError) as error:
            raise OutputError(
                f"cannot write the checkpoint '{self.path}'", str(error), hint="give a path that can be written to"
            ) from error

    def load(self, objective: Objective) -> TrainingState:
        """Restores weights and optimiser state; without a file, returns the state of a training that has not begun.

        Raises:
            ModelError: if the file cannot be read, or belongs to another training.
        """
        if not self.path.is_file():
            return TrainingState()
        what, hint = (
            f"cannot resume from the checkpoint '{self.path}'",
            "delete it to start again, or give another file",
        )
        try:
            state = load_file(self.path)
            with safe_open(self.path, "numpy") as file:
                metadata = file.metadata() or {}
            identity = json.loads(metadata["identity"])
            training = TrainingState(**json.loads(metadata["journey"]))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelError(what, f"{type(error).__name__}: {error}", hint) from error
        wanted = json.loads(json.dumps(self.identity))
        if identity != wanted:
            names = sorted(name for name in {*identity, *wanted} if identity.get(name) != wanted.get(name))
            raise ModelError(what, f"it belongs to another training, which differs in: {', '.join(names)}", hint)
        prefix = "weights/"
        objective.set_arrays({n.removeprefix(prefix): value for n, value in state.items() if n.startswith(prefix)})
        for i, variable in enumerate(objective.optimizer.variables):
            variable.assign(state[f"state/{i}"])
        return training
