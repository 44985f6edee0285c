"""Model files of strangers: numbers and a note in JSON, which may name no other program and no other place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import logs
from malformed.readers import READERS
from watchtime.core.errors import WatchtimeError
from watchtime.training.model import Model

Note = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a model file in order, in a folder of its own."""
    READERS["models"].write(tmp_path)
    return tmp_path / "job" / "model.safetensors"


def rewrite(path: Path, change: Callable[[Note], object], **tensors: Any) -> None:
    """Write the model anew with a changed note, and with other tensors where some are given."""
    with safe_open(path, framework="numpy") as file:
        note = json.loads(file.metadata()["watchtime"])
        there = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(note)
    save_file(tensors or there, path, metadata={"watchtime": json.dumps(note)})


def refused(path: Path) -> str:
    with pytest.raises(WatchtimeError) as error:
        Model.load(path).predict(logs.encoded()[0])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_in_order_is_read(path: Path) -> None:
    assert Model.load(path).states[0]["constant"][0] == 1.0


ELSEWHERE = ["/etc/passwd", "/proc/self/environ", "../../etc/passwd", "../data", 3, ["a"]]


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("key", ["encoding", "codec"])
def test_what_a_model_names_is_a_file_of_a_run_beside_it(path: Path, key: str, name: Any) -> None:
    rewrite(path, lambda note: note.update({key: name}))
    assert refused(path).startswith(f"{path}: found {name!r}, the place of a file ")


def test_what_a_model_names_is_a_file(path: Path) -> None:
    (path.parent / "encoding.json").mkdir()
    rewrite(path, lambda note: note.update(encoding="encoding.json"))
    assert refused(path) == f"{path}: its file encoding.json does not exist."


@pytest.mark.parametrize("method", ["os.path", "../vr", "vr.x", "__init__", "base", "no_method", "", "a\nb"])
def test_the_method_of_a_model_is_one_of_ours(path: Path, method: str) -> None:
    rewrite(path, lambda note: note["job"].update(method=method))
    assert "method" in refused(path)


@pytest.mark.parametrize("names", [["1/constant"], ["-1/constant"], ["x/constant"], ["constant"], ["0/a", "1/a"]])
def test_the_repetitions_are_those_of_the_job(path: Path, names: list[str]) -> None:
    rewrite(path, lambda note: None, **{name: np.ones(1) for name in names})
    assert refused(path) == f"{path}: found the weights of {len(names)} repetitions, 1 are expected."


def test_no_number_of_repetitions_takes_memory(path: Path) -> None:
    rewrite(path, lambda note: note["job"].update(repetitions=10**12))
    assert refused(path) == f"{path}: found the weights of 1 repetitions, {10**12} are expected."


@pytest.mark.parametrize("state", [{"0/other": np.ones(1)}, {"0/constant": np.ones(0)}])
def test_a_table_has_what_its_method_learns(path: Path, state: dict[str, Any]) -> None:
    rewrite(path, lambda note: None, **state)
    assert refused(path) == "the model lacks what method 'training_constant' learns."


@pytest.mark.parametrize("change", ["another name", "another shape", "one missing"])
def test_a_network_has_the_weights_of_its_method(change: str) -> None:
    from watchtime.training.fitting import fit

    model = logs.model(logs.spec("vr", training={"epochs": 1}))
    fit(model, logs.encoded()[0], None, "")
    (state, *_), name = model.states, "towers.0.head.weight"
    weights = state.pop(name)
    if change != "one missing":
        state[name if change == "another shape" else "other"] = weights[:, :1]
    said = r"^the model's weights (other|towers\S+) have the shape .*, method 'vr' expects .*\.$"
    with pytest.raises(WatchtimeError, match=said):
        model.predict(logs.encoded()[0])
