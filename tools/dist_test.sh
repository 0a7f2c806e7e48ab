#!/usr/bin/env bash
# Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
# Environment variables such as PORT and NNODES: see tools/torchrun.sh.
set -euo pipefail
CONFIG=${1:?config file}
CHECKPOINT=${2:?checkpoint file}
GPUS=${3:?number of processes on this machine}
exec "$(dirname "$0")/torchrun.sh" test.py "$GPUS" "$CONFIG" "$CHECKPOINT" "${@:4}"
