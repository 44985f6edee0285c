"""The run configuration: what is generated from it, and every way in which a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import (
    DEMO,
    DatasetSource,
    OwnLog,
    RunConfig,
    default_yaml,
    load_config,
    schema_json,
    to_yaml,
    with_source,
)
from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.core.yaml_files import read_yaml

CONFIG = find_root() / "config"


def mistakes(tmp_path: Path, text: str | bytes) -> list[str]:
    """Return what is said about a configuration with this text, one entry per line, without the path."""
    path = tmp_path / "run.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WatchtimeError) as caught:
        load_config(path)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


@pytest.mark.parametrize(("name", "generated"), [("demo.yaml", default_yaml()), ("schema.json", schema_json())])
def test_the_committed_file_is_what_the_model_generates(name: str, generated: str) -> None:
    assert (CONFIG / name).read_text(encoding="utf-8") == generated, f"run `watchtime config --write`: config/{name}"


def test_the_default_file_means_the_defaults_but_for_fewer_repetitions() -> None:
    assert load_config(CONFIG / "demo.yaml") == RunConfig(repetitions=3)
    assert RunConfig().repetitions == 5
    said = "# seeds per method; every interval comes from them (without this key: 5)\nrepetitions: 3\n"
    assert said in default_yaml()
    assert default_yaml().count("without this key") == 1


def test_every_key_of_the_default_file_has_a_comment() -> None:
    brief = tuple(f"  {name}: {{" for name in DEMO.datasets)
    lines = [line for line in default_yaml().splitlines() if not line.startswith(brief)]
    keys = [place for place, line in enumerate(lines) if line.lstrip()[:1] != "#" and "kuairand_pure" not in line]
    assert len(keys) > 20
    assert all(lines[place - 1].lstrip().startswith("# ") and "None" not in lines[place - 1] for place in keys)


def test_every_committed_configuration_is_valid() -> None:
    paths = [path for path in CONFIG.glob("*.yaml") if path.stem not in ("protocols", "sizes")]
    configs = [load_config(path) for path in paths]
    assert {"demo", "kuairand_pure_sample"} <= {config.name for config in configs}
    catalog = Catalog.load(find_root())
    for config in configs:
        # A log of one's own has a card only where its file is there.
        if not any(source.log for source in config.datasets.values()):
            assert Plan(config, catalog).jobs, "settings of methods are those that the methods have"


def test_cards_are_read_as_any_yaml_is(tmp_path: Path) -> None:
    """By another parser, with the same values and the same refusal of a key that is given twice."""
    for path in sorted(CONFIG.rglob("*.yaml")):
        assert read_yaml(path, card=True) == read_yaml(path)
    (tmp_path / "twice.yaml").write_text("title: one\nvariants: {}\ntitle: two\n")
    for card in (True, False):
        with pytest.raises(WatchtimeError, match="begins in line 1 has the key 'title' twice"):
            read_yaml(tmp_path / "twice.yaml", card)


def test_a_configuration_survives_its_own_yaml(tmp_path: Path) -> None:
    config = RunConfig(name="other", methods=["vr"], settings={"vr": {"training": {"epochs": 3}}}, tolerance=0.125)
    (tmp_path / "run.yaml").write_text(to_yaml(config))
    assert load_config(tmp_path / "run.yaml") == config


def test_all_mistakes_of_one_file_are_told_at_once(tmp_path: Path) -> None:
    text = """
    sise: small
    size: smal
    repetitions: 0
    tasks: [Watch time]
    datasets: {kuairand_pure: {rules: {zero_durations: drop}, simulator: {days: many}}}
    """
    found = sorted(mistakes(tmp_path, text))
    assert found.pop(4).startswith("tasks.0: found 'Watch time', allowed: ")
    assert found == [
        "datasets.kuairand_pure.rules: unknown key 'zero_durations', did you mean 'zero_duration'? "
        "Allowed: largest_ratio, repeated_key, zero_duration.",
        "datasets.kuairand_pure.simulator.days: found 'many', allowed: a whole number.",
        "repetitions: found 0, allowed: 1 or more.",
        "size: found 'smal', allowed: 'tiny', 'small' or 'paper', did you mean 'small'?",
        "unknown key 'sise', did you mean 'size'? Allowed: " + ", ".join(sorted(RunConfig.model_fields)) + ".",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("methods: vr", "methods: found 'vr', allowed: 'main' or 'all' or a list."),
        ("methods: al", "methods: found 'al', allowed: 'main' or 'all' or a list, did you mean 'all'?"),
        ("methods: [vr, 3]", "methods.1: found 3, allowed: text."),
        (
            "datasets: {kuairand_pure: {methods: vr}}",
            "datasets.kuairand_pure.methods: found 'vr', allowed: 'main' or 'all' or a list.",
        ),
        ("artifacts: {}", "artifacts: found {}, allowed: 'all' or a list."),
        ("protocols: []", "protocols: found [], allowed: 1 or more entries."),
        ("datasets: {}", "datasets: found {}, allowed: 1 or more entries."),
        ("datasets: [kuairand_pure]", 'datasets: found ["kuairand_pure"], allowed: a mapping of keys to values.'),
        (
            "datasets: {kuairand_pure: }",
            "datasets.kuairand_pure: found nothing, allowed: a mapping of keys to values.",
        ),
        ("datasets: {kuairand_pure: {folder: [a]}}", 'datasets.kuairand_pure.folder: found ["a"], allowed: text.'),
        ("settings: {vr: 3}", "settings.vr: found 3, allowed: a mapping of keys to values."),
        ("settings: {vr: {3: 4}}", "the key settings.vr.3 is not text; put it in quotes."),
        ("3: 4", "the key 3 is not text; put it in quotes."),
        ("seed: 1.5", "seed: found 1.5, allowed: a whole number."),
        ("seed: -1", "seed: found -1, allowed: 0 or more."),
        ("seed: 2026-11-20", 'seed: found "2026-11-20", allowed: a whole number.'),
        ("repetitions: true", "repetitions: found true, allowed: a number."),
        ("repetitions: 101", "repetitions: found 101, allowed: 100 or less."),
        ("tolerance: 0", "tolerance: found 0, allowed: more than 0.0."),
        ("tolerance: 2 %", "tolerance: found '2 %', allowed: a number."),
        ("tolerance: .nan", "tolerance: found NaN, allowed: a finite number."),
        (
            "datasets: {kuairand_pure: {rules: {largest_ratio: .inf}}}",
            "datasets.kuairand_pure.rules.largest_ratio: found Infinity, allowed: a finite number.",
        ),
        (
            "name: ../elsewhere",
            "name: found '../elsewhere', allowed: lower-case letters, digits and, but not first, underscores.",
        ),
        ("device: any", "device: found 'any', allowed: 'cpu' or 'cuda'."),
        ("", "the file is empty, a mapping of keys to values was expected."),
        ("# only a comment", "the file is empty, a mapping of keys to values was expected."),
        ("- name: demo", "a mapping of keys to values was expected, found a list."),
        ("demo", "a mapping of keys to values was expected, found 'demo'."),
        ("name: a\nseed: 1\nname: b", "the mapping that begins in line 1 has the key 'name' twice."),
        (
            "datasets:\n  kuairand_pure:\n    folder: a\n    folder: b",
            "the mapping that begins in line 3 has the key 'folder' twice.",
        ),
        (b"name: caf\xe9", "the file is not UTF-8 text (byte 9)."),
        ("name: [", "not valid YAML: line 1: expected the node content, but found '<stream end>'."),
        ("seed: 1\nname:\tdemo", "not valid YAML: line 2: found character '\\t' that cannot start any token."),
        ("seed: 2026-99-99", "not valid YAML: line 1: found '2026-99-99', which is no timestamp."),
        ("[" * 5000, "not valid YAML: it is nested too deeply."),
        ("&all {all: *all}", "not valid YAML: line 1: found unconstructable recursive node."),
        ("? [a, b]\n: c", "not valid YAML: line 1: found unhashable key."),
    ],
)
def test_a_malformed_file_gets_one_plain_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert mistakes(tmp_path, text) == [said]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!ruby/object:X"])
def test_tags_that_make_objects_are_refused(tmp_path: Path, tag: str) -> None:
    (said,) = mistakes(tmp_path, f"name: {tag} ['touch {tmp_path}/made']")
    assert said.startswith("not valid YAML: line 1: could not determine a constructor for the tag")
    assert not (tmp_path / "made").exists()


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WatchtimeError, match=r"none.yaml: the file does not exist\.$"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(WatchtimeError, match=r"a folder was found where a YAML file was expected\.$"):
        read_yaml(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(WatchtimeError, match=r"below: the file cannot be read \(Not a directory\)\.$"):
        read_yaml(tmp_path / "file" / "below")


def test_no_sentence_is_pydantics_own(tmp_path: Path) -> None:
    """Put one value of each kind under every key: whatever is wrong is said in words of this project."""
    values = ["true", "x", "3", "-2", "0.5", ".inf", "[]", "[x]", "[[1]]", "{}", "{a: b}", "{1: 2}", ""]
    keys = [*RunConfig.model_fields, "unknown"]
    nested = ["datasets: {a: {folder: %s}}", "datasets: {a: {rules: {largest_ratio: %s}}}", "settings: {vr: %s}"]
    said = []
    for pattern in [*(f"{key}: %s" for key in keys), *nested]:
        for value in values:
            (tmp_path / "run.yaml").write_text(pattern % value)
            try:
                load_config(tmp_path / "run.yaml")
            except WatchtimeError as error:
                said.append(str(error).split("\n"))
    assert len(said) > 150
    for lines in said:
        assert len(lines) == len({line.split(": ")[1] for line in lines}), "one sentence per key"
        assert not any(word in line.lower() for line in lines for word in ("input", "valid ", "dictionary", "instance"))


def test_a_source_is_the_folder_of_the_only_data_set() -> None:
    one = RunConfig.model_validate({"datasets": {"a": {"download": True}}})
    assert with_source(one, "raw", "x").datasets["a"] == DatasetSource(folder="raw")
    assert with_source(one, None, "x") == one
    own = RunConfig.model_validate({"datasets": {"a": {"log": {"file": "old.csv", "user": "uid"}}}})
    assert with_source(own, "new.csv", "x").datasets["a"] == DatasetSource(log=OwnLog(file="new.csv", user="uid"))
    two = RunConfig.model_validate({"datasets": {"a": {}, "b": {}}})
    with pytest.raises(WatchtimeError, match="SOURCE=raw needs a config with exactly one data set, found 2"):
        with_source(two, "raw", "config/two.yaml")


def test_the_default_file_is_ordinary_yaml() -> None:
    assert RunConfig.model_validate(yaml.safe_load(default_yaml())) == DEMO
