"""The state of a training on disk: it goes on from there after a stop, and no other training does."""

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
    """How far a training is: what one that is resumed needs beside weights and optimiser.

    Attributes:
        step: steps done.
        seconds: that they took, over all runs.
        smooth: the losses, each a running mean.
        best: lowest smoothed loss so far.
        best_step: when it was reached.
    """

    step: int = 0
    seconds: float = 0.0
    smooth: dict[str, float] = field(default_factory=dict)
    best: float = math.inf
    best_step: int = 0

    def add(self, losses: Mapping[str, float]) -> None:
        """Takes the losses of the step that was just done."""
        for name, value in losses.items():
            self.smooth[name] = 0.97 * self.smooth[name] + 0.03 * value if name in self.smooth else value
        now = self.smooth["loss"]
        if not math.isfinite(self.best) or now < self.best - 1e-4 * abs(self.best):
            self.best, self.best_step = now, self.step


@dataclass(frozen=True)
class Checkpoint:
    """A file with the state of one training, which goes on from there and from no other.

    Attributes:
        path: of the file.
        identity: what the training depends on, by name.
    """

    path: Path
    identity: Mapping[str, Any]

    def save(self, objective: Objective, training: TrainingState) -> None:
        """Writes the weights and the state of optimiser and training; the file is replaced only when it is whole.

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
                f"cannot write the checkpoint '{self.path}'", str(error), hint="choose another place with --checkpoint"
            ) from error

    def load(self, objective: Objective) -> TrainingState:
        """Restores weights and optimiser; the state of a training that has not begun if there is no file."""
        if not self.path.is_file():
            return TrainingState()
        what, hint = f"cannot go on from the checkpoint '{self.path}'", "delete it to start anew, or name another file"
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
            raise ModelError(what, f"it is of another training, which differs in: {', '.join(names)}", hint)
        prefix = "weights/"
        objective.set_arrays({n.removeprefix(prefix): value for n, value in state.items() if n.startswith(prefix)})
        for i, variable in enumerate(objective.optimizer.variables):
            variable.assign(state[f"state/{i}"])
        return training
