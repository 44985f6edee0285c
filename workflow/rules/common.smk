"""What the rules ask about a job: its files, its sources and what its result depends on beside them."""


def run_folder(wildcards, output):
    """Snakemake does not record a parameter that takes ``output``, so runs that share a simulated log do not differ."""
    return str(plan.folder)


def run_config(wildcards):
    return canonical_json(plan.config.model_dump(mode="json"))


def is_incomplete(path):
    """Whether a start that was killed made a file or folder, and Snakemake will make it anew."""
    return bool(workflow.persistence._filter_incomplete_keys([str(path)]))


def made_folder(dataset):
    """The folder of raw files that the workflow makes. Its age never matters, unless it will be made anew; Snakemake
    then looks no further than what is `ancient`, and would leave out all that is still missing."""
    raw = plan.raw_folder(dataset)
    return str(raw) if is_incomplete(raw) else ancient(str(raw))


def raw_inputs(wildcards):
    """Given files are known by their identity."""
    source = plan.config.datasets[wildcards.dataset]
    return made_folder(wildcards.dataset) if source.is_simulated or source.download else []


def data_threads(wildcards):
    """Simulated logs are small; official ones are read by several threads, of which each takes its own memory."""
    return 1 if plan.is_simulated(wildcards.dataset) else 4


def dataset_identity(wildcards):
    return canonical_json(plan.raw_identity(wildcards.dataset))


def row_rules(wildcards):
    return canonical_json(plan.rules(wildcards.dataset).model_dump())


def read_options(wildcards):
    """How the raw files are read: the options of the data set, the columns of an own log."""
    source = plan.config.datasets[wildcards.dataset]
    own = source.log.model_dump(exclude={"file"}) if source.log else {}
    return canonical_json({**plan.catalog.datasets[wildcards.dataset].read_options(source.options), **own})


def own_hash(paths):
    """One hash of what the project has beside its package: cards, published numbers, templates, style."""
    return code_hash(paths, plan.catalog.root)


def dataset_card(wildcards):
    """An own log has none, its columns are a parameter."""
    path = plan.catalog.root / "config" / "datasets" / f"{wildcards.dataset}.yaml"
    return own_hash([path]) if path.is_file() else ""


def dataset_code(wildcards):
    return code_hash(source_files("steps", f"datasets.{plan.loader(wildcards.dataset)}"))


def split_seed(wildcards):
    return plan.split_seed(wildcards.dataset, wildcards.protocol)


def protocol_settings(wildcards):
    core = plan.core(wildcards.dataset, wildcards.protocol)
    return canonical_json({**plan.catalog.protocols[wildcards.protocol].model_dump(), "core": core})


def split_logs(wildcards):
    return canonical_json(plan.catalog.datasets[wildcards.dataset].log_names)


def codec_code(wildcards):
    name = wildcards.codec.rsplit("-", 1)[0]
    return code_hash(source_files("labels.fitting", f"labels.{name}"))


def job_key(wildcards):
    return "/".join([*map(str, wildcards)])


def job_settings(wildcards):
    return canonical_json(plan.jobs[job_key(wildcards)].model_dump(mode="json"))


def job_codec(wildcards):
    spec = plan.jobs[job_key(wildcards)]
    return [] if spec.codec is None else str(plan.codec_file(spec))


def job_truth(wildcards):
    """The oracle alone reads the simulator's own distribution."""
    spec = plan.jobs[job_key(wildcards)]
    return made_folder(spec.dataset) if spec.family == "oracle" else []


def job_code(wildcards):
    return code_hash(source_files("training.job", *plan.jobs[job_key(wildcards)].method_modules))


def job_processes(wildcards):
    return plan.jobs[job_key(wildcards)].processes


def job_gpus(wildcards):
    return plan.jobs[job_key(wildcards)].gpus


def job_vram(wildcards):
    """The GPU memory of the whole job; what it took before, where that is known."""
    return job_gpu_memory(plan, plan.jobs[job_key(wildcards)])


def analysis_vram(wildcards):
    return analysis_gpu_memory(plan, wildcards.analysed)


def analysis_gpus(wildcards):
    return 1 if plan.config.device == "cuda" else 0


def analysis_inputs(wildcards):
    return [str(path) for path in pages.analysis_inputs(plan, wildcards.analysed)]


