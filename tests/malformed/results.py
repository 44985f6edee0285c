"""Files of runs and of models, as a stranger may hand them on."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import polars as pl

from malformed.configurations import laughs

KEYS = ("dataset", "task", "protocol", "regime", "size", "method", "variant", "readout", "metric", "convention")
DEEP = "[" * 2000
MANIFEST: dict[str, Any] = {"run": "other", "files": {}}
NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _manifest(*names: str) -> str:
    return json.dumps({"run": "other", "files": {name: {"sha256": "0"} for name in names}})


def _notebook(**output: Any) -> str:
    code = {"cell_type": "code", "execution_count": 1, "id": "a", "metadata": {}, "source": "x", "outputs": [output]}
    return json.dumps(NOTEBOOK | {"cells": [code]})


def _shown(kind: str, content: Any) -> str:
    return _notebook(output_type="display_data", data={kind: content}, metadata={})


ANY_JSON: dict[str, str | bytes] = {
    "empty": "",
    "cut": '{"files": {',
    "a_list": "[]",
    "a_number": "3",
    "null": "null",
    "nan": '{"files": NaN}',
    "number_without_end": f'{{"files": {"9" * 4500}}}',
    "deep": DEEP,
    "utf_16": '{"files": {}}'.encode("utf-16"),
    "latin_1": '{"files": "é"}'.encode("latin-1"),
    "pickle": b"\x80\x04N.",
}
"""What no file that holds a JSON mapping may be."""
RUNS: dict[str, dict[str, str | bytes]] = {
    "manifest.json": {
        **ANY_JSON,
        "no_files": json.dumps(MANIFEST | {"files": []}),
        "file_without_hash": json.dumps(MANIFEST | {"files": {"a": {}}}),
        "file_that_is_a_word": json.dumps(MANIFEST | {"files": {"a": "0"}}),
        "leads_out": _manifest("../../../etc/passwd"),
        "leads_out_of_jobs": _manifest("jobs/../../../one/metrics.json"),
        "absolute": _manifest("/etc/passwd"),
        "backslashes": _manifest("jobs\\..\\metrics.json"),
        "line_end": _manifest("jobs/a\nb"),
        "file_that_is_gone": _manifest("jobs/a/metrics.json"),
    },
    "config.yaml": {"empty": "", "unknown_key": "nme: other\n", "laughing": laughs(8, "list")},
    "metrics.parquet": {"empty": b"", "words": b"no table", "head_alone": b"PAR1"},
    "environment.json": {"cut": "{", "a_list": "[]"},
    "data/kuairand_pure/counts.json": {"cut": "{", "a_list": "[]", "rules": '{"rules": [3]}', "deep": DEEP},
    "data/kuairand_pure/interactions.parquet": {"empty": b"", "words": b"no table"},
    "jobs/kuairand_pure/watch_time/random_622/shared/vr/paper/metrics.json": {
        "cut": "{",
        "no_job": "{}",
        "job_that_is_a_list": '{"job": []}',
    },
    "notebooks/prowtp/table1.ipynb": {
        "empty": "",
        "cut": '{"cells": [',
        "a_list": "[]",
        "no_cells": "{}",
        "cells_that_are_numbers": json.dumps(NOTEBOOK | {"cells": [1]}),
        "old_format": '{"nbformat": 1}',
    },
}
PAGES: dict[str, str | bytes] = {
    "empty": "",
    "cut": '{"cells": [',
    "a_list": "[]",
    "no_cells": "{}",
    "cells_that_are_numbers": json.dumps(NOTEBOOK | {"cells": [1]}),
    "failed_cell": _notebook(output_type="error", ename="E", evalue="", traceback=[]),
    "drawing_that_is_none": _shown("image/svg+xml", "<svg"),
    "drawing_of_entities": _shown(
        "image/svg+xml",
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY a{one} "{f"&a{one - 1 if one else str()};" * 10}">' for one in range(9))
        + "]><svg xmlns='http://www.w3.org/2000/svg'><title>&a8;</title></svg>",
    ),
    "image_from_elsewhere": _shown("text/markdown", "![x](https://example.org/x.png)"),
    "image_of_this_machine": _shown("text/markdown", "![x](/etc/hostname)"),
    "image_that_leads_out": _shown("text/markdown", "![x](../../../../etc/hostname)"),
}


def safetensors(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a file with this header, a text or what becomes JSON; ``length`` is what it says of the header's."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def _noted(note: Any, **tensors: Any) -> bytes:
    text = note if isinstance(note, str) else json.dumps(note)
    return safetensors({"__metadata__": {"watchtime": text}, **tensors}, bytes(8))


ONE = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}


def _models() -> dict[str, bytes]:
    return {
        "empty": b"",
        "words": b"no model",
        "pickle": b"\x80\x04N.",
        "pickled_weights": b"PK\x03\x04archive/data.pkl",
        "header_cut": safetensors({"a": ONE})[:20],
        "header_without_end": safetensors("{}", length=2**62),
        "header_of_100_mb": safetensors("{}", length=100_000_001),
        "header_that_is_none": safetensors("{"),
        "header_that_is_a_list": safetensors([]),
        "header_of_noise": safetensors("\udcff".encode("utf-8", "surrogatepass").decode("latin-1")),
        "deep_header": safetensors(DEEP),
        "no_note": safetensors({"0/constant": ONE}, bytes(8)),
        "note_that_is_none": _noted("{", **{"0/constant": ONE}),
        "note_that_is_a_list": _noted([], **{"0/constant": ONE}),
        "deep_note": _noted(DEEP, **{"0/constant": ONE}),
        "note_without_job": _noted({"encoding": "encoding.json", "codec": None}, **{"0/constant": ONE}),
        "job_that_is_none": _noted({"job": {}, "encoding": "encoding.json", "codec": None}).replace(b"}}", b"}} "),
        "tensor_beyond_the_file": safetensors(
            {"a": ONE | {"shape": [10**6], "data_offsets": [0, 8 * 10**6]}}, bytes(8)
        ),
        "tensor_without_end": safetensors({"a": ONE | {"shape": [2**62, 2**62], "data_offsets": [0, 8]}}, bytes(8)),
        "tensor_of_objects": safetensors({"a": ONE | {"dtype": "O"}}, bytes(8)),
        "negative_offsets": safetensors({"a": ONE | {"data_offsets": [-8, 0]}}, bytes(8)),
    }


def _npz(compressed: bool = False, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def _codecs() -> dict[str, bytes]:
    settings = np.array("{}")
    good = _npz(codec=np.array("scaled"), settings=settings, unit=np.array(1.0))
    return {
        "empty": b"",
        "cut": good[:-40],
        "words": b"no codec",
        "objects": _npz(codec=np.array("scaled"), settings=settings, unit=np.array([{}], dtype=object)),
        "swollen": _npz(True, codec=np.array("scaled"), settings=settings, unit=np.zeros(10**6)),
        "array_without_end": good.replace(b"'shape': (), }" + b" " * 11, b"'shape': (9999999999999,)}"),
        "another_module": _npz(codec=np.array("../storage"), settings=settings, unit=np.array(1.0)),
        "deep_settings": _npz(codec=np.array("scaled"), settings=np.array(DEEP), unit=np.array(1.0)),
        "no_unit": _npz(codec=np.array("scaled"), settings=settings),
    }


def _parquet(**columns: Any) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream, compression="uncompressed", statistics=False)
    return stream.getvalue()


def cases() -> dict[str, bytes]:
    """Return every malformed file of a run or a model."""
    found: dict[str, str | bytes] = {
        f"runs/results/other/{target}/{name}": content
        for target, inputs in RUNS.items()
        for name, content in inputs.items()
    }
    found["runs/results/other/metrics.parquet/other_columns"] = _parquet(a=[1])
    found["runs/results/other/metrics.parquet/text_for_numbers"] = _parquet(
        **{name: ["x"] for name in KEYS}, repetition=[0], value=["a lot"]
    )
    found |= {f"pages/results/demo/notebooks/summary.ipynb/{name}": content for name, content in PAGES.items()}
    found |= {f"models/job/model.safetensors/{name}": content for name, content in _models().items()}
    found |= {f"models/codecs/codec.npz/{name}": content for name, content in _codecs().items()}
    found |= {f"models/data/encoding.json/{name}": content for name, content in ANY_JSON.items()}
    logs = {"empty": b"", "words": b"no table", "no_item": _parquet(user=["a"]), "no_rows": _parquet(user=[], item=[])}
    found |= {f"models/log.parquet/{name}": content for name, content in logs.items()}
    return {name: content.encode() if isinstance(content, str) else content for name, content in found.items()}
