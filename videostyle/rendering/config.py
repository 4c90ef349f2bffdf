"""The configuration file: settings of a user that hold where neither a command nor a job file says otherwise.

It is TOML, and its keys are the settings of ``RenderSettings``::

    crf = 20
    max_size = 1920
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from videostyle.errors import Mistakes, SettingError, UsageError, VideostyleError, raise_all
from videostyle.rendering.settings import NAMES, RenderSettings, settings_from, unknown

KEYS = tuple(name for name in NAMES if name not in ("style", "overwrite"))


def config_path() -> Path:
    """The configuration file, which may not exist: in ``VIDEOSTYLE_HOME``, or in the user's folder for such files."""
    home = os.environ.get("VIDEOSTYLE_HOME")
    return (Path(home) if home else user_config_path("videostyle", appauthor=False)) / "config.toml"


def read_config() -> dict[str, Any]:
    """The settings of the configuration file; {} if there is none.

    Raises:
        UsageError: if it cannot be read, or a setting in it is unknown or has a value that it cannot have.
        Mistakes: if several are.
    """
    path = config_path()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read '{path}'", str(error), "mend it, or delete it") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"'{path}' is not a TOML file", str(error), "mend that line") from error
    wrong: list[VideostyleError] = [_in_file(path, unknown(key, KEYS)) for key in values if key not in KEYS]
    try:
        settings_from({key: value for key, value in values.items() if key in KEYS}, RenderSettings(""))
    except Mistakes as error:
        wrong += [_in_file(path, one) for one in error.errors]
    except SettingError as error:
        wrong.append(_in_file(path, error))
    raise_all(wrong)
    return values


def _in_file(path: Path, error: VideostyleError) -> UsageError:
    setting = error.setting if isinstance(error, SettingError) else error.what
    return UsageError(f"'{path}', {setting}", error.why, error.hint)
