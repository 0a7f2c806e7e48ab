#!/usr/bin/env bash
# Usage: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# Environment variables such as PORT and NNODES: see tools/torchrun.sh.
set -euo pipefail
CONFIG=${1:?config file}
GPUS=${2:?number of processes on this machine}
exec "$(dirname "$0")/torchrun.sh" train.py "$GPUS" "$CONFIG" "${@:3}"
