"""What a validation found, said plainly: one sentence per mistake, in the words of YAML rather than of Python."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from watchtime.core.errors import nearest, plain, unknown

_ALLOWED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_type": "a mapping of keys to values",
    "string_pattern_mismatch": "lower-case letters, digits and, but not first, underscores",
    "string_type": "text",
    "too_long": "{max_length} or fewer entries",
    "too_short": "{min_length} or more entries",
    "tuple_type": "a list",
}

Location = Sequence[int | str]


def sentences(model: type[BaseModel], error: ValidationError, where: str) -> list[str]:
    """Return one sentence per mistake, each beginning with ``where`` and the key.

    Where a key allows a word or a list, pydantic reports a mistake once per alternative: they are joined with "or",
    and a mistake in an entry of the list stands for all of them.
    """
    mistakes: dict[tuple[str, ...], list[Any]] = {}
    for item in error.errors():
        mistakes.setdefault(_keys(item["loc"]), []).append(item)
    lists = {_keys(item["loc"])[:-1] for item in error.errors() if _is_alternative(item["loc"][-2:-1])}
    return [_sentence(model, keys, items, where) for keys, items in mistakes.items() if keys not in lists]


def _is_alternative(location: Location) -> bool:
    return any(isinstance(part, str) and part.startswith(("literal[", "list[")) for part in location)


def _keys(location: Location) -> tuple[str, ...]:
    return tuple(str(part) for part in location if not _is_alternative([part]) and part != "[key]")


def _sentence(model: type[BaseModel], keys: tuple[str, ...], items: list[Any], where: str) -> str:
    place, kind = plain(".".join(keys)), items[0]["type"]
    if kind == "extra_forbidden":
        outer = ".".join(keys[:-1])
        return unknown("key", keys[-1], _allowed_keys(model, keys[:-1]), f"{where}: {outer}" if outer else where)
    if kind == "missing":
        return f"{where}: the key '{place}' is missing."
    if kind == "invalid_key" or "[key]" in items[0]["loc"]:
        return f"{where}: the key {place} is not text; put it in quotes."
    allowed = " or ".join(_allowed(item) for item in items)
    guesses = [nearest(items[0]["input"], _words(item)) for item in items if isinstance(item["input"], str)]
    hint = "".join(f", did you mean '{guess}'?" for guess in guesses if guess) or "."
    start = f"{where}: {place}" if place else where
    return f"{start}: found {_shown(items[0]['input'])}, allowed: {allowed}{hint}"


def _allowed(item: Any) -> str:
    return _ALLOWED[item["type"]].format(**item.get("ctx", {})) if item["type"] in _ALLOWED else item["msg"].lower()


def _words(item: Any) -> list[str]:
    """Return the words of a choice, which pydantic gives as ``'cpu', 'mps' or 'cuda'``."""
    expected: str = item["ctx"]["expected"] if item["type"] == "literal_error" else ""
    return expected.replace("'", "").replace(" or ", ", ").split(", ")


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _allowed_keys(model: Any, path: Sequence[str]) -> list[str]:
    """Return the keys of the model that ``path`` leads to, passing through mappings of models."""
    for part in path:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        annotation = field.annotation if field else None
        if annotation is None:
            continue
        arguments = [a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")]
        model = arguments[0] if arguments else annotation
    return list(getattr(model, "model_fields", {}))
