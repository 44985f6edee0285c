"""Networks that are widened to another's number of parameters."""

from __future__ import annotations

from typing import Any

import logs
from watchtime.core.job import JobSpec
from watchtime.training.engine import deterministic
from watchtime.training.fitting import fit
from watchtime.training.widening import parameters, widened

CPU = deterministic("cpu")


def widened_job(method: str, **options: Any) -> tuple[JobSpec, JobSpec]:
    spec = logs.spec(method, "widened", **options)
    log, encoding = logs.encoded()
    return spec, widened(spec, log, encoding)


def test_a_widened_network_has_as_many_parameters_as_the_other_one() -> None:
    log, encoding = logs.encoded()
    for method in ("vr", "tpm", "cread"):
        for size in ("tiny", "small"):
            before, after = widened_job(method, size=size)
            assert before.like is not None
            wanted = parameters(before.like, log, encoding)
            assert parameters(before, log, encoding) < 0.9 * wanted
            assert abs(parameters(after, log, encoding) / wanted - 1) < 0.05
            assert before.model_copy(update={"encoder": after.encoder}) == after


def test_counted_are_the_numbers_that_training_fits_but_for_the_table() -> None:
    log, encoding = logs.encoded()
    _, after = widened_job("vr", training={"batch": 256, "epochs": 1})
    model = logs.model(after)
    fit(model, log, None, "")
    table = model.states[0]["table"].size
    assert model.parameters() - table == parameters(after, log, encoding)


def test_a_network_that_is_larger_already_stays_as_it_is() -> None:
    before, after = widened_job("vr", encoder={"layers": [512, 256]})
    # The other network has the same encoder and a head on top: only a smaller one can be exceeded.
    assert before.like is not None
    small = before.like.model_copy(update={"encoder": before.like.encoder.model_copy(update={"layers": (4,)})})
    log, encoding = logs.encoded()
    assert widened(before.model_copy(update={"like": small}), log, encoding).encoder == before.encoder
    assert after.encoder.layers[0] >= 512


def test_what_changes_the_other_method_changes_the_job() -> None:
    spec, other = logs.spec("vr", "widened"), logs.spec("vr", "widened", size="small")
    assert spec.like is not None
    assert spec.like.settings["width"] != other.like.settings["width"] if other.like else False
    assert spec.hash != other.hash
    assert spec.method_modules == ["methods.vr", "methods.gr"]
