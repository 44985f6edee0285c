"""A loss that is no number: the training says which and what may help, and leaves nothing."""

from __future__ import annotations

import pytest

from project import Project
from survivors import said_of_a_failed_training


@pytest.mark.slow
def test_a_training_that_diverges_says_so_and_the_next_configuration_runs(
    finished: Project, expected: dict[str, str]
) -> None:
    said = said_of_a_failed_training(finished, expected, {"learning_rate": 1e30})
    assert "repetition 0, epoch 0: the validation loss is " in said
    assert "a smaller training.learning_rate than 1e+30 may help." in said
