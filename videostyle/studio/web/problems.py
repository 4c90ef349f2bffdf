"""Errors as the studio's server tells them: a status, and JSON that says what, why, and what to do."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from videostyle.errors import (
    DeviceError,
    InputError,
    Interrupted,
    Mistakes,
    ModelError,
    OutputError,
    SettingError,
    UsageError,
    VideostyleError,
)

# code -> status
CODES = {
    "bad_request": 400,
    "forbidden": 403,
    "not_found": 404,
    "method": 405,
    "overtaken": 409,
    "conflict": 409,
    "too_large": 413,
    "wrong_type": 415,
    "unusable": 422,
    "busy": 429,
    "bug": 500,
    "device": 503,
    "full": 507,
}
# What kind of error of this package has which code; the first that fits.
KINDS: tuple[tuple[type[VideostyleError], str], ...] = (
    (UsageError, "bad_request"),
    (InputError, "unusable"),
    (ModelError, "unusable"),
    (OutputError, "conflict"),
    (DeviceError, "device"),
    (Interrupted, "conflict"),
)


class Problem(VideostyleError):
    """A request that cannot be answered as it is.

    Args:
        code: one of ``CODES``.
        what: what failed.
        why: the reason.
        hint: what to do about it.
    """

    def __init__(self, code: str, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.code = code


def not_found(what: str = "there is no such file", hint: str = "look at /api/files") -> Problem:
    """The answer for what is not there, or may not be seen: one cannot tell which."""
    return Problem("not_found", what, hint=hint)


def code_of(error: VideostyleError) -> str:
    """The code of an error."""
    if isinstance(error, Problem):
        return error.code
    return next((code for kind, code in KINDS if isinstance(error, kind)), "bug")


def bug(error: Exception) -> VideostyleError:
    """An error that nobody foresaw, as one to tell."""
    return VideostyleError(f"this is a bug: {type(error).__name__}", str(error)[:200], "please report it")


def as_json(error: VideostyleError) -> dict[str, Any]:
    """An error as JSON."""
    if isinstance(error, SettingError):
        what, setting = f"{error.setting}: {error.why}" if error.why else error.setting, error.setting
        return {"code": code_of(error), "what": what, "why": "", "hint": error.hint, "setting": setting}
    texts = {"what": error.what, "why": error.why, "hint": error.hint}
    return {"code": code_of(error), **{key: " ".join(text.split()) for key, text in texts.items()}, "setting": None}


def answer(error: VideostyleError) -> JSONResponse:
    """The response that tells an error."""
    errors = [as_json(one) for one in (error.errors if isinstance(error, Mistakes) else (error,))]
    return JSONResponse({"error": errors[0], "errors": errors}, CODES[errors[0]["code"]])
