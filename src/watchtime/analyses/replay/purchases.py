"""The stage of a test of customer value: visits of a simulated log of clicks, to which other products are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from watchtime.analyses.replay.stage import DRAWN, EXPECTED, Booleans, Options, Outcome, Stage
from watchtime.analyses.study import Study
from watchtime.core.job import JobSpec
from watchtime.core.seeds import derive_seed
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import TEST
from watchtime.datasets.simulator.counterfactual_clicks import Clicks, amounts, clicks, expected_amounts
from watchtime.labels.base import Floats, Integers

TAIL = "long tail"


def purchases_stage(study: Study, readouts: Mapping[str, str], options: Options) -> Stage:
    """Return one visit of each of ``options.visitors`` test users, and ``options.products`` products for each.

    A visit is a test click; what it says of the user and the device stands beside the product columns of another
    click. Predictions are made for all these pairs, of which the log has next to none.
    """
    simulated, test = simulation_of(study), study.part(TEST)
    told = study.interactions(["raw_row", "user", "item", "device_type"])
    clicked = pl.DataFrame({"raw_row": np.asarray(test.raw_row)})
    facts = clicked.join(told, on="raw_row", how="left", maintain_order="left")
    rng = np.random.default_rng(derive_seed(study.plan.config.seed, axis="replay stage", dataset=study.dataset))
    visit = np.sort(rng.permutation(np.unique(facts["user"], return_index=True)[1])[: options.visitors])
    product_rows = np.unique(facts["item"], return_index=True)[1]
    count = min(options.products, len(product_rows))
    shown = np.stack([product_rows[rng.permutation(len(product_rows))[:count]] for _ in visit])
    scores = {row: _scores(study, study.jobs[row], one, test, visit, shown, options) for row, one in readouts.items()}
    products = simulated.products(facts["item"])[shown]
    users, device = simulated.users(facts["user"])[visit], facts["device_type"].cast(pl.Int64).to_numpy()[visit]
    parts = {TAIL: in_tail(simulated, products, options.tail)}
    return Stage(np.full(shown.shape, True), scores, _outcome(simulated, users, products, device), parts)


def simulation_of(study: Study) -> Clicks:
    settings = study.plan.config.datasets[study.dataset].simulator
    return clicks(settings.users, settings.items, settings.seed)


def in_tail(simulated: Clicks, products: Integers, level: float) -> Booleans:
    """Return which products cost more than a share ``level`` of all products."""
    return np.asarray(simulated.prices[products] > np.quantile(simulated.prices, level))


def _scores(
    study: Study,
    spec: JobSpec,
    readout: str,
    test: EncodedLog,
    visit: Integers,
    shown: Integers,
    options: Options,
) -> Floats:
    rows = paired(test, np.repeat(visit, shown.shape[1]), shown.ravel(), options.visit)
    predicted = study.model(spec).predict(rows, spec.device)
    return np.stack([one[readout].astype(np.float64).reshape(shown.shape) for one in predicted])


def paired(log: EncodedLog, visit: Integers, product: Integers, features: list[str]) -> EncodedLog:
    """Return the rows ``product`` with the columns ``features`` of the rows ``visit``, all of them categorical."""
    places = [log.fields.index(name) for name in features]
    categorical = np.array(log.categorical[product])
    categorical[:, places] = np.asarray(log.categorical)[visit][:, places]
    return replace(log.rows(product), categorical=categorical)


def _outcome(simulated: Clicks, users: Integers, products: Integers, device: Integers) -> Outcome:
    def outcome(day: int, places: Integers) -> dict[str, Floats]:
        shown = np.take_along_axis(products, places, axis=1)
        drawn = amounts(simulated, users, shown, device, day)
        return {DRAWN: drawn, EXPECTED: expected_amounts(simulated, users, shown, device)}

    return outcome
