"""Reconstruction errors where they can be computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from studies import write_study
from watchtime.analyses.reconstruction_errors import tables

ARTIFACT = "rqreg/table6"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_codebooks_with_a_centre_for_every_training_target_miss_test_targets_alone(here: Path) -> None:
    """Centres 1, 2, 3 and 100: 1.4 becomes 1 and 60 becomes 100, off by 20.2 on average; later levels are all 0."""
    made = tables(write_study(here, ARTIFACT, [1, 2, 3, 100], [1.4, 60]))["codecs"]
    found = {one["row"]: one for one in made.to_dicts()}
    assert list(found) == ["rqreg/quant_kmeans", "rqreg/quant_dynamic_quantile", "rqreg/rq_L2", "rqreg/rq_L3"]
    for row, tokens, steps in (("quant_kmeans", 4, 1), ("rq_L2", 5, 2), ("rq_L3", 5, 3)):
        one = found[f"rqreg/{row}"]
        assert (one["tokens"], one["steps"]) == (tokens, steps)
        assert one["training"] == 0
        assert one["test"] == pytest.approx(20.2)


def test_a_level_more_misses_less(here: Path) -> None:
    seconds = np.random.default_rng(3).lognormal(1.5, 1.0, 700).round(3)
    made = tables(write_study(here, ARTIFACT, seconds[:500].tolist(), seconds[500:].tolist()))["codecs"]
    errors = dict(made.select("row", "training").iter_rows())
    assert errors["rqreg/rq_L3"] < errors["rqreg/rq_L2"] < errors["rqreg/quant_kmeans"]
    bound = np.maximum(0.001 * seconds[:500], 0.0005).mean()
    assert 0 < errors["rqreg/quant_dynamic_quantile"] <= bound * (1 + 1e-8)
