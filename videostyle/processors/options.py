"""Options as users write them, "NAME:key=value,key=value" or tables, checked against a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from videostyle.errors import SettingError, suggestion
from videostyle.processors.protocol import Options


def word(value: Any) -> str:
    """A value as users write it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def changed(options: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    """The options that differ from the usual ones, as users write them."""
    return [f"{name}={word(value)}" for name, value in options.items() if usual.get(name) != value]


def listed(values: Any) -> Sequence[Any]:
    """What a user wrote as a sequence: a list, or one."""
    return values if isinstance(values, Sequence) and not isinstance(values, str) else [values]


def split_words(text: str, setting: str, example: str) -> tuple[str, dict[str, Any]]:
    """Name and options of "NAME:key=value,key=value".

    A part without "=" belongs to the value before it: "style=great-wave:0.7,starry-night:0.3" is one option.

    Args:
        text: what a user wrote.
        setting: that holds it, for messages.
        example: how it is written, for messages.

    Raises:
        SettingError: if it cannot be read.
    """
    name, _, rest = text.strip().partition(":")
    words: dict[str, Any] = {}
    last = ""
    for part in filter(None, map(str.strip, rest.split(","))):
        key, equals, value = part.partition("=")
        if not equals and not last:
            raise SettingError(setting, f"cannot read '{part}' in '{text}'", f"as in {example}")
        if equals:
            last = key.strip().replace("-", "_")
            words[last] = value.strip()
        else:
            words[last] += f",{part}"
    return name.strip(), words


def validated(
    setting: str, name: str, schema: type[Options], values: Mapping[str, Any], *, as_words: bool = False
) -> dict[str, Any]:
    """All options of a schema, as JSON values.

    Args:
        setting: that holds them, for messages.
        name: of what has these options.
        schema: of the options.
        values: options that the user gave.
        as_words: whether all values are text.

    Raises:
        SettingError: if they cannot be so.
    """
    try:
        found = schema.model_validate_strings(dict(values)) if as_words else schema.model_validate(dict(values))
    except ValidationError as error:
        raise _refusal(setting, name, schema, dict(error.errors(include_url=False)[0])) from error
    return found.model_dump(mode="json")


def _refusal(setting: str, name: str, schema: type[Options], found: Mapping[str, Any]) -> SettingError:
    """What is wrong with an option, said to a user."""
    option = str(found["loc"][0]) if found["loc"] else ""
    if found["type"] == "extra_forbidden":
        known = list(schema.model_fields)
        hint = suggestion(option, known) if known else "it has no options"
        return SettingError(setting, f"'{name}' has no option '{option}'", hint)
    given = found["input"]
    said = f"'{given}'" if isinstance(given, str) else repr(given)
    if not option or found["type"] == "missing":
        return SettingError(setting, f"'{name}': {found['msg']}", f"'videostyle processors show {name}' tells more")
    if found["type"] == "value_error":  # of a validator, which says why
        why = str(found["msg"]).removeprefix("Value error, ")
        return SettingError(setting, f"{option} of '{name}' cannot be {said}", why)
    return SettingError(setting, f"{option} of '{name}' cannot be {said}", f"give {range_of(schema, option)}")


def range_of(schema: type[Options], option: str) -> str:
    """What an option can be, in words: "a number from 0 to 3", "side, split or wipe"."""
    found = schema.model_json_schema()["properties"].get(option, {})
    if "enum" in found:
        *most, last = map(str, found["enum"])
        return f"{', '.join(most)} or {last}" if most else last
    kinds = {"number": "a number", "integer": "a whole number", "boolean": "true or false", "string": "text"}
    low, high = found.get("minimum", found.get("exclusiveMinimum")), found.get("maximum", found.get("exclusiveMaximum"))
    text = kinds.get(found.get("type", ""), "another value")
    if low is not None and high is not None:
        return f"{text} from {low:g} to {high:g}"
    return f"{text} of at least {low:g}" if low is not None else text
