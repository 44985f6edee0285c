wildcard_constraints:
    analysed="|".join(name for name, card in plan.artifacts.items() if card.analysis) or "none",


rule analyse:
    input:
        results=analysis_inputs,
    output:
        tables=directory("<run>/analyses/{analysed}"),
    log:
        "<logs>/analyse/{analysed}.log",
    benchmark:
        "<benchmarks>/analyse/{analysed}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=analysis_gpus,
        vram_mb=analysis_vram,
    params:
        run=run_folder,
        code=analysis_code,
        settings=analysis_settings,
    shell:
        "watchtime analyse --run {params.run:q} --artifact {wildcards.analysed:q} --vram-mb {resources.vram_mb} 2> {log:q}"


rule collect:
    input:
        metrics=[str(plan.job_folder(spec) / "metrics.json") for spec in plan.jobs.values()],
        resources=[str(plan.job_folder(spec) / "resources.json") for spec in plan.jobs.values()],
        history=[str(plan.job_folder(spec) / "history.parquet") for spec in plan.jobs.values()],
    output:
        metrics="<run>/metrics.parquet",
        calibration="<run>/calibration.parquet",
        scores="<run>/scores.json",
        plots="<run>/scores.csv",
        history="<run>/history.parquet",
        resources="<run>/resources.parquet",
        environment="<run>/environment.json",
    log:
        "<logs>/collect.log",
    benchmark:
        "<benchmarks>/collect.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        run=run_folder,
        code=code_hash(source_files("reporting.measured.collect")),
    shell:
        "watchtime collect --run {params.run:q} 2> {log:q}"


rule verdicts:
    input:
        results=verdict_inputs,
    output:
        verdicts="<run>/verdicts.parquet",
    log:
        "<logs>/verdicts.log",
    benchmark:
        "<benchmarks>/verdicts.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=run_folder,
        code=code_hash(source_files("reporting.published.verdicts")),
        settings=verdict_settings,
    shell:
        "watchtime verdicts --run {params.run:q} 2> {log:q}"
