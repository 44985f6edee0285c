"""The gains of a replayed online test: of the same users under both policies, and as two buckets of users show them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy.typing as npt
import polars as pl

from watchtime.analyses.replay.stage import DRAWN, EXPECTED, Options
from watchtime.core.config import validate
from watchtime.core.seeds import derive_seed
from watchtime.evaluation.gains import Gain, bucket_gain, paired_gain
from watchtime.reporting.measured.repetitions import Values, by_repetition
from watchtime.reporting.report import Report

ALL = "all"
WATCH_TIME, PURCHASES = "watch time", "purchase value"


@dataclass(frozen=True)
class Replay:
    """The replay of one page on one data set."""

    report: Report
    dataset: str

    @cached_property
    def options(self) -> Options:
        return validate(Options, self.report.artifact.options, f"options of {self.report.name}")

    @property
    def control(self) -> str:
        """The row of the policy that is compared with."""
        return str(self.report.artifact.reference_row)

    @property
    def treatment(self) -> str:
        """The row of the policy that is tested."""
        (found,) = (row for row in self.report.artifact.rows if row != self.control)
        return found

    @property
    def titles(self) -> tuple[str, str]:
        """What control and treatment are called."""
        rows = self.report.artifact.rows
        return rows[self.control].title, rows[self.treatment].title

    @property
    def measured(self) -> str:
        """What the policies bring."""
        return PURCHASES if self.report.artifact.task == "ltv" else WATCH_TIME

    @cached_property
    def stage(self) -> dict[str, int]:
        """How many visitors, pairs and items there are, and how many users had too few items to choose from."""
        return self.report.analysis(self.dataset, "stage").row(0, named=True)

    @cached_property
    def visits(self) -> pl.DataFrame:
        return self.report.analysis(self.dataset, "visits")

    @property
    def parts(self) -> list[str]:
        """All items, then the parts of them that are looked at alone."""
        return self.visits["part"].unique(maintain_order=True).to_list()

    @property
    def days(self) -> list[tuple[int, str]]:
        """The days in their order, each with its phase."""
        return sorted(self.visits.select("day", "phase").unique().iter_rows())

    @property
    def knows_expectations(self) -> bool:
        return EXPECTED in self.visits["kind"]

    def same_users(self, part: str, kind: str = DRAWN, day: int | None = None) -> Gain:
        """Return the gain over all test days, or on one day, of the same users under both policies."""
        sums = self._sums(part, kind, day)
        return paired_gain(sums["control"], sums["treatment"], self._seed(part, kind, day, "same users"))

    def two_buckets(self, part: str, day: int | None = None) -> Gain:
        """Return the gain over all test days, or on one day, of one half of the users over the other half."""
        sums = self._sums(part, DRAWN, day)
        control, treatment = sums["control"][sums["bucket"] == 0], sums["treatment"][sums["bucket"] == 1]
        return bucket_gain(control, treatment, self._seed(part, DRAWN, day, "two buckets"))

    def by_repetition(self, part: str) -> Values:
        """Return the gain of the same users over all test days in per cent, by repetition of the trainings."""
        frame = self.report.analysis(self.dataset, "repetitions").filter(part=part, kind=DRAWN)
        gain = 100 * (pl.col("treatment") / pl.col("control") - 1)
        return by_repetition(frame.with_columns(gain=gain), "gain")

    def _sums(self, part: str, kind: str, day: int | None) -> dict[str, npt.NDArray[Any]]:
        """Return what every visitor brings under each policy, and the visitor's bucket."""
        rows = self.visits.filter(part=part, kind=kind)
        rows = rows.filter(phase="test") if day is None else rows.filter(day=day)
        by_visitor = rows.group_by("visitor", maintain_order=True)
        frame = by_visitor.agg(pl.col("bucket").first(), pl.col("control", "treatment").sum())
        return {name: frame[name].to_numpy() for name in ("bucket", "control", "treatment")}

    def _seed(self, part: str, kind: str, day: int | None, what: str) -> int:
        name = f"{self.report.name}, {part}, {kind}, {day}, {what}"
        return derive_seed(self.report.plan.config.seed, axis="bootstrap over users", what=name)
