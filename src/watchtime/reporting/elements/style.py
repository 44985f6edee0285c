"""What pages and figures share: the sizes and colours of ``reports/style/style.json``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from watchtime.core.files import read_json

STYLE_FOLDER = Path(__file__).resolve().parents[4] / "reports" / "style"
"""The folder that holds ``report.typ`` and ``style.json``."""


@functools.cache
def style() -> dict[str, Any]:
    """Return the style: page lengths in millimetres, type sizes in points, colours."""
    values: dict[str, Any] = read_json(STYLE_FOLDER / "style.json")
    return values
