rule codec:
    input:
        encoded="<run>/data/{dataset}/{protocol}/encoded",
    output:
        codec="<run>/codecs/{dataset}/{task}/{protocol}/{codec}.npz",
        facts="<run>/codecs/{dataset}/{task}/{protocol}/{codec}.json",
    log:
        "<logs>/codec/{dataset}/{task}/{protocol}/{codec}.log",
    benchmark:
        "<benchmarks>/codec/{dataset}/{task}/{protocol}/{codec}.jsonl"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        run=run_folder,
        code=codec_code,
        name="{dataset}/{task}/{protocol}/{codec}",
    shell:
        "watchtime codec --run {params.run:q} --codec {params.name:q} 2> {log:q}"
