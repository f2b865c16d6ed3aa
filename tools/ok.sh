#!/bin/bash
# The gate before each commit: format, lint, types, import directions, links of the documents, unit tests.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. tools/launch.sh
ensure_modules
node_modules/.bin/biome ci --error-on-warnings .
node_modules/.bin/tsc -p .
"$bun" tools/test.ts --static --unit