def analysis_code(wildcards):
    return code_hash(source_files("analyses.run", f"analyses.{plan.artifacts[wildcards.analysed].analysis}"))


def analysis_settings(wildcards):
    """Which jobs an analysis is about (how they were trained shows in their files), what it measures and draws."""
    names = {"analysis", "conventions", "metrics", "options", "rows", "task"}
    card = plan.artifacts[wildcards.analysed].model_dump(mode="json", include=names)
    datasets = plan.artifact_datasets(wildcards.analysed)
    categories = {name: plan.catalog.datasets[name].category for name in datasets}
    return canonical_json({**card, "datasets": categories, "seed": plan.config.seed})


def artifact_inputs(wildcards):
    return _of_run(pages.page_inputs(plan, wildcards.artifact))


def artifact_files(wildcards):
    return _page_files(wildcards.artifact)


def artifact_code(wildcards):
    return _page_code(wildcards.artifact)


def paper_inputs(wildcards):
    return _of_run(pages.page_inputs(plan, wildcards.paper))


def paper_files(wildcards):
    return _page_files(wildcards.paper)


def paper_pages(wildcards):
    """Their notebooks, which are logs of the same jobs, are what is joined."""
    return [str(plan.folder / "reports" / f"{name}.pdf") for name in plan.papers[wildcards.paper]]


def paper_code(wildcards):
    return _page_code(wildcards.paper)


def _of_run(paths):
    return [str(path) for path in paths if path.is_relative_to(plan.folder)]


def _of_project(paths):
    return [path for path in paths if not path.is_relative_to(plan.folder)]


def _page_files(name):
    return own_hash([*_of_project(pages.page_inputs(plan, name)), *(plan.catalog.root / "reports" / "style").iterdir()])


def _page_code(name):
    """What its template imports, so that one page's tables rerun that page alone."""
    return code_hash(sorted({*source_files("reporting.rendering.render"), *script_sources(plan.template(name))}))


def page_frame(wildcards):
    return own_hash((plan.catalog.root / "reports" / "html").iterdir())


def artifact_settings(wildcards):
    return canonical_json(pages.page_settings(plan, wildcards.artifact))


def paper_settings(wildcards):
    return canonical_json(pages.page_settings(plan, wildcards.paper))


def verdict_inputs(wildcards):
    return _of_run(pages.verdict_inputs(plan))


def verdict_files(wildcards):
    return own_hash(_of_project(pages.verdict_inputs(plan)))


def verdict_settings(wildcards):
    return canonical_json(pages.verdict_settings(plan))


# How much jobs take, by rule; jobs ask for more, since a node may be slower and another log more demanding.
measured_resources = read_yaml(Path(workflow.basedir) / "workflow" / "resources.yaml", card=True)
SPARE_MEMORY, SPARE_TIME = 1.5, 2.0
# On a cluster two Snakemakes run beside every job, of 134 MiB each.
SNAKEMAKES = 300


def memory(wildcards, input, attempt, rulename):
    """The MiB that a job asks for; each attempt asks for as much more."""
    taken = at(measured_resources[rulename]["memory"], _mebibytes(_read(wildcards, input, rulename)))
    return attempt * math.ceil(SNAKEMAKES + SPARE_MEMORY * taken)


def minutes(wildcards, input, attempt, rulename):
    """The minutes that a job asks for, at least ten; each attempt asks for as much more."""
    passes = _passes(plan.jobs[job_key(wildcards)]) if rulename == "train" else 1
    took = measured_resources[rulename]
    growth = took.get("seconds_per_input", 0) * passes * _mebibytes(_read(wildcards, input, rulename))
    return attempt * math.ceil(10 + SPARE_TIME * (took["seconds"] + growth) / 60)


def _read(wildcards, input, rulename):
    """The files and folders that a job reads; raw files that are given are none of its inputs."""
    if rulename == "interactions" and not input:
        return [path for path in plan.raw_files(wildcards.dataset) if path.is_file()]
    return input


def _passes(spec):
    return spec.training.epochs * spec.repetitions * (1 + spec.search_trials)


def _mebibytes(input):
    """The size of files, and of all files in folders; Snakemake knows what it means that one is not there yet."""
    files = [file for path in input for file in (Path(path).rglob("*") if Path(path).is_dir() else [Path(path)])]
    return sum(file.stat().st_size for file in files) / 2**20
