"""The one DAG: raw logs to report PDFs. Rules call `watchtime` commands and nothing else."""

import math
import sys
from pathlib import Path
from shlex import quote

from snakemake.shell import shell
from snakemake.utils import min_version

from watchtime.core import pages
from watchtime.core.catalog import find_root
from watchtime.core.envelope import at
from watchtime.core.errors import WatchtimeError
from watchtime.core.faults import KILLED, sentences
from watchtime.core.files import canonical_json
from watchtime.core.gpu_memory import analysis_gpu_memory, job_gpu_memory
from watchtime.core.plan import Plan
from watchtime.core.sources import code_hash, script_sources, source_files
from watchtime.core.start import start
from watchtime.core.yaml_files import read_yaml

min_version("9.27")


# No rule needs a container; the line is what `snakemake --lint` asks for, and --sdm apptainer would use it.
container: "docker://python:3.11-slim"


try:
    plan = Plan.from_workflow(config, workflow.configfiles, find_root())
except WatchtimeError as error:
    sys.exit(str(error))


pathvars:
    run=str(plan.folder),
    logs=str(plan.folder / "logs"),
    benchmarks=str(plan.folder / "benchmarks"),


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/discretise.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/study.smk"
include: "workflow/rules/report.smk"


# A killed job has no last word; 137 is what the shell makes of its signal.
shell.suffix(f"|| (status=$?; [ $status -ne 137 ] || echo {quote(KILLED)} >&2; exit $status)")


rule all:
    default_target: True
    input:
        "<run>/manifest.json",


localrules:
    all,


# No rule writes the configuration: every rule reads it, and each depends only on its own part of it, a parameter.
onstart:
    with sentences():
        start(plan, lambda raw: raw.is_dir() and not is_incomplete(raw))
