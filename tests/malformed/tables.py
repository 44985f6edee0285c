"""Logs of one's own and raw files of the data sets, with cells, lines, headers and bytes that are not allowed."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

import tiny_cikm16
import tiny_criteo
import tiny_kuairand
import tiny_kuairec
import tiny_shoppers
import tiny_wechat21

WRITERS: dict[str, Callable[[Path], Path]] = {
    "cikm16": tiny_cikm16.write_folder,
    "criteo_ssc": tiny_criteo.write_folder,
    "kuairand_pure": tiny_kuairand.write_folder,
    "kuairec": tiny_kuairec.write_folder,
    "valued_shoppers": tiny_shoppers.write_folder,
    "wechat21": tiny_wechat21.write_folder,
}
"""What writes the official layout of a data set, in order."""
UNREAD = {"train-queries.csv"}
"""Files whose first column is not read."""
LOG = "user,item,watch_time,duration,timestamp\na,1,1.5,3,1767225600\na,2,0,4,1767225601\nb,2,3,4,1767225602\n"
"""A log of one's own in order."""
FRAME = pl.DataFrame({"user": ["a", "a", "b"], "item": [1, 2, 2], "watch_time": [1.5, 0.0, 3.0]})


def changed(old: str, new: str) -> str:
    """Return the log with its first ``old``, which has to be there, replaced."""
    assert old in LOG
    return LOG.replace(old, new, 1)


TEXTS: dict[str, str | bytes] = {
    "empty": "",
    "only_line_ends": "\n\n\n",
    "only_a_header": LOG.split("\n")[0],
    "blank_first_line": f"\n{LOG}",
    "blank_line": changed("b,2", "\nb,2"),
    "no_user": changed("user,", "usr,"),
    "no_target": changed("watch_time", "seconds"),
    "column_twice": changed("duration", "item"),
    "tabs": LOG.replace(",", "\t"),
    "carriage_returns": LOG.replace("\n", "\r"),
    "carriage_return_in_header": changed("user", "us\rer"),
    "short_row": changed("b,2,3,4,", "b,2,3,"),
    "long_row": changed("b,2,3,4,", "b,2,3,4,5,"),
    "cut_row": LOG[:-16],
    "open_quote": changed("b,2", '"b,2'),
    "open_quote_in_header": changed("user", '"user'),
    "line_end_in_quotes": changed("b,2", '"b\nc",2'),
    "empty_user": changed("b,2", ",2"),
    "empty_quoted_user": changed("b,2", '"",2'),
    "nan_user": changed("b,2", "nan,2"),
    "empty_target": changed("1.5", ""),
    "negative_target": changed("1.5", "-1.5"),
    "target_that_is_a_formula": changed("1.5", "=1+1"),
    "target_that_is_a_command": changed("1.5", "=cmd|'/C calc'!A0"),
    "target_with_terminal_command": changed("1.5", "\x1b[2J"),
    "target_that_reads_backwards": changed("1.5", "\u202e1.5"),
    "target_in_words": changed("1.5", "a while"),
    "target_with_unit": changed("1.5", "1.5 s"),
    "target_with_comma": changed("1.5", '"1,5"'),
    "infinite_target": changed("1.5", "inf"),
    "overflowing_target": changed("1.5", "1e999"),
    "target_too_large": changed("1.5", "1e300"),
    "nan_target": changed("1.5", "NaN"),
    "hexadecimal_target": changed("1.5", "0x10"),
    "full_width_digits": changed("1.5", "１"),
    "long_target": changed("1.5", "x" * 900),
    "empty_duration": changed("3,1767225600", ",1767225600"),
    "negative_duration": changed("3,1767225600", "-3,1767225600"),
    "time_in_words": changed("1767225600", "noon"),
    "negative_time": changed("1767225601", "-1"),
    "time_beyond_the_calendar": changed("1767225601", "99999999999999999999"),
    "two_units_of_time": changed("1767225601", "1767225601000"),
    "mixed_times": changed("1767225601", "2026-01-01 00:00:01"),
    "first_line_without_end": b"user," + b"x" * 700 + b"\xff",
    "latin_1_header": LOG.replace("user", "usér").encode("latin-1"),
    "latin_1_cell": changed("b,2", "é,2").encode("latin-1"),
    "utf_16": LOG.encode("utf-16"),
    "utf_16_without_mark": LOG.encode("utf-16-le"),
    "utf_32": LOG.encode("utf-32"),
    "nul_in_header": changed("user", "us\0er"),
    "nul_in_target": changed("1.5", "1\x005"),
    "half_a_surrogate": changed("b,2", "#,2").encode().replace(b"#", b"\xed\xa0\x80"),
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    "parquet": b"PAR1\x15\x04\x15\x10PAR1",
    "pickle": b"\x80\x04N.\n1\n",
    "html": "<!doctype html>\n<title>Sign in</title>\n",
    "json": '{"user": "a"}\n{"user": "b"}\n',
}


