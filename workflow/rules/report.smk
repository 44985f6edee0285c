wildcard_constraints:
    artifact="|".join([*plan.artifacts, *plan.pages]),
    paper="|".join(plan.papers) or "none",


rule artifact:
    input:
        results=artifact_inputs,
        style=report_style,
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
        run=run_folder,
        code=artifact_code,
        settings=artifact_settings,
    shell:
        "watchtime render --run {params.run:q} --artifact {wildcards.artifact:q} 2> {log.text:q}"


rule paper:
    input:
        pages=paper_pages,
        results=paper_inputs,
        style=report_style,
    output:
        pdf="<run>/reports/{paper}.pdf",
    log:
        notebook="<run>/notebooks/{paper}.ipynb",
        text="<logs>/paper/{paper}.log",
    benchmark:
        "<benchmarks>/paper/{paper}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        run=run_folder,
        code=paper_code,
        settings=paper_settings,
    shell:
        "watchtime render --run {params.run:q} --artifact {wildcards.paper:q} 2> {log.text:q}"


# The notebook is a log, which is kept where the page fails; its PDF is made of it in the same step.
rule html:
    input:
        pdf="<run>/reports/summary.pdf",
        frame=page_frame,
    output:
        html="<run>/reports/summary.html",
    log:
        "<logs>/html.log",
    benchmark:
        "<benchmarks>/html.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        run=run_folder,
        code=code_hash(source_files("reporting.rendering.html_page")),
    shell:
        "watchtime html --run {params.run:q} 2> {log:q}"


rule manifest:
    input:
        html="<run>/reports/summary.html",
        reports=[f"<run>/reports/{name}.pdf" for name in plan.page_names],
        metrics="<run>/metrics.parquet",
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
    params:
        run=run_folder,
        code=code_hash(source_files("core.manifest")),
        config=run_config,
    shell:
        "watchtime manifest --run {params.run:q} 2> {log:q}"
