wildcard_constraints:
    regime="shared|as_published",
    method="|".join(plan.catalog.methods),
    variant="[a-z0-9_]+",
    codec="[a-z0-9_]+-[0-9a-f]{12}",


rule train:
    input:
        encoded="<run>/data/{dataset}/{protocol}/encoded",
        codec=job_codec,
        truth=job_truth,
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
    threads: job_processes
    resources:
        mem_mb=memory,
        runtime=minutes,
        nodes=1,
        gpu=job_gpus,
        vram_mb=job_vram,
    params:
        run=run_folder,
        code=job_code,
        job=job_key,
        settings=job_settings,
    shell:
        "watchtime train --run {params.run:q} --job {params.job:q} --vram-mb {resources.vram_mb} 2> {log:q}"
