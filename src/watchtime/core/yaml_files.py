"""YAML as it is read here: plain values alone, every key once, and no more than settings take."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from watchtime.core.errors import WatchtimeError, plain

LARGEST_FILE = 1 << 20
"""Bytes of a YAML file."""
MOST_VALUES = 100_000
"""Values of a YAML file, counted as if its aliases were written out."""
_LONGEST_NUMBER = 100
_LARGEST_NUMBER = 2**63 - 1
_PLAIN = (str, int, float, date, list, dict, type(None))


class _Strict:
    """Refuses, with its line, a value that is not of its kind, a number beyond 64 bits, and a key given twice."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        kind = node.tag.rpartition(":")[2]
        try:
            if kind in ("int", "float") and len(node.value) > _LONGEST_NUMBER:
                raise ValueError
            value = super().construct_object(node, deep)  # type: ignore[misc]
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise ConstructorError(
                None, None, f"found {_shown(node.value)}, which is no {kind}", node.start_mark
            ) from None
        if not isinstance(value, _PLAIN):
            said = f"found a value of the kind {kind}, allowed are text, numbers, lists and mappings"
            raise ConstructorError(None, None, said, node.start_mark)
        if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
            said = f"found the number {_shown(node.value)}, which has more than 64 bits"
            raise ConstructorError(None, None, said, node.start_mark)
        return value

    def construct_mapping_once(self, node: yaml.MappingNode) -> dict[Any, Any]:
        found = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in found:
                line = node.start_mark.line + 1
                raise WatchtimeError(f"the mapping that begins in line {line} has the key {_shown(str(key))} twice.")
            if isinstance(key, Hashable):
                found.add(key)
        return self.construct_mapping(node, deep=True)  # type: ignore[attr-defined]


# libyaml, which PyYAML's wheels bring, reads in a third of the time, and crashes where nesting has no end.
_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Strict, yaml.SafeLoader):
    """For users' files, which may hold anything."""


class _CardLoader(_Strict, _FastLoader):  # type: ignore[misc]
    """For cards of this project, which every step reads."""


_loader: Any
for _loader in (_StrictLoader, _CardLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _loader.construct_mapping_once)


def read_yaml(path: Path, card: bool = False) -> dict[str, Any]:
    """Return the mapping in a YAML file, a user's or a ``card``; raises ``WatchtimeError`` where it holds none."""
    try:
        value = _value(_text(path), _CardLoader if card else _StrictLoader)
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except IsADirectoryError:
        raise WatchtimeError(f"{path}: a folder was found where a YAML file was expected.") from None
    except OSError as error:
        raise WatchtimeError(f"{path}: the file cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise WatchtimeError(f"{path}: the file is not UTF-8 text (byte {error.start}).") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise WatchtimeError(f"{path}: not valid YAML: line {line}: {plain(str(error.problem))}.") from None
    except RecursionError:
        raise WatchtimeError(f"{path}: not valid YAML: it is nested too deeply.") from None
    except yaml.YAMLError as error:
        raise WatchtimeError(f"{path}: not valid YAML: {' '.join(str(error).split())}.") from None
    except WatchtimeError as error:
        raise WatchtimeError(f"{path}: {error}") from None
    if value is None:
        raise WatchtimeError(f"{path}: the file is empty, a mapping of keys to values was expected.")
    if not isinstance(value, dict):
        found = "a list" if isinstance(value, list) else _shown(value)
        raise WatchtimeError(f"{path}: a mapping of keys to values was expected, found {found}.")
    return value


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        content = stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise WatchtimeError(f"the file has more than the {LARGEST_FILE:,} bytes that are allowed.")
    return content.decode()


def _value(text: str, kind: Any) -> Any:
    loader = kind(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Return how many values a node stands for, its aliases written out; one that holds itself counts once."""
    if id(node) not in known:
        known[id(node)] = 1
        inner = node.value if isinstance(node, yaml.CollectionNode) else []
        values = [one for pair in inner for one in pair] if isinstance(node, yaml.MappingNode) else inner
        known[id(node)] = 1 + sum(_count(one, known) for one in values)
        if known[id(node)] > MOST_VALUES:
            said = f"what begins here comes to {known[id(node)]:,} values, {MOST_VALUES:,} are allowed"
            raise ConstructorError(None, None, said, node.start_mark)
    return known[id(node)]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
