"""The command line: what there is, and every workflow step by hand. Rules call these commands and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from watchtime.core import step_log
from watchtime.core.catalog import Catalog, find_root
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.faults import sentences
from watchtime.core.plan import Plan
from watchtime.core.run_lock import join_run
from watchtime.core.seal import begin_step, end_step


class _Commands(click.Group):
    """Prints a user's mistake or a fault as one sentence and leaves with status 2; seals what a step wrote."""

    def invoke(self, context: click.Context) -> Any:
        step_log.hold()
        with sentences():
            result = super().invoke(context)
            end_step()
            return result


@click.group(cls=_Commands)
def main() -> None:
    """Watch-time and lifetime-value prediction, reproduced under one protocol."""


def _plan(run: Path, dataset: str | None = None, protocol: str | None = None) -> Plan:
    plan = Plan.load(run / "config.yaml", find_root())
    if dataset is not None and dataset not in plan.config.datasets:
        raise WatchtimeError(unknown("data set", dataset, plan.config.datasets, "--dataset"))
    if dataset is not None and protocol is not None and protocol not in plan.protocols(dataset):
        raise WatchtimeError(unknown("protocol", protocol, plan.protocols(dataset), "--protocol"))
    step_log.begin(run, plan, sys.argv[1:])
    join_run(run)
    begin_step(run)
    return plan


_run = click.option(
    "--run", type=click.Path(path_type=Path), required=True, help="The run's folder, such as results/demo."
)
_vram_mb = click.option(
    "--vram-mb", type=click.IntRange(min=0), help="GPU memory in MiB to hold, over all GPUs; by default whole GPUs."
)
_dataset = click.option("--dataset", required=True, help="A data set of the run.")
_protocol = click.option("--protocol", required=True, help="A protocol of the run.")


# What there is


@main.command()
@click.argument("method", required=False)
def methods(method: str | None) -> None:
    """List the methods and where one cannot run, or what METHOD is, with its variants."""
    from watchtime.listing import method_lines, variant_lines

    catalog = Catalog.load(find_root())
    click.echo("\n".join(variant_lines(catalog, method) if method else method_lines(catalog)))


@main.command()
def datasets() -> None:
    """List the data sets."""
    from watchtime.listing import dataset_lines

    click.echo("\n".join(dataset_lines(Catalog.load(find_root()))))


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
def artifacts(path: Path | None) -> None:
    """List all tables and figures of the papers, what they need, and the data of the configuration PATH they show."""
    from watchtime.listing import artifact_lines

    click.echo("\n".join(artifact_lines(Plan.from_workflow({}, [str(path)] if path else [], find_root()))))


@main.command()
@click.option("--write", is_flag=True, help="Write config/demo.yaml and config/schema.json.")
def config(write: bool) -> None:
    """Print the default configuration, or write it with its JSON schema."""
    from watchtime.core.config import default_yaml, schema_json
    from watchtime.core.files import write_text

    if not write:
        click.echo(default_yaml(), nl=False)
        return
    folder = find_root() / "config"
    write_text(folder / "demo.yaml", default_yaml())
    write_text(folder / "schema.json", schema_json())


# A run's configuration


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--source", help="A folder with the raw files of its only data set.")
def check(path: Path | None, source: str | None) -> None:
    """Check the configuration PATH, by default config/demo.yaml, and the published numbers; nothing runs."""
    from watchtime.reporting.published.check import published_cells

    published_cells(Plan.from_workflow({"source": source} if source else {}, [str(path)] if path else [], find_root()))


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
def start(path: Path) -> None:
    """Write results/<name>/config.yaml with every default of the configuration PATH; all steps below read it."""
    Plan.load(path, find_root()).write_config()


@main.command()
@click.argument("run", type=click.Path(path_type=Path))
def status(run: Path) -> None:
    """Tell how far the run in the folder RUN is: what is done, running, failed and waiting, and why.

    Exit status: 1 where a step failed, else 0.
    """
    from watchtime.status import run_states, status_lines

    found = run_states(run, find_root())
    click.echo("\n".join(status_lines(run, found)))
    sys.exit(1 if any(state == "failed" for _, state in found) else 0)


# Data


@main.command()
@click.argument("dataset")
@click.option("--folder", type=click.Path(path_type=Path), help="By default data/official/DATASET.")
@click.option("--run", type=click.Path(path_type=Path), help="The folder of a run that downloads DATASET, for the log.")
def download(dataset: str, folder: Path | None, run: Path | None) -> None:
    """Fetch the official files of DATASET, verify their checksums and unpack them; a cut download is taken up again."""
    from watchtime.core.run_data import OFFICIAL
    from watchtime.datasets.download.official import download as step

    cards = (Catalog.load(find_root()) if run is None else _plan(run).catalog).datasets
    if dataset not in cards:
        raise WatchtimeError(unknown("data set", dataset, cards))
    step(cards[dataset].under({}), folder or OFFICIAL / dataset)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="A run's configuration: it names columns and features.")
