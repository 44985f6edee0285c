from typing import Any

import numpy as np
import pytest

from watchtime.core.errors import WatchtimeError
from watchtime.reporting.elements.alignment import Interval
from watchtime.reporting.elements.tables import Cell, Column, Section, Table, Value
from watchtime.reporting.elements.text import Markdown


def lines(table: Table) -> list[str]:
    return table._repr_markdown_().splitlines()


def test_a_small_table_is_written_as_by_hand() -> None:
    table = Table(
        [Column("Method"), Column("MAE ↓", "s", 2), Column("Kept")],
        [
            Section("Ours"),
            ["VR", Cell(12.3456, best=True), True],
            ["TPM", Interval.around(9.5, 0.25), np.bool_(False)],  # type: ignore[list-item]
            Section("Other"),
            ["median", Cell(None, note="b"), None],
        ],
        caption="What to see.",
        notes={"b": "Not run."},
    )
    interval = "\u00a0\u2002\u00a0\u2007\u2008\u2007\u2007"
    assert lines(table) == [
        "| Method | MAE ↓ (s) | Kept |",
        "| :-- | --: | :-- |",
        "| *Ours* |  |  |",
        f"| VR | **12.35**\u2004{interval} | yes |",
        "| TPM | 9.50\u00a0±\u00a00.25\u2004 | no |",
        "| *Other* |  |  |",
        f"| median | –ᵇ\u2008\u2007\u2007{interval} | – |",
        "",
        "Table: What to see. ᵇ\u00a0Not run.",
    ]


def test_numpy_numbers_print_as_python_ones() -> None:
    columns = [Column("a"), Column("b"), Column("c")]
    plain = Table(columns, [[1, 2.5, "x"], [1000, 0.25, None]], caption="c")
    rows: list[list[Any]] = [[np.int64(1), np.float32(2.5), np.str_("x")], [np.int64(1000), 0.25, None]]
    numpy = Table(columns, rows, caption="c")
    assert lines(plain) == lines(numpy)


def test_plain_text_is_escaped_everywhere_and_markdown_is_not() -> None:
    table = Table(
        [Column("a|b"), Column(Markdown("$x$"), "*u*")],
        [["<b>\n| x", Cell(Markdown("*y*"), note="a")], [Section("#s").title, "$z$"]],
        caption="a_b\n\n# c",
        notes={"a": "<n>"},
    )
    assert lines(table) == [
        r"| a\|b | $x$ (\*u\*) |",
        "| :-- | :-- |",
        r"| \<b\> \| x | *y*ᵃ |",
        "| \\#s | \\$z\\$\u2004 |",
        "",
        "Table: a\\_b \\# c ᵃ\u00a0\\<n\\>",
    ]


def test_sides_follow_the_values_unless_given() -> None:
    columns = [Column("text"), Column("number"), Column("given", align="center"), Column("none")]
    assert lines(Table(columns, [["a", 1, 2, None], ["b", "not run", 3, None]], caption=""))[1] == (
        "| :-- | --: | :-: | :-- |"
    )


def test_no_rows_leave_the_header_and_the_caption() -> None:
    assert lines(Table([Column("a")], [], caption="Nothing.")) == ["| a |", "| :-- |", "", "Table: Nothing."]


@pytest.mark.parametrize(
    ("rows", "notes", "sentence"),
    [
        ([[1, 2], [1]], {}, "table 'c': row 2 has 1 cells, expected one for each of the 2 columns."),
        ([[1, Cell(2, note="a")]], {}, "table 'c': note 'a' is not explained in notes."),
        ([[1, 2]], {"a": "x"}, "table 'c': note 'a' is explained but marks no cell."),
        ([[1, Cell(2, note="q")]], {"q": "x"}, "table 'c': note 'q' is not a letter a to p or r to z."),
    ],
)
def test_mistakes_are_one_sentence(rows: list[list[Cell | Value]], notes: dict[str, str], sentence: str) -> None:
    with pytest.raises(WatchtimeError) as caught:
        Table([Column("a"), Column("b")], rows, caption="c", notes=notes)
    assert str(caught.value) == sentence
