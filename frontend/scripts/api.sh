#!/bin/sh
# Writes src/api/schema.ts anew from the server's own description of itself.
set -eu
cd "$(dirname "$0")/.."
document=$(mktemp --suffix=.json)
trap 'rm -f "$document"' EXIT
(cd .. && PYTHONPATH=. .venv/bin/python frontend/scripts/openapi.py) > "$document"
npx openapi-typescript "$document" --output src/api/schema.ts
