"""The data steps of the workflow: each reads what the plan says and writes where the plan says."""

from __future__ import annotations

import importlib

from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.datasets import prepare


def simulate(plan: Plan, dataset: str) -> None:
    """Write the simulated raw files of ``dataset``; raises ``WatchtimeError`` where its files are given."""
    if not plan.is_simulated(dataset):
        raise WatchtimeError(f"datasets.{dataset}.folder: found '{plan.raw_folder(dataset)}', so nothing is simulated.")
    module = importlib.import_module(f"watchtime.datasets.simulator.{dataset}")
    settings = plan.config.datasets[dataset].simulator
    module.simulate(plan.raw_folder(dataset), **settings.model_dump())


def interactions(plan: Plan, dataset: str) -> None:
    """Write the interactions, the tables of users and items, and the counts before and after every rule."""
    card = plan.catalog.datasets[dataset]
    prepare.prepare_interactions(
        plan.loader(dataset),
        plan.raw_folder(dataset),
        card.read_options(plan.config.datasets[dataset].options),
        plan.rules(dataset),
        card,
        plan.data_folder(dataset),
    )


def split(plan: Plan, dataset: str, protocol: str) -> None:
    """Write the part of every row and the counts per part."""
    folder = plan.data_folder(dataset)
    prepare.prepare_split(
        folder / "interactions.parquet",
        plan.catalog.protocols[protocol],
        plan.core(dataset, protocol),
        plan.catalog.datasets[dataset],
        plan.split_seed(dataset, protocol),
        folder / protocol / "part.npy",
        folder / protocol / "counts.json",
    )


def encode(plan: Plan, dataset: str, protocol: str) -> None:
    """Write the encoded columns of all rows and the vocabularies of the training rows."""
    folder = plan.data_folder(dataset)
    prepare.prepare_encoding(
        folder,
        folder / protocol / "part.npy",
        plan.catalog.datasets[dataset],
        plan.encoded_folder(dataset, protocol),
    )
