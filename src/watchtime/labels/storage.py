"""Codecs by name: find, fit, save and load them."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from watchtime import labels
from watchtime.core.config import validate
from watchtime.core.errors import WatchtimeError, first_words, unknown
from watchtime.core.files import canonical_json, replacing
from watchtime.core.seal import intact
from watchtime.labels.base import Array, Codec, Floats


def find_codec(name: str) -> type[Codec]:
    """Return the class that ``labels/<name>.py`` defines under this name, or raise ``WatchtimeError``."""
    modules = [module.name for module in pkgutil.iter_modules(labels.__path__)]
    found = _codec_in(name) if name in modules else None
    if found is None:
        raise WatchtimeError(unknown("codec", name, filter(_codec_in, modules)))
    return found


def _codec_in(module: str) -> type[Codec] | None:
    for value in vars(importlib.import_module(f"{labels.__name__}.{module}")).values():
        if isinstance(value, type) and issubclass(value, Codec) and getattr(value, "name", None) == module:
            return value
    return None


def fit_codec(name: str, settings: Mapping[str, Any], target: Floats, duration: Floats | None = None) -> Codec:
    """Return the codec ``name`` fitted on training rows; settings that are not given keep their defaults."""
    codec = find_codec(name)
    return codec.fit(validate(codec.Settings, settings, f"codec '{name}'"), target, duration)


def save(codec: Codec, path: str | os.PathLike[str]) -> None:
    """Write one .npz without pickle whose bytes depend on the codec's name, settings and arrays alone."""
    settings = canonical_json(codec.settings.model_dump(mode="json"))
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, codec=np.array(codec.name), settings=np.array(settings), **codec.arrays())


def load(path: str | os.PathLike[str]) -> Codec:
    """Return the codec that ``save`` wrote; raises ``WatchtimeError`` for a missing, damaged or foreign file."""
    contents = _read(path)
    try:
        name, settings = str(contents.pop("codec")), json.loads(str(contents.pop("settings")))
        codec = find_codec(name)
        return codec.from_arrays(validate(codec.Settings, settings, f"settings of codec '{name}'"), contents)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise WatchtimeError(f"{path}: not a codec file ({first_words(error)}).") from None
    except WatchtimeError as error:
        raise WatchtimeError(f"{path}: {error}") from None


def _read(path: str | os.PathLike[str]) -> dict[str, Array]:
    try:
        with open(intact(path), "rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise zipfile.BadZipFile("it is not a whole .npz")
            # Ours are not compressed, so that no file takes more memory than its own size.
            if any(member.file_size != member.compress_size for member in zipfile.ZipFile(stream).infolist()):
                raise zipfile.BadZipFile("its arrays are compressed")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise WatchtimeError(f"{path}: the file does not exist.") from None
    except (OSError, EOFError, MemoryError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise WatchtimeError(f"{path}: a damaged file or not a codec ({first_words(error)}).") from None
