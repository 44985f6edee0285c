# make reproduce      the whole run, by default on simulated logs; CONFIG=… another run, SOURCE=… a folder of raw files
# make test           the quick tests          make test-slow   the long ones
# make lint           style, types, workflow   make benchmark   speed and memory, printed
PYTHON ?= python3
CORES ?= all
CONFIG ?=
SOURCE ?=
VENV := .venv
# One process per core; tests of a group stay together, and those that take a minute are told.
PARALLEL := --numprocesses auto --dist loadgroup --durations 20 --durations-min 60
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: env reproduce test test-slow lint benchmark clean

env: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "watchtime needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

reproduce: env
	watchtime check $(CONFIG) $(if $(SOURCE),--source $(SOURCE))
	snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG)) $(if $(SOURCE),--config source=$(SOURCE)) -- all

test: env
	python -m pytest $(PARALLEL)

test-slow: env
	python -m pytest -m slow $(PARALLEL)

lint: env
	ruff check .
	ruff format --check .
	mypy src tests benchmarks
	snakefmt --check Snakefile workflow
	snakemake --lint

benchmark: env
	python benchmarks/xauc.py
	python benchmarks/train_throughput.py
	python benchmarks/preprocess.py
	python benchmarks/methods.py
	python benchmarks/residual_codebook.py
	python benchmarks/rank_contrast.py
	python benchmarks/transport.py
	python benchmarks/labelcraft.py
	python benchmarks/soft_topk.py
	python benchmarks/user_bootstrap.py

clean:
	rm -rf results .snakemake .pytest_cache .mypy_cache .ruff_cache .hypothesis
