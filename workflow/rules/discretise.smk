def codec_sources(wildcards):
    name = wildcards.codec.rsplit("-", 1)[0]
    return source_files("labels.storage", f"labels.{name}")


rule codec:
    input:
        config=ancient("<run>/config.yaml"),
        encoded="<run>/data/{dataset}/{protocol}/encoded",
        sources=codec_sources,
    output:
        codec="<run>/codecs/{dataset}/{task}/{protocol}/{codec}.npz",
        facts="<run>/codecs/{dataset}/{task}/{protocol}/{codec}.json",
    log:
        "<logs>/codec/{dataset}/{task}/{protocol}/{codec}.log",
    benchmark:
        "<benchmarks>/codec/{dataset}/{task}/{protocol}/{codec}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        name="{dataset}/{task}/{protocol}/{codec}",
    shell:
        "watchtime codec --run {plan.folder} --codec {params.name} 2> {log}"
