#!/usr/bin/env bash
# Starts Tailcall by the contract of the benchmark's processes. Run `npm ci` in this directory before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../contract.sh
parse_flags "$@"

# Tailcall looks for the imports of a .proto beside the file that it is told to read, so all roots are put into one.
ln -sfn ../../../../api/{user,order,product,notice} ../../../api/bench ../../../../third_party/google schema/

# What it would send home, and a line of log for each call.
export TAILCALL_TRACKER=false TAILCALL_LOG_LEVEL=error
serve node_modules/.bin/tailcall start tailcall.graphql
