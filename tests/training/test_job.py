"""One job from its folder of arrays to its five files, and the prediction of another log with its model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from click.testing import CliRunner

import logs
from watchtime.cli import main
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.errors import WatchtimeError
from watchtime.core.files import read_json
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.simulator.truth import Truth
from watchtime.training.job import _deciles, _evaluated, _fingerprint, train
from watchtime.training.model import Model
from watchtime.training.predict import predict

FILES = ["history.parquet", "metrics.json", "model.safetensors", "predictions.parquet", "resources.json"]
TRAINING = {"batch": 64, "epochs": 2, "learning_rate": 0.01}


def key(method: str, variant: str) -> str:
    return f"kuairand_pure/watch_time/random_622/shared/{method}/{variant}"


def run(folder: Path, methods: list[str], monkeypatch: pytest.MonkeyPatch, **options: object) -> Plan:
    monkeypatch.chdir(folder)
    settings = {"vr": {"training": TRAINING}} if "vr" in methods else {}
    return logs.write_run(folder, methods, **({"settings": settings} | options))


def test_a_job_writes_five_files_and_leaves_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["vr"], monkeypatch, repetitions=2)
    folder = plan.job_folder(plan.jobs[key("vr", "paper")])
    folder.mkdir(parents=True)
    for leftover in ("checkpoint.0.safetensors", ".checkpoint.0.safetensors.k3x", "checkpoint_trial1.0.safetensors"):
        (folder / leftover).write_bytes(b"")
    train(plan, key("vr", "paper"))
    assert sorted(path.name for path in folder.iterdir()) == FILES

    log, _ = logs.encoded()
    test = log.rows(np.flatnonzero(log.part == 2))
    predictions = pl.read_parquet(folder / "predictions.parquet")
    assert predictions.columns == ["raw_row", "user", "target", "mean.0", "mean.1"]
    assert predictions["raw_row"].to_list() == test.raw_row.tolist()
    assert predictions["target"].to_list() == test.target("watch_time").tolist()
    history = pl.read_parquet(folder / "history.parquet")
    assert history.select("repetition", "epoch").rows() == [(0, 0), (0, 1), (1, 0), (1, 1)]
    metrics = read_json(folder / "metrics.json")
    assert metrics["job"] == plan.jobs[key("vr", "paper")].model_dump(mode="json")
    assert "search" not in metrics
    errors = np.abs(predictions["mean.1"] - predictions["target"])
    (mae,) = [one["value"] for one in metrics["values"] if (one["metric"], one["repetition"]) == ("mae", 1)]
    assert mae == pytest.approx(errors.mean())


def test_the_first_repetition_has_intervals_over_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["vr"], monkeypatch, repetitions=2)
    train(plan, key("vr", "paper"))
    values = read_json(plan.job_folder(plan.jobs[key("vr", "paper")]) / "metrics.json")["values"]
    drawn = {one["metric"]: one for one in values if "users_low" in one}
    assert {"mae", "rmse", "mae_truncated", "rmse_truncated", "xauc", "xgauc"} == set(drawn)
    assert {one["repetition"] for one in drawn.values()} == {0}
    assert all(drawn[name]["users_low"] < drawn[name]["value"] < drawn[name]["users_high"] for name in ("mae", "rmse"))


def test_the_same_job_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        plan = run(tmp_path / place, ["vr"], monkeypatch, repetitions=1)
        train(plan, key("vr", "paper"))
        folder = plan.job_folder(plan.jobs[key("vr", "paper")])
        written.append([(folder / name).read_bytes() for name in FILES if name != "resources.json"])
    assert written[0] == written[1]


@pytest.mark.parametrize("task", ["watch_time", "watch_ratio"])
def test_errors_against_the_truncated_target_stand_beside_the_raw_ones(
    task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = run(tmp_path, ["training_constant"], monkeypatch, tasks=[task])
    spec = next(spec for spec in plan.jobs.values() if (spec.variant, spec.task) == ("median", task))
    train(plan, spec.key)
    log, _ = logs.encoded()
    test = log.rows(np.flatnonzero(log.part == 2))
    predictions = pl.read_parquet(plan.job_folder(spec) / "predictions.parquet")["median.0"].to_list()
    assert test.duration is not None
    pairs = list(zip(test.targets["watch_time"].tolist(), test.duration.tolist(), strict=True))
    assert any(watched > duration for watched, duration in pairs)
    unit = [duration if task == "watch_ratio" else 1.0 for _, duration in pairs]
    errors = [
        guess - min(watched, duration) / one
        for guess, (watched, duration), one in zip(predictions, pairs, unit, strict=True)
    ]
    values = {one["metric"]: one["value"] for one in read_json(plan.job_folder(spec) / "metrics.json")["values"]}
    assert values["mae_truncated"] == pytest.approx(sum(map(abs, errors)) / len(errors))
    assert values["rmse_truncated"] == pytest.approx((sum(one**2 for one in errors) / len(errors)) ** 0.5)
    assert values["mae_truncated"] < values["mae"]


@pytest.mark.parametrize("lacking", ["duration", "known durations"])
def test_without_durations_there_is_no_truncated_target(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = run(tmp_path, ["training_constant"], monkeypatch)
    encoded = plan.encoded_folder("kuairand_pure", "random_622")
    log = EncodedLog.load(encoded, mmap=False)
    duration = None if lacking == "duration" else np.full(len(log), np.nan)
    replace(log, duration=duration).write_into(encoded)
    if duration is None:
        (encoded / "duration.npy").unlink()
    train(plan, key("training_constant", "median"))
    folder = plan.job_folder(plan.jobs[key("training_constant", "median")])
    found = {one["metric"] for one in read_json(folder / "metrics.json")["values"]}
    assert "mae" in found
    assert not {"mae_truncated", "rmse_truncated"} & found


def train_without(plan: Plan, keys: list[str], unused: set[str]) -> None:
    """Train jobs in a process of their own, and assert after each that it has loaded none of the modules."""
    lines = [
        "import sys",
        "from pathlib import Path",
        "from watchtime.core.catalog import find_root",
        "from watchtime.core.plan import Plan",
        "from watchtime.training.job import train",
        f"plan = Plan.load(Path({str(plan.folder / 'config.yaml')!r}), find_root())",
        f"for key in {keys!r}:",
        "    train(plan, key)",
        f"    loaded = {unused!r} & set(sys.modules)",
        "    assert not loaded, (key, loaded)",
    ]
    result = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_a_method_without_a_network_loads_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["training_constant"], monkeypatch)
    train_without(plan, [key("training_constant", "median")], {"torch", "lightgbm", "scipy"})


@pytest.mark.slow
def test_no_network_loads_what_it_does_not_train_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's compiler, which much of torch loads unasked, takes longer than a job of the demo trains."""
    cards = Catalog.load(find_root()).methods
    # The handmade log lacks features of those that leave some out. ProWTP needs POT, which loads scikit-learn, and its
    # first stage trains with torch's own optimiser.
    firsts = {name: next(iter(card.variants.values())) for name, card in cards.items() if card.family == "network"}
    networks = [
        name
        for name, first in firsts.items()
        if "watch_time" in cards[name].tasks and not first.without and name != "prowtp"
    ]
    settings = {name: {"training": {"epochs": 1}} for name in networks}
    plan = run(tmp_path, networks, monkeypatch, repetitions=1, settings=settings)
    keys = [spec.key for spec in plan.jobs.values() if spec.variant == next(iter(cards[spec.method].variants))]
    assert len(keys) == len(networks) > 10
    train_without(plan, keys, {"torch._dynamo", "sympy", "lightgbm", "sklearn", "matplotlib"})


