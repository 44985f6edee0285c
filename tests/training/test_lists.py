"""Lists of the validation rows, by which rankings end their training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call

import logs
from watchtime.datasets.encoded import EncodedLog
from watchtime.evaluation.ranking import Rankings
from watchtime.training.group import Group
from watchtime.training.lists import lists_judged
from watchtime.training.network_fitting import part
from watchtime.training.resident import Part


def untrained(variant: str, **training: Any) -> tuple[Group, Part, EncodedLog]:
    log, encoding = logs.encoded()
    spec = logs.spec("stated_label", variant, "label", settings={"list_length": 3}, training=training)
    method, rows = logs.model(spec).method, log.rows(np.flatnonzero(log.part == 1))
    validation = part(method, rows, "label", encoding, torch.device("cpu"), spec.encoder.events)
    return Group(method, validation.rows, spec.encoder, spec.training, 1, [0], stacked=False), validation, rows


def test_two_outputs_are_weighed_over_all_rows_however_many_are_evaluated_at_once() -> None:
    few, many = (untrained("wt_ef", evaluation_batch=size) for size in (7, 100_000))
    assert lists_judged(*few[:2])["validation"] == lists_judged(*many[:2])["validation"]


def test_lists_are_judged_by_what_they_lack_of_the_longest_watch_times() -> None:
    group, validation, rows = untrained("wt")
    with torch.no_grad():
        outputs = functional_call(group.template, group.parameters, (validation.rows.slab(0, len(rows)),))
    gain = Rankings(rows.user, outputs[:, 0].double().numpy(), 3).normalised_gain("watch time", rows.target("label"))
    assert 0 < gain.value < 1
    assert float(lists_judged(group, validation)["validation"][0]) == pytest.approx(1 - gain.value, rel=1e-6)
