"""A finding: rows beside themselves with one thing changed, be it a rule, a readout, the protocol or a variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import polars as pl

from watchtime.core.catalog import Artifact
from watchtime.core.config import validate
from watchtime.core.plan import Plan
from watchtime.core.settings import Settings
from watchtime.evaluation.metrics import METRICS
from watchtime.evaluation.xauc import SAME_AS
from watchtime.reporting.findings.effects import Effect, Group, Size, groups, sizes
from watchtime.reporting.measured.results import Line, Measure, Results
from watchtime.reporting.report import Report

USUAL_READOUT = "mean"


class Options(Settings):
    """What is changed of the page's rows.

    ``conventions``: the same predictions under every other convention of a metric; ``readouts``: the median and the
    rank of the same network in place of the mean; ``protocols``: the same methods under the data set's other
    protocols; ``rows``: ``changes`` maps, for each change, a row that has it to the row as usual. ``draws`` names a
    figure beside the effects.
    """

    contrast: Literal["conventions", "protocols", "readouts", "rows"]
    changes: dict[str, dict[str, str]] = {}
    draws: Literal["schedules"] | None = None


@dataclass(frozen=True)
class Finding:
    """The finding ``name`` on a data set; ``metrics`` has the values of its jobs, as `collect.metrics` returns them."""

    plan: Plan
    name: str
    dataset: str
    metrics: pl.DataFrame

    @classmethod
    def of_page(cls, report: Report, dataset: str) -> Finding:
        return cls(report.plan, report.name, dataset, report.metrics)

    @property
    def artifact(self) -> Artifact:
        return self.plan.artifacts[self.name]

    @cached_property
    def options(self) -> Options:
        return validate(Options, self.artifact.options, f"options of {self.name}")

    @cached_property
    def sizes(self) -> list[Size]:
        """The sizes of all effects whose two sides were measured, tested together, measure by measure."""
        ways = {
            "conventions": self._of_conventions,
            "protocols": self._of_protocols,
            "readouts": self._of_readouts,
            "rows": self._of_rows,
        }
        found = [effect for effect in ways[self.options.contrast]() if effect.usual and effect.changed]
        return sizes(sorted(found, key=lambda effect: self.artifact.metrics.index(effect.measure.metric)))

    @cached_property
    def groups(self) -> list[Group]:
        """The same by change and measure."""
        return groups(self.sizes)

    @cached_property
    def results(self) -> Results:
        """The values under the page's own protocol."""
        return self._results(self._protocols[0])

    @property
    def measures(self) -> list[Measure]:
        """The metrics of the page, each under its usual convention."""
        return [Measure.of(name, self.artifact.conventions) for name in self.artifact.metrics]

    @property
    def _protocols(self) -> list[str]:
        return self.plan.artifact_protocols(self.artifact, self.dataset)

    @cached_property
    def _lines(self) -> dict[str, Line]:
        """The lines of the page's rows, by their keys; rows that cannot run are absent."""
        rows = self.artifact.rows
        return {
            key: Line(spec.method, spec.variant, rows[key].readout or spec.readouts[0])
            for key, spec in self.plan.row_jobs(self.name, self.dataset).items()
        }

    def _results(self, protocol: str) -> Results:
        frame = self.metrics.filter(dataset=self.dataset, task=self.artifact.task, protocol=protocol)
        return Results(frame, self.plan.config.repetitions)

    def _effect(
        self, key: str, change: str, measure: Measure, changed: dict[int, float], paired: bool = True
    ) -> Effect:
        line, title = self._lines[key], self.artifact.rows[key].title
        return Effect(title, change, line, measure, self.results.values(line, measure), changed, paired)

    def _of_conventions(self) -> Iterator[Effect]:
        for measure in self.measures:
            for rule in METRICS[measure.metric].conventions:
                if rule in SAME_AS or rule == measure.convention:
                    continue
                for key, line in self._lines.items():
                    changed = self.results.values(line, Measure(measure.metric, rule))
                    yield self._effect(key, f"rule {rule}", measure, changed)

    def _of_protocols(self) -> Iterator[Effect]:
        for protocol in self._protocols[1:]:
            results, title = self._results(protocol), self.plan.catalog.protocols[protocol].title
            for measure in self.measures:
                for key, line in self._lines.items():
                    yield self._effect(key, title, measure, results.values(line, measure), paired=False)

    def _of_readouts(self) -> Iterator[Effect]:
        for readout in ("median", "rank"):
            for measure in self.measures:
                for key, line in self._lines.items():
                    usual, other = (Line(line.method, line.variant, one) for one in (USUAL_READOUT, readout))
                    before, after = (self.results.values(one, measure) for one in (usual, other))
                    title, change = self.artifact.rows[key].title, f"{readout} in place of {USUAL_READOUT}"
                    yield Effect(title, change, usual, measure, before, after)

    def _of_rows(self) -> Iterator[Effect]:
        for change, pairs in self.options.changes.items():
            for measure in self.measures:
                for changed, usual in pairs.items():
                    if changed in self._lines and usual in self._lines:
                        yield self._effect(usual, change, measure, self.results.values(self._lines[changed], measure))
