#!/usr/bin/env bash
# Starts Hive Gateway by the contract of the benchmark's processes. Run `npm ci` in this directory before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../contract.sh
parse_flags "$@"

export NODE_ENV=production
serve node_modules/.bin/hive-gateway supergraph supergraph.graphql --config-path gateway.config.mjs --host "$HOST" --port "$PORT" --jit
