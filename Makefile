# make run     set up, then run the example app on localhost, deployed to an embedded AWS (PORT=3000, STAGE=dev, VIA=direct or cdk)
# make test    set up, then everything that CI runs (JOBS=2 processes)
# make bench   set up, then measure against peers in the same run
PYTHON ?= python3
PORT ?= 3000
STAGE ?= dev
VIA ?= direct
JOBS ?= 2

export PATH := $(CURDIR)/.venv/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help run test setup format lint types handlers pytest snapshots rules oracle mutants chaos bench lock clean

help:
	@sed -n 's/^# //p' Makefile

run: setup
	@exec constructs-lib local --stage "$(STAGE)" --port "$(PORT)" --via "$(VIA)" --watch

test: lint types handlers pytest

setup:
	@"$(PYTHON)" tools/setup.py

format: setup
	ruff check --fix --quiet && ruff format --quiet

lint: setup
	ruff format --check --quiet
	ruff check --quiet
	npm run --silent lint

types: setup
	mypy
	npm run --silent types

handlers: setup
	npm run --silent test

pytest: setup
	python -m tests.bundling.prefetch
	pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

snapshots: setup
	pytest tests/examples --snapshot-update

rules: setup
	python -m constructs_lib.guards.documentation docs/guards.md

oracle: setup
	python -m benchmarks.recursion

chaos: setup
	python -m benchmarks.local_chaos

mutants: setup
	python -m benchmarks.recursion_mutants

bench: setup
	python benchmarks/bundling.py
	python -m benchmarks.exactly_once
	python -m benchmarks.saga
	python -m benchmarks.guards
	python -m benchmarks.local

lock: setup
	uv pip compile --quiet pyproject.toml --extra local --extra nag --extra check --extra database --group dev --universal --no-header --no-annotate --python-version 3.11 --upgrade -o requirements.txt
	npm update

clean:
	rm -rf .venv .cache .local cdk.out node_modules dist
