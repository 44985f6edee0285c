wildcard_constraints:
    dataset="|".join(plan.catalog.datasets),
    protocol="|".join(plan.catalog.protocols),
    task="watch_time|watch_ratio",


def raw_inputs(wildcards):
    """Raw files that are there already, or the folder that the simulator writes; their age never matters."""
    dataset = wildcards.dataset
    if plan.is_simulated(dataset):
        return ancient(str(plan.raw_folder(dataset)))
    return ancient([str(path) for path in plan.raw_files(dataset)])


def dataset_identity(wildcards):
    return canonical_json(plan.raw_identity(wildcards.dataset))


def row_rules(wildcards):
    return canonical_json(plan.config.datasets[wildcards.dataset].rules.model_dump())


def dataset_sources(wildcards):
    return source_files("datasets.prepare", f"datasets.{wildcards.dataset}")


def simulator_sources(wildcards):
    return source_files(f"datasets.simulator.{wildcards.dataset}")


def split_seed(wildcards):
    return plan.split_seed(wildcards.dataset, wildcards.protocol)


rule resolved_config:
    output:
        config="<run>/config.yaml",
    log:
        "<logs>/resolved_config.log",
    benchmark:
        "<benchmarks>/resolved_config.jsonl"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        values=canonical_json(plan.config.model_dump(mode="json")),
    shell:
        "watchtime resolve --values {params.values:q} --output {output.config} 2> {log}"


rule simulate:
    input:
        config=ancient("<run>/config.yaml"),
        sources=simulator_sources,
    output:
        folder=directory("data/simulated/{dataset}-{identity}"),
    log:
        "<logs>/simulate/{dataset}-{identity}.log",
    benchmark:
        "<benchmarks>/simulate/{dataset}-{identity}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        identity=dataset_identity,
    shell:
        "watchtime simulate --run {plan.folder} --dataset {wildcards.dataset} 2> {log}"


rule interactions:
    input:
        config=ancient("<run>/config.yaml"),
        raw=raw_inputs,
        sources=dataset_sources,
        schema="config/datasets/{dataset}.yaml",
    output:
        interactions="<run>/data/{dataset}/interactions.parquet",
        counts="<run>/data/{dataset}/counts.json",
    log:
        "<logs>/interactions/{dataset}.log",
    benchmark:
        "<benchmarks>/interactions/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        identity=dataset_identity,
        rules=row_rules,
    shell:
        "watchtime interactions --run {plan.folder} --dataset {wildcards.dataset} 2> {log}"


rule split:
    input:
        config=ancient("<run>/config.yaml"),
        interactions="<run>/data/{dataset}/interactions.parquet",
        sources=source_files("datasets.prepare"),
    output:
        part="<run>/data/{dataset}/{protocol}/part.npy",
        counts="<run>/data/{dataset}/{protocol}/counts.json",
    log:
        "<logs>/split/{dataset}/{protocol}.log",
    benchmark:
        "<benchmarks>/split/{dataset}/{protocol}.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=split_seed,
    shell:
        "watchtime split --run {plan.folder} --dataset {wildcards.dataset} --protocol {wildcards.protocol} 2> {log}"


rule encode:
    input:
        config=ancient("<run>/config.yaml"),
        interactions="<run>/data/{dataset}/interactions.parquet",
        part="<run>/data/{dataset}/{protocol}/part.npy",
        sources=source_files("datasets.prepare"),
        schema="config/datasets/{dataset}.yaml",
    output:
        encoded=directory("<run>/data/{dataset}/{protocol}/encoded"),
    log:
        "<logs>/encode/{dataset}/{protocol}.log",
    benchmark:
        "<benchmarks>/encode/{dataset}/{protocol}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "watchtime encode --run {plan.folder} --dataset {wildcards.dataset} --protocol {wildcards.protocol} 2> {log}"