def test_an_unfinished_training_belongs_to_its_data_split_and_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = run(tmp_path, ["vr"], monkeypatch)
    spec = plan.jobs[key("vr", "paper")]
    encoded = plan.encoded_folder(spec.dataset, spec.protocol)
    found = [_fingerprint(plan, spec)]
    assert _fingerprint(plan, spec) == found[0]
    found.append(_fingerprint(plan, spec.model_copy(update={"seed": 1})))
    for path in (
        plan.data_folder(spec.dataset) / "interactions.parquet",
        encoded / "part.npy",
        encoded / "encoding.json",
    ):
        path.write_bytes(path.read_bytes() + b" ")
        found.append(_fingerprint(plan, spec))
    assert len(set(found)) == 5


def test_a_search_is_reported_and_its_choice_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["vr"], monkeypatch, repetitions=1, search_trials=2)
    train(plan, key("vr", "paper"))
    folder = plan.job_folder(plan.jobs[key("vr", "paper")])
    metrics = read_json(folder / "metrics.json")
    trials, chosen = metrics["search"]["trials"], metrics["search"]["chosen"]
    assert len(trials) == 2
    assert chosen in [trial["values"] for trial in trials]
    saved = Model.load(folder / "model.safetensors").spec
    assert saved.training.learning_rate == chosen["training.learning_rate"]
    assert saved.training.unknown_rate == chosen["training.unknown_rate"]
    assert metrics["job"] == plan.jobs[key("vr", "paper")].model_dump(mode="json"), "the settings are those planned"
    assert sorted(path.name for path in folder.iterdir()) == FILES


