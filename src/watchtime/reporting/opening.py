"""How a page on a published table or figure begins: question, data, protocol, and what the paper leaves open."""

from __future__ import annotations

from watchtime.reporting import rules
from watchtime.reporting.published import read_published, row_counts
from watchtime.reporting.report import Report
from watchtime.reporting.text import Markdown, escape


def opening(report: Report) -> Markdown:
    """Return the paragraphs with which the page begins."""
    paper = report.plan.catalog.papers[report.name.split("/")[0]]
    paragraphs = [
        f"**Question.** {escape(report.artifact.question)} ({escape(paper.title)}: {escape(paper.reference)}.)",
        *(f"**Data.** {_data(report, dataset)}" for dataset in report.datasets),
        f"**Protocol.** {_protocol(report)}",
    ]
    if "results" in report.artifact.reads:
        paragraphs.append(f"**Measured.** {_measured(report)}")
    if report.artifact.notes:
        notes = "\n".join(f"- {escape(note)}" for note in report.artifact.notes)
        paragraphs.append(f"**What the paper leaves open.**\n\n{notes}")
    return Markdown("\n\n".join(paragraphs))


def value_obstacles(report: Report, dataset: str) -> list[str]:
    """Return why values measured on a data set of this run cannot be compared with published ones."""
    published = row_counts(read_published(report.plan.published_files), report.name.split("/")[0]).get(dataset)
    rows = report.counts(dataset)["rules"][0]["rows"]
    config, artifact = report.plan.config, report.artifact
    data = rules.data_obstacles(report.plan.is_simulated(dataset), rows, published)
    run = rules.run_obstacles(config.size, config.regime, report.protocol, artifact.protocol)
    return data + (run if artifact.rows else [])


def _data(report: Report, dataset: str) -> str:
    counts = report.counts(dataset)["rules"]
    source = report.plan.config.datasets[dataset].simulator
    origin = f"simulated from seed {source.seed}" if report.plan.is_simulated(dataset) else "real"
    sentences = [
        f"{escape(report.plan.catalog.datasets[dataset].title)}, {origin}: {counts[0]['rows']:,} rows as read, "
        f"{counts[-1]['rows']:,} after the row rules, of {counts[-1]['users']:,} users and "
        f"{counts[-1]['items']:,} videos."
    ]
    reasons = value_obstacles(report, dataset)
    if reasons and report.verdicts.filter(dataset=dataset).height:
        sentences.append(f"Values here cannot be compared with published ones: {escape(', '.join(reasons))}.")
    return " ".join(sentences)


def _protocol(report: Report) -> str:
    if report.artifact.protocol is None:
        return "All rows that the row rules leave, whatever the split."
    title = escape(report.plan.catalog.protocols[report.protocol].title)
    own = report.artifact.protocol
    if own == report.protocol:
        return f"{title[:1].upper()}{title[1:]}, as the paper's as far as it says."
    other = escape(report.plan.catalog.protocols[own].title)
    return f"{title[:1].upper()}{title[1:]}; the paper's, {other}, is not in this run."


def _measured(report: Report) -> str:
    config, catalog = report.plan.config, report.plan.catalog
    size = catalog.sizes[config.size]
    regimes = {
        "shared": "one encoder, one set of features and one training for all methods",
        "as_published": "every method with its paper's own encoder, features and training",
    }
    layers = ", ".join(map(str, size.encoder.layers))
    return (
        f"{config.repetitions} repetitions, each with its own seed, on one split. Regime {escape(config.regime)}: "
        f"{regimes[config.regime]}. Size {config.size}: embeddings of {size.encoder.embedding}, layers of {layers}, "
        f"batches of {size.training.batch}, at most {size.training.epochs} epochs. The epoch is chosen on validation "
        "rows, the test rows are read once. All pairs of test rows are counted, none are sampled."
    )
