"""A loss that is no number: the training says which and what may help, and leaves nothing."""

from __future__ import annotations

import pytest

from project import CONFIG, METRICS, Project
from survivors import JOBS, VR, contents, forget_trainings, unfinished


@pytest.mark.slow
def test_a_training_that_diverges_says_so_and_the_next_configuration_runs(
    finished: Project, expected: dict[str, str]
) -> None:
    forget_trainings(finished.root, VR)
    training = CONFIG["settings"]["vr"]["training"] | {"learning_rate": 1e30}  # type: ignore[index]
    config = finished.configure(settings={"vr": {"training": training}})
    result = finished.snakemake(METRICS, "--configfile", str(config), "--cores", "1")
    assert result.returncode != 0
    assert "repetition 0, epoch 0: the validation loss is " in result.stderr
    assert "a smaller training.learning_rate than 1e+30 may help." in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((finished.root / JOBS / VR).rglob("*.*"))
    assert unfinished(finished.root) == []
    result = finished.snakemake(METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected
