# Needs Python 3.11+, git and make. Everything else is installed into .venv.
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
PORT ?= 5000
# A process for each core; who has done its share takes from another's.
WORKERS ?= -n auto --dist worksteal

export PATH := $(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := true
# Containers often set this. Then each of many processes compiles all sources again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help env repro test test-deep lint docs ui bench peers

help: ## Show what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: ## Make the environment in .venv
	@$(PYTHON) scripts/setup_env.py

repro: env ## Run the pipeline: all competitions that params.yaml lists
	@podium repro

test: ## Run the tests of daily work: a few minutes
	@$(PYTHON) scripts/setup_env.py --dev
	@pytest -rs $(WORKERS) -m "not deep"

test-deep: ## Run all other tests: kills, fuzz, full disks, faults of Kaggle's server, real data
	@$(PYTHON) scripts/setup_env.py --dev
	@pytest -rs $(WORKERS) -m deep

lint: ## Check style and types
	@$(PYTHON) scripts/setup_env.py --dev
	@ruff check .
	@ruff format --check .
	@mypy

docs: ## Build the documentation as a site that needs no network, in site/
	@$(PYTHON) scripts/setup_env.py --dev
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict

ui: env ## Compare runs: MLflow on http://127.0.0.1:5000 (PORT=... for another port)
	@podium ui --port $(PORT)

bench: env ## Measure: stage times, the textbook's run, the networks' speed and accuracy, the digits, scale
	@python benchmarks/stages.py
	@python benchmarks/textbook.py
	@python benchmarks/mlp_speed.py
	@python benchmarks/mlp_tables.py
	@python benchmarks/images.py
	@python benchmarks/digits.py
	@python benchmarks/search.py --minutes 3 --repeats 1
	@python benchmarks/scale.py --rows 10000 30000

peers: env ## Make the environment of the networks that make bench compares with
	@python benchmarks/peers/setup_env.py
