wildcard_constraints:
    regime="shared|as_published",
    method="|".join(plan.catalog.methods),
    variant="[a-z0-9_]+",
    codec="[a-z0-9_]+-[0-9a-f]{12}",


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
    return ancient(str(plan.raw_folder(spec.dataset))) if spec.family == "oracle" else []


def job_sources(wildcards):
    return source_files("training.job", f"methods.{wildcards.method}")


rule train:
    input:
        config=ancient("<run>/config.yaml"),
        encoded="<run>/data/{dataset}/{protocol}/encoded",
        codec=job_codec,
        truth=job_truth,
        sources=job_sources,
    output:
        model="<run>/jobs/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}/model.safetensors",
        predictions="<run>/jobs/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}/predictions.parquet",
        history="<run>/jobs/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}/history.parquet",
        metrics="<run>/jobs/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}/metrics.json",
        resources="<run>/jobs/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}/resources.json",
    log:
        "<logs>/train/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}.log",
    benchmark:
        "<benchmarks>/train/{dataset}/{task}/{protocol}/{regime}/{method}/{variant}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        job=job_key,
        settings=job_settings,
    shell:
        "watchtime train --run {plan.folder} --job {params.job} 2> {log}"
