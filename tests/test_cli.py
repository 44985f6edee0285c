"""The command line as a user meets it: light to start, and one sentence for a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tiny_kuairand import write_folder
from watchtime.cli import main
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.config import default_yaml
from watchtime.core.plan import Plan

HEAVY = ("torch", "lightgbm", "scipy", "polars", "numpy", "matplotlib", "papermill")
JOB = "kuairand_pure/watch_time/random_622/shared/vr/paper"
CODEC = "kuairand_pure/watch_time/random_622/scaled-0"


def refused(*arguments: str | Path) -> list[str]:
    """Return the lines on standard error of a command that has to end with status 2, without a traceback."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().split("\n")
    assert lines[0].startswith("watchtime: ")
    return [line.removeprefix("watchtime: ") for line in lines]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder that holds nothing but its configuration."""
    folder = tmp_path_factory.mktemp("results") / "tiny"
    folder.mkdir()
    text = (
        "name: tiny\ndatasets: {kuairand_pure: {}}\nmethods: [training_constant, vr]\nartifacts: []\nrepetitions: 2\n"
    )
    (folder / "config.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["methods"],
        ["datasets"],
        ["artifacts"],
        ["config"],
        ["check"],
        ["train", "--help"],
        ["check-data", "--help"],
    ],
    ids=" ".join,
)
def test_what_lists_explains_and_checks_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom watchtime.cli import main\n"
        f"try:\n    main({arguments!r})\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0
    assert bool(result.stdout) == (arguments != ["check"]), "no mistake, no word"
    loaded = set(result.stderr.split())
    assert "watchtime.cli" in loaded
    assert not loaded & set(HEAVY)


def test_planning_imports_nothing_heavy() -> None:
    """What the Snakefile imports, and the plan that it makes."""
    lines = [line for line in (find_root() / "Snakefile").read_text().splitlines() if line.startswith("from watchtime")]
    assert len(lines) > 3
    code = "\n".join(
        [
            "import sys",
            *lines,
            "plan = Plan.from_workflow({}, [], find_root())",
            "assert plan.jobs",
            "[pages.page_inputs(plan, name) for name in (*plan.artifacts, 'summary', 'resources')]",
            "code_hash(source_files('training.job', 'methods.vr'))",
            "print(*sys.modules)",
        ]
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=find_root())
    loaded = set(result.stdout.split())
    assert "watchtime.core.plan" in loaded
    assert not loaded & set(HEAVY)


def test_listings_name_everything() -> None:
    catalog = Catalog.load(find_root())
    for command, names in (
        ("methods", catalog.methods),
        ("datasets", catalog.datasets),
        ("artifacts", catalog.in_order()),
    ):
        lines = CliRunner().invoke(main, [command]).output.strip().split("\n")
        assert [line.split("  ")[0] for line in lines[1:]] == list(names)


def test_the_default_configuration_is_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(main, ["config"]).output == default_yaml()
    (tmp_path / "config" / "methods").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["config", "--write"]).exit_code == 0
    assert (tmp_path / "config" / "demo.yaml").read_text() == default_yaml()
    assert (tmp_path / "config" / "schema.json").read_bytes() == (
        Path(__file__).parents[1] / "config" / "schema.json"
    ).read_bytes()


def test_start_writes_the_configuration_that_the_steps_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = find_root()
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("name: mine\nmethods: [vr]\nartifacts: []\ndatasets: {kuairand_pure: {}}\n")
    assert CliRunner().invoke(main, ["start", "mine.yaml"]).exit_code == 0
    assert Plan.load(Path("results/mine/config.yaml"), root) == Plan.load(Path("mine.yaml"), root)
    assert refused("start", "none.yaml") == ["none.yaml: the file does not exist."]


def test_check_reads_what_snakemake_will_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("name: mine\nmethods: [vr]\nartifacts: []\ndatasets: {kuairand_pure: {}}\n")
    Path("wrong.yaml").write_text("methods: [vrr]\nprotocols: [random]\n")
    write_folder(tmp_path / "raw")
    for arguments in (["mine.yaml"], ["mine.yaml", "--source", "raw"], []):
        result = CliRunner().invoke(main, ["check", *arguments])
        assert (result.exit_code, result.output) == (0, "")
    assert refused("check", "none.yaml") == ["none.yaml: the file does not exist."]
    assert [line.split(": ")[1] for line in refused("check", "wrong.yaml")] == ["protocols", "methods"]
    (line,) = refused("check", "mine.yaml", "--source", "nowhere")
    assert line.startswith("mine.yaml: datasets.kuairand_pure.folder: the folder 'nowhere' does not exist")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.yaml", "raw", "wrong.yaml"]


def test_check_data_describes_a_log_or_tells_all_that_is_wrong_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.csv").write_text("user,item,watch_time,duration\n1,a,3,10\n2,b,4,8\n")
    Path("wrong.csv").write_text("user,item,watch_time,duration\n1,,3,10\n2,b,-4,8\n")
    text = "name: mine\nmethods: [vr]\ntasks: [watch_time]\nartifacts: []\nprotocols: [chronological_811]\n"
    Path("mine.yaml").write_text(f"{text}datasets: {{mine: {{log: {{file: log.csv, time: duration}}}}}}\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = CliRunner().invoke(main, ["check-data", "log.csv"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[0] for line in result.stdout.splitlines()][:3] == ["rows", "users", "items"]
    assert refused("check-data", "wrong.csv") == [
        "wrong.csv: row 1, column item: found an empty cell, allowed: any text; give such rows an item or remove them.",
        "wrong.csv: row 2, column watch_time: found '-4', allowed: a number of at least 0; mend or remove such rows.",
    ]
    (line,) = refused("check-data", "log.csv", "--config", "mine.yaml", "--dataset", "mine")
    assert line.startswith("log.csv: protocol chronological_811: ")
    assert refused("check-data", "none.csv") == ["none.csv: the file does not exist."]
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `make reproduce` with the packages that are there, whatever the age of ``.venv``."""
    command = ["make", "--old-file=.venv/.installed", "reproduce", *arguments]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # Inside `make test` the outer make would speak through its flags.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment["PATH"] = path
    return subprocess.run(command, cwd=find_root(), env=environment, capture_output=True, text=True)