def parquet(frame: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    frame.write_parquet(stream, compression="uncompressed", statistics=False)
    return stream.getvalue()


def _parquet_files() -> dict[str, bytes]:
    good = parquet(FRAME)
    columns: dict[str, Any] = {
        "list_of_users": {"user": [["a"], ["b"], ["c"]]},
        "records_as_users": {"user": [{"id": 1}, {"id": 2}, {"id": 3}]},
        "bytes_as_users": {"user": [b"\xff", b"a", b"b"]},
        "empty_users": {"user": pl.Series([None, None, None], dtype=pl.Null)},
        "missing_user": {"user": ["a", None, "b"]},
        "spans_as_targets": {"watch_time": [timedelta(seconds=1)] * 3},
        "nan_target": {"watch_time": [1.5, float("nan"), 2.0]},
        "infinite_target": {"watch_time": [1.5, float("inf"), 2.0]},
        "text_target": {"watch_time": ["1", "two", "3"]},
        "target_with_line_ends": {"watch_time": ["1", "t\nw\no", "3"]},
        "whether_as_target": {"watch_time": [True, False, True]},
        "list_of_targets": {"watch_time": [[1.0], [2.0], [3.0]]},
        "column_that_is_a_pattern": {"user": [1, 2, 3]},
    }
    found = {name: parquet(FRAME.with_columns(**values)) for name, values in columns.items()}
    found["column_that_is_a_pattern"] = parquet(FRAME.rename({"user": "^us.*$"}))
    found["column_with_line_end"] = parquet(FRAME.rename({"user": "us\n\x1b[2Jer"}))
    found["no_rows"] = parquet(FRAME.clear())
    found["no_columns"] = parquet(pl.DataFrame())
    found["empty"] = b""
    found["csv"] = LOG.encode()
    found["cut"] = good[:-20]
    found["without_head"] = good[200:]
    found["without_footer"] = good[:-8] + bytes(8)
    found["footer_that_is_too_long"] = good[:-8] + b"\xff\xff\xff\x7fPAR1"
    found["pages_of_noise"] = good[:4] + bytes(255 - byte for byte in good[4:60]) + good[60:]
    return found


def _raw(path: Path, separator: str, header: bool) -> dict[str, bytes]:
    """Return what may be wrong with any raw file, made of one that is in order."""
    text = path.read_bytes().decode()
    lines = text.split("\n")
    last = lines[-2]
    first = lines[0]
    found: dict[str, str | bytes] = {
        "empty": "",
        "cut": text[: -len(last)],
        "short_row": text.replace(last, last.rpartition(separator)[0]),
        "long_row": text.replace(last, last + separator),
        "open_quote": text.replace(last, '"' + last),
        "first_cell": text.replace(last, "=1+1" + separator + last.partition(separator)[2]),
        "latin_1": text.replace(last, last + "é").encode("latin-1", "replace"),
        "html": "<!doctype html>\n<title>Sign in</title>\n",
    }
    if path.name == tiny_shoppers.FILE:
        found["amount_too_large"] = text.replace(",1.25\n", ",1e52\n")
    if header:
        found["only_a_header"] = first + "\n"
        found["other_column"] = text.replace(first, "x" + first)
        found["utf_16"] = "\n".join(lines[:2]).encode("utf-16")
    if path.name in UNREAD:
        del found["first_cell"]
    return {name: content.encode() if isinstance(content, str) else content for name, content in found.items()}


def _raw_files() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as place:
        for dataset, writer in WRITERS.items():
            folder = writer(Path(place) / dataset)
            separator = {"cikm16": ";", "criteo_ssc": "\t"}.get(dataset, ",")
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    cases = _raw(path, separator, dataset != "criteo_ssc")
                    target = f"raw_{dataset}/raw/{path.relative_to(folder).as_posix()}"
                    found |= {f"{target}/{name}": content for name, content in cases.items()}
    return found


def cases() -> dict[str, bytes]:
    """Return every malformed table."""
    texts = {name: content.encode() if isinstance(content, str) else content for name, content in TEXTS.items()}
    return {
        **{f"logs/log.csv/{name}": content for name, content in texts.items()},
        **{f"logs/log.parquet/{name}": content for name, content in _parquet_files().items()},
        "logs/log.tsv/commas": LOG.encode(),
        "logs/log.tsv/short_row": changed("b,2,3,", "b,2,").replace(",", "\t").encode(),
        "logs/log.txt/negative_target": changed("1.5", "-1").replace(",", "\t").encode(),
        **_raw_files(),
    }
