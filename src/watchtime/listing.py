"""What there is, one aligned line each, with the reason where something cannot run or is not built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from watchtime.core.artifact_state import reason_without, state
from watchtime.core.catalog import Artifact, Catalog, MethodCard
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.plan import Plan
from watchtime.core.sources import exists

NOTHING = "-"


def method_lines(catalog: Catalog) -> list[str]:
    """Return a heading and one line per method; the last column says where it cannot run, and why."""
    rows = [
        [
            name,
            card.family,
            str(len(card.variants)),
            _joined(_readouts(card)),
            _joined(card.needs),
            card.summary,
            _obstacles(catalog, name),
        ]
        for name, card in catalog.methods.items()
    ]
    return _aligned(["method", "family", "variants", "readouts", "needs", "summary", "cannot run"], rows)


def variant_lines(catalog: Catalog, method: str) -> list[str]:
    """Return what a method is and does with each kind of target, and one line per variant.

    Raises ``WatchtimeError`` where there is no such method.
    """
    if method not in catalog.methods:
        raise WatchtimeError(unknown("method", method, catalog.methods))
    card = catalog.methods[method]
    said = {"on watch ratio": card.watch_ratio, "without durations": card.without_duration}
    rows = [
        [
            name,
            _joined(variant.readouts or card.readouts),
            _joined([*card.needs, *variant.needs]),
            variant.note or NOTHING,
            _obstacles(catalog, method, name),
        ]
        for name, variant in card.variants.items()
    ]
    return [
        f"{card.title}: {card.summary} ({card.reference})",
        *(f"{what}: {text}" for what, text in said.items() if text),
        "",
        *_aligned(["variant", "readouts", "needs", "what it is", "cannot run"], rows),
    ]


def dataset_lines(catalog: Catalog) -> list[str]:
    """Return a heading and one line per data set; the last column says what is missing to run it."""
    rows = [
        [
            name,
            card.title,
            _joined(f"{task} ({unit})" for task, unit in card.tasks.items()),
            _joined(card.provides),
            _options(card),
            card.licence,
            card.summary,
            _missing_loader(name) or NOTHING,
        ]
        for name, card in catalog.datasets.items()
    ]
    return _aligned(["data set", "title", "targets", "provides", "options", "licence", "summary", "cannot run"], rows)


def artifact_lines(plan: Plan) -> list[str]:
    """Return a heading and one line per table or figure of the papers and per study of this project.

    ``state`` says whether one is a drawing, what stands for its data, and what is not built; the last column names the
    data sets of the run on which it is shown, or why there are none.
    """
    rows = [_artifact_row(plan, name) for name in plan.catalog.in_order()]
    return _aligned(["artifact", "title", "state", "template", "protocol", "in this run"], rows)


def _artifact_row(plan: Plan, name: str) -> list[str]:
    catalog, reason = plan.catalog, reason_without(plan, name)
    shown = f"no: {reason}" if reason else ", ".join(plan.artifact_datasets(name))
    artifact = catalog.artifacts().get(name)
    if artifact is None:
        return [name, catalog.ledger[name].title, state(plan, name), NOTHING, NOTHING, shown]
    missing = _missing_template(catalog, artifact.template)
    said = f"{state(plan, name)}: {missing}" if missing else state(plan, name)
    return [name, artifact.title, said, f"reports/{artifact.template}.py", _protocols(artifact), shown]


def _options(card: DatasetCard) -> str:
    """Return every option with its default and the other choices there are."""
    shown = []
    for name, option in card.options.items():
        others = [choice for choice in option.choices if choice != option.default]
        shown.append(f"{name}: {option.default}" + (f" (or {', '.join(others)})" if others else ""))
    return "; ".join(shown) or NOTHING


def _readouts(card: MethodCard) -> list[str]:
    own = [readout for variant in card.variants.values() for readout in variant.readouts]
    return list(dict.fromkeys([*card.readouts, *own]))


def _obstacles(catalog: Catalog, method: str, variant: str | None = None) -> str:
    """Return where a method, or one of its variants, cannot run on given files, each reason with its data sets.

    That what predicts targets crafts no label, and the other way round, is no news where a data set has both.
    """
    places: dict[str, list[str]] = {}
    crafts = catalog.methods[method].tasks == ["label"]
    for dataset, card in catalog.datasets.items():
        tasks = [task for task in card.tasks if (task == "label") == crafts] or card.tasks
        reasons = {task: catalog.reason_against(method, dataset, task, truth=False, variant=variant) for task in tasks}
        for task, reason in reasons.items():
            if reason:
                everywhere = len(set(reasons.values())) == 1
                places.setdefault(reason, []).append(dataset if everywhere else f"{dataset} {task}")
    return "; ".join(f"{_joined(dict.fromkeys(found))}: {reason}" for reason, found in places.items()) or NOTHING


def _missing_loader(dataset: str) -> str | None:
    if not exists(f"datasets.{dataset}"):
        return f"not built: src/watchtime/datasets/{dataset}.py is missing"
    if not exists(f"datasets.simulator.{dataset}"):
        return "needs a folder: it has no simulated logs"
    return None


def _protocols(artifact: Artifact) -> str:
    if isinstance(artifact.protocol, dict):
        return ", ".join(dict.fromkeys(artifact.protocol.values()))
    return artifact.protocol or "the run's first"


def _missing_template(catalog: Catalog, template: str) -> str | None:
    path = catalog.root / "reports" / f"{template}.py"
    return None if path.is_file() else f"reports/{path.name} is missing"


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words) or NOTHING


def _aligned(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = [heading, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heading))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