def test_the_oracle_reads_the_law_of_the_test_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["oracle"], monkeypatch)
    draws = np.random.default_rng(0)
    law = Truth(
        weights=draws.dirichlet(np.ones(5), logs.ROWS),
        scale=1000 * logs.interactions()["duration"].to_numpy(),
        perturbed=np.zeros(logs.ROWS, dtype=bool),
    )
    truth = plan.truth("kuairand_pure")
    assert truth is not None
    law.save(truth)
    train(plan, key("oracle", "default"))
    folder = plan.job_folder(plan.jobs[key("oracle", "default")])
    predictions = pl.read_parquet(folder / "predictions.parquet")
    expected = law.select(predictions["raw_row"].to_numpy()).mean()
    np.testing.assert_allclose(predictions["mean.0"], expected, rtol=1e-6)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    with pytest.raises(WatchtimeError, match=r"^method 'oracle' knows simulated logs only"):
        predict(folder, plan.data_folder("kuairand_pure") / "interactions.parquet", tmp_path / "predictions.parquet")


def test_an_unknown_job_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["vr"], monkeypatch)
    with pytest.raises(WatchtimeError, match=r"^--job: unknown job '.*', did you mean '.*/vr/paper'\?"):
        train(plan, key("vr", "papers"))


def test_a_model_predicts_another_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows of its own log get the numbers of the job; strangers and a log without features get numbers too."""
    plan = run(tmp_path, ["vr"], monkeypatch, repetitions=2)
    train(plan, key("vr", "paper"))
    folder = plan.job_folder(plan.jobs[key("vr", "paper")])
    known = pl.read_parquet(folder / "predictions.parquet")
    predict(folder, plan.data_folder("kuairand_pure") / "interactions.parquet", tmp_path / "all.parquet")
    found = pl.read_parquet(tmp_path / "all.parquet")
    assert found.columns == ["mean.0", "mean.1"]
    assert found.height == logs.ROWS
    rows = known["raw_row"].to_numpy()
    np.testing.assert_allclose(found["mean.1"].to_numpy()[rows], known["mean.1"], rtol=1e-5, atol=1e-5)

    frame, data = logs.interactions(), tmp_path / "data"
    data.mkdir()
    frame.drop("tag").write_parquet(data / "interactions.parquet")
    frame.select("item", "tag").unique("item", maintain_order=True).write_parquet(data / "items.parquet")
    frame.select("user").clear().write_parquet(data / "users.parquet")
    predict(folder, data, tmp_path / "with_tables.parquet")
    assert pl.read_parquet(tmp_path / "with_tables.parquet").equals(found)

    if not torch.cuda.is_available():
        arguments = ["--model", folder, "--input", tmp_path / "all.parquet", "--output", tmp_path / "none.parquet"]
        refused = CliRunner().invoke(main, ["predict", *map(str, arguments), "--device", "cuda"])
        assert refused.exit_code == 2
        said = "device: found 'cuda', but this machine has no CUDA device; set device: cpu."
        assert refused.stderr == f"watchtime: {said}\n"
        assert not (tmp_path / "none.parquet").exists()

    pl.DataFrame({"user": ["new", "3"], "item": ["new", None]}).write_parquet(tmp_path / "few.parquet")
    predict(folder, tmp_path / "few.parquet", tmp_path / "few_predictions.parquet")
    assert np.isfinite(pl.read_parquet(tmp_path / "few_predictions.parquet").to_numpy()).all()


def test_mistakes_of_a_prediction_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = run(tmp_path, ["d2q"], monkeypatch, repetitions=1, settings={"d2q": {"training": TRAINING}})
    train(plan, key("d2q", "paper"))
    folder, output = plan.job_folder(plan.jobs[key("d2q", "paper")]), tmp_path / "out.parquet"
    frame = pl.DataFrame({"user": ["1", "2"], "item": ["1", "2"], "duration": [4.0, None]})
    frame.write_parquet(tmp_path / "gap.parquet")
    frame.drop("duration").write_parquet(tmp_path / "bare.parquet")
    frame.drop("user").write_parquet(tmp_path / "nobody.parquet")
    frame.clear().write_parquet(tmp_path / "empty.parquet")
    (tmp_path / "text.parquet").write_text("user,item\n")
    sentences = {
        "gap": r"^row 2: column duration is missing, and method 'd2q' needs it\.$",
        "bare": r"^row 1: column duration is missing, and method 'd2q' needs it\.$",
        "nobody": r"/nobody\.parquet: the log lacks the column 'user'; it has item, duration\.$",
        "empty": r"empty\.parquet: the log has no rows\.$",
        "text": r"text\.parquet: not a Parquet file\.$",
        "absent": r"absent\.parquet: the file does not exist\.$",
    }
    for name, sentence in sentences.items():
        with pytest.raises(WatchtimeError, match=sentence):
            predict(folder, tmp_path / f"{name}.parquet", output)
    with pytest.raises(WatchtimeError, match=r"model\.safetensors: the file does not exist; --model takes"):
        predict(tmp_path, tmp_path / "gap.parquet", output)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:200])
    with pytest.raises(WatchtimeError, match=r"model\.safetensors: not a model file of this project\.$"):
        predict(tmp_path, tmp_path / "gap.parquet", output)
    assert not output.exists()


def test_lifetime_values_alone_are_judged_by_tenths_and_by_measures_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = run(tmp_path, ["oracle", "user_item_mean"], monkeypatch)
    spec = plan.jobs[key("user_item_mean", "default")]
    train(plan, spec.key)
    folder = plan.job_folder(spec)
    measured = read_json(folder / "metrics.json")
    assert measured["deciles"] == []
    assert not {one["metric"] for one in measured["values"]} & {"norm_gini", "spearman", "mae_pos"}
    order = np.random.default_rng(0).permutation(40)
    columns = {"user": order, "target": order**2, "mean.0": order, "rank.0": order}
    predictions = pl.DataFrame(columns).cast(pl.Float64)
    value = spec.model_copy(update={"task": "ltv", "readouts": ["mean", "rank"]})
    (found,) = _deciles(value, predictions)
    assert (found["repetition"], found["readout"]) == (0, "mean")
    assert found["prediction"] == [4 * one + 1.5 for one in range(10)]
    assert found["target"][:2] == [(1 + 4 + 9) / 4, (16 + 25 + 36 + 49) / 4]
    names = {one["metric"] for one in _evaluated(value, predictions, "rank.0", {}, None)}
    assert {"norm_gini", "spearman", "norm_gini_pos", "spearman_pos", "positive_rows"} < names
    assert not {"mae", "mae_pos", "rmse"} & names
