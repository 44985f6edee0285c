"""File times that lie ahead, behind or the wrong way round change nothing; a changed file with an old time is seen."""

from __future__ import annotations

import os
import time

import pytest

from project import METRICS, Project
from survivors import contents, forget_trainings

DAY = 86_400.0


def set_times(project: Project, seconds: float) -> None:
    """Give every file and folder of the run and the data a time that many seconds from now, those of rules too."""
    for name in ("results", "data", "config"):
        for path in [*(project.root / name).rglob("*")]:
            os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [DAY, -3650 * DAY], ids=["ahead", "behind"])
def test_a_run_on_files_of_other_times_ends_with_the_same_bytes(
    finished: Project, expected: dict[str, str], seconds: float
) -> None:
    """What is left of the run was written at another time: the clock has been set since, or a copy kept no times."""
    forget_trainings(finished.root)
    set_times(finished, seconds)
    command = (METRICS, "--configfile", str(finished.configure()), "--cores", "2")
    result = finished.snakemake(*command)
    assert result.returncode == 0, result.stderr
    assert contents(finished.root) == expected
    assert "Nothing to be done" in finished.snakemake(*command).stderr


def test_a_changed_file_with_an_old_time_is_seen(finished: Project) -> None:
    """Cards, code and published numbers are known by their bytes."""
    assert finished.planned() == []
    card = finished.root / "config/datasets/kuairand_pure.yaml"
    card.write_text(card.read_text() + "# edited\n")
    os.utime(card, (0, 0))
    assert {"interactions", "encode"} <= set(finished.planned())
