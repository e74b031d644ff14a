# One word per habit. Each target does all of its own set-up: a fresh machine needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Whatever the caller's shell has of Python settings stays outside.
unexport PYTHONPATH
unexport PYTHONHOME
# Each of a thousand processes of the tests would compile the product anew.
unexport PYTHONDONTWRITEBYTECODE

NODE := clients/typescript/node_modules

.PHONY: help setup run test gen lint types contract bench bench-peer prove clients docs migrate migration clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(VENV)/run.stamp: requirements.lock pyproject.toml clients/python/contract/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python/contract -e .
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

setup: $(VENV)/run.stamp ## make .venv with the command gamehall

run: $(VENV)/run.stamp ## serve on an embedded SQLite file
	$(BIN)/gamehall serve

migrate: $(VENV)/run.stamp ## bring the database to this version's schema
	$(BIN)/gamehall migrate

test: $(VENV)/dev.stamp ## the whole suite, on both databases and both gRPC engines
	$(BIN)/python -m pytest -n auto --dist loadgroup

docs: $(VENV)/dev.stamp ## docs/operations.md from a recorded test run
	rm -rf build/record && mkdir -p build/record
	GAMEHALL_RECORD=$(CURDIR)/build/record $(BIN)/python -m pytest -n auto --dist loadgroup
	$(BIN)/python tools/operations.py build/record > docs/operations.md

migration: $(VENV)/dev.stamp ## the next migration: make migration name=notes
	$(BIN)/python tools/migration.py $(name)
	$(BIN)/ruff check --quiet --fix server/gamehall_server/migrations
	$(BIN)/ruff format --quiet server/gamehall_server/migrations

gen: $(VENV)/dev.stamp ## generated/, routes.lock, docs/errors.md, docs/modules.md and docs/rules.md
	PATH="$(CURDIR)/$(BIN):$$PATH" buf format -w
	PATH="$(CURDIR)/$(BIN):$$PATH" buf generate
	$(BIN)/python tools/routes_lock.py > protos/routes.lock
	$(BIN)/python tools/errors_page.py > docs/errors.md
	$(BIN)/python tools/modules_page.py > docs/modules.md
	$(BIN)/python tools/rules_page.py > docs/rules.md

lint: $(VENV)/dev.stamp ## style, layers, contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	PATH="$(CURDIR)/$(BIN):$$PATH" buf lint
	PATH="$(CURDIR)/$(BIN):$$PATH" buf format --exit-code -d

types: $(VENV)/dev.stamp ## mypy, strict
	$(BIN)/mypy

contract: $(VENV)/dev.stamp ## generated/ and routes.lock are fresh; nothing published breaks
	BIN="$(CURDIR)/$(BIN)" tools/contract_check.sh

bench: $(VENV)/dev.stamp ## gamehall and its references side by side, the codec, long lists, workers, idle streams, logins, the check of a token, profiles; writes docs/benchmarks*.md
	$(BIN)/python -m bench.run
	$(BIN)/python -m bench.codec
	$(BIN)/python -m bench.start
	$(BIN)/python -m bench.lists
	$(BIN)/python -m bench.properties
	$(BIN)/python -m bench.growth
	$(BIN)/python -m bench.peers
	$(BIN)/python -m bench.workers
	$(BIN)/python -m bench.idle
	$(BIN)/python -m bench.logins
	$(BIN)/python -m bench.token_check
	$(BIN)/python -m bench.where

bench-peer: $(VENV)/dev.stamp ## the same calls at a running server: make bench-peer URL=http://host:7350 KIND=nakama (or pocketbase, gamehall)
	$(BIN)/python -m bench.peer

prove: $(VENV)/dev.stamp ## every proof of reliability and security in full, or one: make prove name=kill; writes docs/reliability.md
	$(BIN)/python -m prove $(name) --date "$(or $(date),$(shell date +%F))"

$(NODE)/.package-lock.json: clients/typescript/package-lock.json
	npm ci --prefix clients/typescript --no-audit --no-fund --ignore-scripts --loglevel=error

# What is generated for a client is made here and not committed: clients/README.md, docs/decisions/0016.
clients: export PATH := $(CURDIR)/$(BIN):$(PATH)
clients: $(VENV)/dev.stamp $(NODE)/.package-lock.json ## build all clients and run their conformance scripts; Node, Chromium, Go, Maven
	rm -rf build/wheels build/clients clients/typescript/dist
	python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w build/wheels clients/python/contract clients/python
	python -m pip install --quiet --disable-pip-version-check --no-deps --target build/clients/python build/wheels/*.whl
	buf generate --template clients/typescript/buf.gen.yaml
	cd clients/typescript && node_modules/.bin/tsc && node_modules/.bin/tsc -p tsconfig.conformance.json
	buf generate --template clients/go/buf.gen.yaml
	cd clients/go && go vet ./... && go build -o target/conformance ./conformance
	cd clients/java && mvn --quiet --batch-mode initialize && chmod +x target/tools/*
	buf generate --template clients/java/buf.gen.yaml
	cd clients/java && mvn --quiet --batch-mode package
	python clients/run.py

clean: ## remove what setup made
	rm -rf $(VENV)
