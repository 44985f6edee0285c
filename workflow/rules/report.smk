wildcard_constraints:
    artifact="|".join([*plan.artifacts, "summary", "resources"]),


def artifact_inputs(wildcards):
    return [str(path) for path in plan.artifact_inputs(wildcards.artifact)]


def artifact_settings(wildcards):
    return canonical_json(plan.artifact_settings(wildcards.artifact))


rule artifact:
    input:
        config=ancient("<run>/config.yaml"),
        results=artifact_inputs,
        sources=source_files("reporting.render", "reporting.report"),
        style="reports/style/report.typ",
    output:
        pdf="<run>/reports/{artifact}.pdf",
    log:
        notebook="<run>/notebooks/{artifact}.ipynb",
        text="<logs>/artifact/{artifact}.log",
    benchmark:
        "<benchmarks>/artifact/{artifact}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        settings=artifact_settings,
    shell:
        "watchtime render --run {plan.folder} --artifact {wildcards.artifact} 2> {log.text}"


rule manifest:
    input:
        reports=[f"<run>/reports/{name}.pdf" for name in [*plan.artifacts, "summary", "resources"]],
        metrics="<run>/metrics.parquet",
        sources=source_files("core.manifest"),
    output:
        manifest="<run>/manifest.json",
    log:
        "<logs>/manifest.log",
    benchmark:
        "<benchmarks>/manifest.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    shell:
        "watchtime manifest --run {plan.folder} 2> {log}"
