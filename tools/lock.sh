#!/usr/bin/env bash
# Makes requirements.lock (what serving needs) and requirements-dev.lock (what working on it needs too), every wheel by hash.
# Needs uv on the PATH; it is not needed for anything else.
set -euo pipefail
cd "$(dirname "$0")/.."
# The contract's package is made here.
common=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package gamehall-contract --no-header --quiet)
echo "hatchling
editables" | uv pip compile pyproject.toml - "${common[@]}" -o requirements.lock
uv pip compile pyproject.toml --extra dev -c requirements.lock "${common[@]}" -o requirements-dev.lock