def test_make_tells_a_missing_configuration_before_snakemake_starts() -> None:
    result = make("CONFIG=missing.yaml")
    assert result.returncode == 2
    assert result.stderr.startswith("watchtime: missing.yaml: the file does not exist.\n")
    assert "snakemake" not in result.stdout
    assert "Traceback" not in result.stderr


def test_make_hands_configuration_and_source_to_both_and_ends_with_the_target() -> None:
    result = make("CONFIG=a.yaml", "SOURCE=raw", "CORES=2", "--dry-run")
    assert result.stdout.splitlines()[-2:] == [
        "watchtime check a.yaml --source raw",
        "snakemake --cores 2 --configfile a.yaml --config source=raw -- all",
    ]
    last = make("CORES=2", "--dry-run").stdout.splitlines()[-2:]
    assert [line.split() for line in last] == [["watchtime", "check"], ["snakemake", "--cores", "2", "--", "all"]]


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "--dataset", "kuairand_pure"],
        ["interactions", "--dataset", "kuairand_pure"],
        ["split", "--dataset", "kuairand_pure", "--protocol", "random_622"],
        ["encode", "--dataset", "kuairand_pure", "--protocol", "random_622"],
        ["codec", "--codec", CODEC],
        ["train", "--job", JOB],
        ["collect"],
        ["render", "--artifact", "summary"],
        ["manifest"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_run_that_is_not_there_is_named(tmp_path: Path, arguments: list[str]) -> None:
    said = [f"{tmp_path}/none/config.yaml: the file does not exist."]
    assert refused(*arguments, "--run", tmp_path / "none") == said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["interactions", "--dataset", "kuairand"],
            "--dataset: unknown data set 'kuairand', did you mean 'kuairand_pure'? Allowed: kuairand_pure.",
        ),
        (["simulate", "--dataset", "x"], "--dataset: unknown data set 'x'. Allowed: kuairand_pure."),
        (
            ["split", "--dataset", "kuairand_pure", "--protocol", "random_811"],
            "--protocol: unknown protocol 'random_811', did you mean 'random_622'? Allowed: random_622.",
        ),
        (
            ["encode", "--dataset", "kuairand_pure", "--protocol", "x"],
            "--protocol: unknown protocol 'x'. Allowed: random_622.",
        ),
        (
            ["codec", "--codec", CODEC],
            "--codec: unknown codec 'kuairand_pure/watch_time/random_622/scaled-0', did you mean 'kuairand_pure/",
        ),
        (
            ["train", "--job", JOB.replace("paper", "papr")],
            f"--job: unknown job '{JOB[:-5]}papr', did you mean '{JOB}'?",
        ),
        (["train", "--job", "x"], "--job: unknown job 'x'. Allowed: kuairand_pure/"),
        (["render", "--artifact", "summery"], "--artifact: unknown artifact 'summery', did you mean 'summary'?"),
    ],
)
def test_a_name_that_the_run_does_not_have_gets_the_nearest_spelling(
    results: Path, arguments: list[str], said: str
) -> None:
    (line,) = refused(*arguments, "--run", results)
    assert line.startswith(said)


