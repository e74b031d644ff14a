#!/usr/bin/env bash
# The contract is what it says: generated/ and routes.lock are fresh, and nothing that was published breaks.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$BIN:$PATH"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Generate beside the tree, never into it: a check changes nothing.
cp -r protos tools buf.yaml buf.gen.yaml "$scratch"
(cd "$scratch" && buf generate)
diff -r -x __pycache__ generated "$scratch/generated" || { echo "generated/ is stale: run make gen" >&2; exit 1; }
python tools/routes_lock.py | diff protos/routes.lock - || { echo "protos/routes.lock is stale: run make gen and review it" >&2; exit 1; }

# Against the contract of the last release, kept as an image.
buf build -o "$scratch/now.binpb"
if [ -f protos/released.binpb ]; then
  buf breaking "$scratch/now.binpb" --against protos/released.binpb
fi
echo "contract: fresh, nothing breaks"
