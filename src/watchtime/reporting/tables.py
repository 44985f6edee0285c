"""Tables as a journal prints them: units in the header, aligned decimals, the best marked, a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Literal

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.alignment import Interval, align, usual_decimals
from watchtime.reporting.text import as_markdown, escape

Alignment = Literal["left", "right", "center"]
Value = str | bool | float | Interval | None

_RULES: dict[Alignment, str] = {"left": ":--", "right": "--:", "center": ":-:"}
_NOTE_MARKS = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))
_NO_NOTE = "\u2004"


@dataclass(frozen=True)
class Cell:
    """A value with what the table says about it.

    ``best`` prints it bold: the best of its column, or tied with the best by the table's test.
    ``note`` is the letter of one of the table's notes.
    """

    value: Value
    best: bool = False
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column: ``title (unit)``, the decimals of its numbers, the side its cells are set to.

    Without ``decimals`` the largest number shows four digits, and whole numbers none after the point.
    Without ``align`` numbers stand right, with their points aligned, and text stands left.
    """

    title: str
    unit: str | None = None
    decimals: int | None = None
    align: Alignment | None = None

    def header(self) -> str:
        title = as_markdown(self.title)
        return f"{title} ({as_markdown(self.unit)})" if self.unit else title


@dataclass(frozen=True)
class Table:
    """Rows under columns, with a caption that says what to see; a notebook cell ends with it.

    A cell is a `Cell` or its bare value: a number, an `Interval`, text, True or False, or None, which
    prints as –. Text is printed as it is, letter by letter, unless it is `Markdown`; so are titles,
    units, caption and notes. The notes, by letter, follow the caption.

    Raises `WatchtimeError` where a row is longer or shorter than the columns, or a note is missing.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell | Value]]
    caption: str
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise WatchtimeError(
                    f"table '{self.caption}': row {number} has {len(row)} cells, "
                    f"expected one for each of the {len(self.columns)} columns."
                )
        used = {cell.note for row in self.rows for cell in row if isinstance(cell, Cell) and cell.note}
        for note in sorted(used ^ set(self.notes)):
            raise WatchtimeError(
                f"table '{self.caption}': note '{note}' is "
                + ("not explained in notes." if note in used else "explained but marks no cell.")
            )
        for note in sorted(used - set(_NOTE_MARKS)):
            raise WatchtimeError(f"table '{self.caption}': note '{note}' is not a letter a to p or r to z.")

    def __repr__(self) -> str:
        return f"Table: {self.caption} ({len(self.rows)} rows)"

    def _repr_markdown_(self) -> str:
        cells = [[_cell(row[index]) for row in self.rows] for index in range(len(self.columns))]
        sides = [_side(column, values) for column, values in zip(self.columns, cells, strict=True)]
        texts = [_texts(column, values) for column, values in zip(self.columns, cells, strict=True)]
        lines = [
            [column.header() for column in self.columns],
            [_RULES[side] for side in sides],
            *([column[row] for column in texts] for row in range(len(self.rows))),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{table}\n\nTable: {self._full_caption()}\n"

    def _full_caption(self) -> str:
        notes = [f"{_NOTE_MARKS[letter]}\u00a0{as_markdown(text)}" for letter, text in sorted(self.notes.items())]
        return " ".join([as_markdown(self.caption), *notes])


def _cell(value: Cell | Value) -> Cell:
    cell = value if isinstance(value, Cell) else Cell(value)
    scalar = getattr(cell.value, "item", None)
    return Cell(scalar(), cell.best, cell.note) if callable(scalar) else cell


def _is_number(value: Value) -> bool:
    return isinstance(value, Real | Interval) and not isinstance(value, bool)


def _side(column: Column, cells: Sequence[Cell]) -> Alignment:
    return column.align or ("right" if any(_is_number(cell.value) for cell in cells) else "left")


def _texts(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Return the Markdown of a column's cells, padded so that its decimal points line up."""
    numbers = [cell.value if _is_number(cell.value) else None for cell in cells]
    decimals = usual_decimals(numbers) if column.decimals is None else column.decimals
    noted = any(cell.note for cell in cells)
    texts = []
    for cell, (estimate, rest) in zip(cells, align(numbers, decimals), strict=True):
        if cell.value is not None and not _is_number(cell.value):
            estimate, rest = _words(cell.value), ""
        shown = f"**{estimate}**" if cell.best else estimate
        mark = _NOTE_MARKS[cell.note] if cell.note else _NO_NOTE if noted else ""
        texts.append(shown + (mark + rest if rest.isspace() else rest + mark))
    return texts


def _words(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_markdown(value) if isinstance(value, str) else escape(str(value))
