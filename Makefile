# Everything a machine needs lives in this checkout (.venv, node_modules) and is reused.
# Needed beforehand: git, make, Python 3.11 or newer.

PYTHON ?= python3
VENV   := $(CURDIR)/.venv
BIN    := $(VENV)/bin
export PATH := $(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench nightly lock clean

help: ## say what each target does
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/.installed node_modules/.installed ## install what is missing (the other targets do this themselves)

$(VENV)/.installed: requirements.txt pyproject.toml
	@./setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

node_modules/.installed: package-lock.json $(VENV)/.installed
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

demo: setup ## play a snapshot's whole life on the local cloud
	padstone local demo

test: setup ## run every test of the gate
	pytest -n 3 --dist loadscope --no-loadscope-reorder

check: setup ## format, lint, types, floors of the house
	ruff format --check .
	ruff check .
	mypy
	lint-imports

bench: setup ## measure Padstone against what a user would pick instead
	python -m bench $(ARGS)

nightly: setup ## the long campaigns: kills, faults, flipped bits
	pytest -n 2 -m "nightly or not nightly"

lock: setup ## resolve requirements.in and package.json into their lock files
	uv pip compile requirements.in --quiet --no-header --generate-hashes --universal --python-version 3.11 --output-file requirements.txt
	npm install --package-lock-only --ignore-scripts

clean: ## remove what the other targets made
	rm -rf .venv node_modules cdk.out build .local-cloud