def test_every_mistake_of_a_run_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: tiny\nmethods: [vrr]\nprotocols: [random]\n")
    lines = refused("train", "--run", tmp_path, "--job", JOB)
    assert [line.split(": ")[1] for line in lines] == ["protocols", "methods"]


def test_files_that_are_given_are_never_simulated_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiny_kuairand import write_folder

    raw = write_folder(tmp_path / "raw")
    before = {path: path.read_bytes() for path in raw.rglob("*.csv")}
    (tmp_path / "config.yaml").write_text(f"datasets: {{kuairand_pure: {{folder: {raw}}}}}\n")
    (line,) = refused("simulate", "--run", tmp_path, "--dataset", "kuairand_pure")
    assert line == f"datasets.kuairand_pure.folder: found '{raw}', so nothing is simulated."
    assert {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()} == before


def test_a_model_or_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    log, output = tmp_path / "log.parquet", tmp_path / "out.parquet"
    (line,) = refused("predict", "--input", log, "--output", output, "--model", tmp_path / "none")
    assert line.startswith(f"{tmp_path}/none/model.safetensors: the file does not exist")


def test_a_device_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "config.yaml").write_text("name: tiny\nmethods: [vr]\nartifacts: []\ndevice: cuda\n")
    said = ["device: found 'cuda', but this machine has no CUDA device; set device: cpu."]
    assert refused("train", "--run", tmp_path, "--job", JOB) == said


def test_the_program_itself_says_one_sentence_and_ends_with_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "watchtime", "collect", "--run", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"watchtime: {tmp_path}/config.yaml: the file does not exist.\n"


def test_an_interruption_is_told_while_the_program_is_still_imported(tmp_path: Path) -> None:
    """Instead of a package that it needs, one in which the interruption comes."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt")
    paths = os.pathsep.join([str(tmp_path), str(find_root() / "src")])
    command = [sys.executable, "-m", "watchtime", "methods"]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (130, "")
    assert result.stderr.startswith("watchtime: interrupted; nothing is left half written")
    assert result.stderr.count("\n") == 1


def test_an_unknown_command_and_option_are_clicks_own(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["trian"]).exit_code == 2
    assert "Missing option '--job'" in CliRunner().invoke(main, ["train", "--run", str(tmp_path)]).stderr
