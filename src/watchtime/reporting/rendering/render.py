"""One page of a run: its notebook executed, then typeset."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.errors import WatchtimeError
from watchtime.core.plan import Plan
from watchtime.reporting.rendering import notebook, pdf
from watchtime.reporting.rendering.page import page_of


def render(plan: Plan, artifact: str) -> None:
    """Write ``notebooks/<artifact>.ipynb`` and ``reports/<artifact>.pdf`` of the run.

    The PDF of a whole paper has the executed notebooks of its artifacts behind its own. Raises WatchtimeError, which
    names the page, where the run has no such page, or where a cell fails; the executed notebook is then left with its
    traceback, and an older PDF stays as it is.
    """
    page = page_of(plan, artifact)
    executed = plan.folder / "notebooks" / f"{artifact}.ipynb"
    parameters = {"run": str(plan.folder), "artifact": artifact}
    joined = [plan.folder / "notebooks" / f"{name}.ipynb" for name in plan.papers.get(artifact, [])]
    target = plan.folder / "reports" / f"{artifact}.pdf"
    try:
        notebook.execute(plan.template(artifact), parameters, executed, directory=Path.cwd())
        pdf.render([executed, *joined], target, title=page.title, subtitle=page.subtitle, banner=page.banner)
    except WatchtimeError as error:
        raise WatchtimeError(f"{artifact}: {error}") from None
