"""Tables as a journal prints them: units in the header, aligned decimals, the best marked, a caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Literal, cast

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements.alignment import Interval, Number, align, usual_decimals
from watchtime.reporting.elements.text import as_markdown, escape

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
class Section:
    """A row of its own that heads the rows below it, such as "Baselines"."""

    title: str


@dataclass(frozen=True)
class Column:
    """A column: ``title (unit)``, the decimals of its numbers, the side its cells are set to.

    Without ``decimals`` the median number shows four digits, and whole numbers none after the point.
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

    A row is a `Section` or has one cell per column: a `Cell` or its bare value, which is a number, an
    `Interval`, text, True or False, or None, which prints as –. Text is printed letter by letter unless it
    is `Markdown`; so are titles, units, caption and notes. The notes, by letter, follow the caption.

    Raises `WatchtimeError` where a row is longer or shorter than the columns, or a note is missing.
    """

    columns: Sequence[Column]
    rows: Sequence[Section | Sequence[Cell | Value]]
    caption: str
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, row in enumerate(self._cells(), 1):
            if len(row) != len(self.columns):
                raise WatchtimeError(
                    f"table '{self.caption}': row {number} has {len(row)} cells, "
                    f"expected one for each of the {len(self.columns)} columns."
                )
        used = {cell.note for row in self._cells() for cell in row if cell.note}
        for note in sorted(used ^ set(self.notes)):
            raise WatchtimeError(
                f"table '{self.caption}': note '{note}' is "
                + ("not explained in notes." if note in used else "explained but marks no cell.")
            )
        for note in sorted(used - set(_NOTE_MARKS)):
            raise WatchtimeError(f"table '{self.caption}': note '{note}' is not a letter a to p or r to z.")

    def __repr__(self) -> str:
        return f"Table: {self.caption} ({len(self._cells())} rows)"

    def _repr_markdown_(self) -> str:
        rows = self._cells()
        cells = [[row[index] for row in rows] for index in range(len(self.columns))]
        texts = [_texts(column, values) for column, values in zip(self.columns, cells, strict=True)]
        body = iter(zip(*texts, strict=True))
        lines = [
            [column.header() for column in self.columns],
            [_RULES[_side(column, values)] for column, values in zip(self.columns, cells, strict=True)],
            *(self._section(row) if isinstance(row, Section) else next(body) for row in self.rows),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{table}\n\nTable: {self._full_caption()}\n"

    def _cells(self) -> list[list[Cell]]:
        return [[_cell(value) for value in row] for row in self.rows if not isinstance(row, Section)]

    def _section(self, section: Section) -> list[str]:
        return [f"*{as_markdown(section.title)}*", *[""] * (len(self.columns) - 1)]

    def _full_caption(self) -> str:
        notes = [f"{_NOTE_MARKS[letter]}\u00a0{as_markdown(text)}" for letter, text in sorted(self.notes.items())]
        return " ".join([as_markdown(self.caption), *notes])


def _cell(value: Cell | Value) -> Cell:
    """Return the value as a cell, and a NumPy scalar as the Python one."""
    cell = value if isinstance(value, Cell) else Cell(value)
    scalar = getattr(cell.value, "item", None)
    return Cell(scalar(), cell.best, cell.note) if callable(scalar) else cell


def _number(cell: Cell) -> Number:
    """Return the cell's number, or None where it holds something else."""
    number = isinstance(cell.value, Real | Interval) and not isinstance(cell.value, bool)
    return cast(Number, cell.value) if number else None


def _side(column: Column, cells: Sequence[Cell]) -> Alignment:
    return column.align or ("left" if all(_number(cell) is None for cell in cells) else "right")


def _texts(column: Column, cells: Sequence[Cell]) -> list[str]:
    """Return the Markdown of a column's cells, padded so that its decimal points line up."""
    numbers = [_number(cell) for cell in cells]
    decimals = usual_decimals(numbers) if column.decimals is None else column.decimals
    noted = any(cell.note for cell in cells)
    texts = []
    for cell, number, (estimate, rest) in zip(cells, numbers, align(numbers, decimals), strict=True):
        if cell.value is not None and number is None:
            estimate, rest = _words(cell.value), ""
        shown = f"**{estimate}**" if cell.best else estimate
        mark = _NOTE_MARKS[cell.note] if cell.note else _NO_NOTE if noted else ""
        texts.append(shown + (mark + rest if rest.isspace() else rest + mark))
    return texts


def _words(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_markdown(value) if isinstance(value, str) else escape(str(value))