@click.option("--dataset", help="The own log of the configuration, where it has several.")
def check_data(file: Path, config: Path | None, dataset: str | None) -> None:
    """Tell all that is wrong with a log of one's own, FILE (.parquet, .csv or .tsv), or what it holds."""
    from watchtime.datasets.log_check import check_log

    click.echo("\n".join(check_log(file, config, dataset, find_root())))


@main.command()
@_run
@_dataset
def simulate(run: Path, dataset: str) -> None:
    """Write the raw files of a simulated log."""
    from watchtime.steps import simulate as step

    step(_plan(run, dataset), dataset)


@main.command()
@_run
@_dataset
def interactions(run: Path, dataset: str) -> None:
    """Read raw files, apply the row rules and write interactions.parquet."""
    from watchtime.steps import interactions as step

    step(_plan(run, dataset), dataset)


@main.command()
@_run
@_dataset
@_protocol
def split(run: Path, dataset: str, protocol: str) -> None:
    """Assign every row to training, validation or test."""
    from watchtime.steps import split as step

    step(_plan(run, dataset, protocol), dataset, protocol)


@main.command()
@_run
@_dataset
@_protocol
def encode(run: Path, dataset: str, protocol: str) -> None:
    """Encode the columns with vocabularies of the training rows."""
    from watchtime.steps import encode as step

    step(_plan(run, dataset, protocol), dataset, protocol)


@main.command()
@_run
@click.option("--codec", required=True, help="dataset/task/protocol/name-hash, as below <run>/codecs.")
def codec(run: Path, codec: str) -> None:
    """Fit a codec on the training rows."""
    from watchtime.labels.fitting import fit as step

    step(_plan(run), codec)


# Training and prediction


@main.command()
@_run
@click.option("--job", required=True, help="dataset/task/protocol/regime/method/variant, as below <run>/jobs.")
@click.option("--processes", type=click.IntRange(min=1), help="Train in so many processes; by default as the run says.")
@_vram_mb
def train(run: Path, job: str, processes: int | None, vram_mb: int | None) -> None:
    """Train, predict and evaluate all repetitions of one method and variant."""
    from watchtime.training.job import train as step

    step(_plan(run), job, processes, vram_mb, run)


@main.command()
@click.option(
    "--model", type=click.Path(path_type=Path), required=True, help="A job's folder, <run>/jobs/dataset/…/variant."
)
@click.option(
    "--input", "log", type=click.Path(path_type=Path), required=True, help="A Parquet file, or a data folder of a run."
)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@_vram_mb
def predict(model: Path, log: Path, output: Path, device: str, vram_mb: int | None) -> None:
    """Predict every row of a log; unknown ids, absent features and an absent target are no obstacle."""
    from watchtime.training.predict import predict as step

    step(model, log, output, device, vram_mb)


# Two runs


@main.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "markdown", "html"]), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="A file instead of standard output.")
def diff(first: Path, second: Path, form: str, output: Path | None) -> None:
    """Tell what differs between two runs, such as results/a and results/b: settings, data, metrics, pages.

    Exit status: 0 where they are equal, 1 where they differ, 2 where they cannot be compared.
    """
    from watchtime.differences.write import write

    sys.exit(1 if write(first, second, form, output) else 0)


# Study and reports


@main.command()
@_run
@click.option("--artifact", required=True, help="A figure or table with an analysis, such as gr/figure3.")
@_vram_mb
def analyse(run: Path, artifact: str, vram_mb: int | None) -> None:
    """Make the data files that an artifact's notebook draws, from its trained jobs."""
    from watchtime.analyses.run import analyse as step

    step(_plan(run), artifact, vram_mb)


@main.command()
@_run
def collect(run: Path) -> None:
    """Gather the metrics, resources and learning curves of all jobs into tidy tables."""
    from watchtime.reporting.measured.collect import collect as step

    step(_plan(run))


@main.command()
@_run
def verdicts(run: Path) -> None:
    """Judge every published number against what the run measured."""
    from watchtime.reporting.published.verdicts import write_verdicts as step

    step(_plan(run))


@main.command()
@_run
@click.option("--artifact", required=True, help="Such as prowtp/table1, prowtp (a whole paper), summary or resources.")
def render(run: Path, artifact: str) -> None:
    """Execute an artifact's notebook and render it as a PDF."""
    from watchtime.reporting.rendering.render import render as step

    step(_plan(run), artifact)


@main.command()
@_run
def html(run: Path) -> None:
    """Write the rendered summary as one HTML page whose tables sort, reports/summary.html."""
    from watchtime.reporting.rendering.html_page import write_html as step

    step(_plan(run))


@main.command()
@_run
def manifest(run: Path) -> None:
    """Write the manifest that names every file of the run with its hash."""
    from watchtime.core.manifest import write_manifest

    plan = _plan(run)
    write_manifest(run, plan.belongs, plan.measured_pages)
