wildcard_constraints:
    dataset="|".join(plan.catalog.datasets),
    protocol="|".join(plan.catalog.protocols),
    task="[a-z_]+",


# Its version and settings identify what the simulator writes. Where it ran again for another reason, Snakemake would
# skip the checks of all that follows, since raw files are `ancient` there.
rule simulate:
    output:
        folder=directory("data/simulated/{dataset}-{identity}"),
    log:
        "<logs>/simulate/{dataset}-{identity}.log",
    benchmark:
        "<benchmarks>/simulate/{dataset}-{identity}.jsonl"
    threads: 1
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        run=run_folder,
        identity=dataset_identity,
    shell:
        "watchtime simulate --run {params.run:q} --dataset {wildcards.dataset:q} 2> {log:q}"


# On a cluster too, files are fetched where the workflow was started. What is on its way lies beside the folder.
localrules:
    download,


rule download:
    output:
        folder=directory("data/official/{dataset}"),
    log:
        "<logs>/download/{dataset}.log",
    benchmark:
        "<benchmarks>/download/{dataset}.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=600,
    params:
        run=run_folder,
        identity=dataset_identity,
    shell:
        "watchtime download {wildcards.dataset:q} --folder {output.folder:q} --run {params.run:q} 2> {log:q}"


rule interactions:
    input:
        raw=raw_inputs,
    output:
        interactions="<run>/data/{dataset}/interactions.parquet",
        user_table="<run>/data/{dataset}/users.parquet",
        item_table="<run>/data/{dataset}/items.parquet",
        counts="<run>/data/{dataset}/counts.json",
    log:
        "<logs>/interactions/{dataset}.log",
    benchmark:
        "<benchmarks>/interactions/{dataset}.jsonl"
    threads: data_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        run=run_folder,
        code=dataset_code,
        card=dataset_card,
        identity=dataset_identity,
        options=read_options,
        rules=row_rules,
    shell:
        "POLARS_MAX_THREADS={threads} watchtime interactions --run {params.run:q} --dataset {wildcards.dataset:q} 2> {log:q}"


rule split:
    input:
        interactions="<run>/data/{dataset}/interactions.parquet",
    output:
        part="<run>/data/{dataset}/{protocol}/part.npy",
        counts="<run>/data/{dataset}/{protocol}/counts.json",
    log:
        "<logs>/split/{dataset}/{protocol}.log",
    benchmark:
        "<benchmarks>/split/{dataset}/{protocol}.jsonl"
    threads: data_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        run=run_folder,
        code=code_hash(source_files("steps")),
        seed=split_seed,
        protocol=protocol_settings,
        logs=split_logs,
    shell:
        "POLARS_MAX_THREADS={threads} watchtime split --run {params.run:q} --dataset {wildcards.dataset:q} --protocol {wildcards.protocol:q} 2> {log:q}"


rule encode:
    input:
        interactions="<run>/data/{dataset}/interactions.parquet",
        user_table="<run>/data/{dataset}/users.parquet",
        item_table="<run>/data/{dataset}/items.parquet",
        part="<run>/data/{dataset}/{protocol}/part.npy",
    output:
        encoded=directory("<run>/data/{dataset}/{protocol}/encoded"),
    log:
        "<logs>/encode/{dataset}/{protocol}.log",
    benchmark:
        "<benchmarks>/encode/{dataset}/{protocol}.jsonl"
    threads: data_threads
    resources:
        mem_mb=memory,
        runtime=minutes,
    params:
        run=run_folder,
        code=code_hash(source_files("steps")),
        card=dataset_card,
    shell:
        "POLARS_MAX_THREADS={threads} watchtime encode --run {params.run:q} --dataset {wildcards.dataset:q} --protocol {wildcards.protocol:q} 2> {log:q}"
