#!/usr/bin/env bash
# Usage: tools/dist_predict.sh CONFIG CHECKPOINT GPUS IMAGES... --out DIR [options of tools/predict.py]
# Without a GPU the processes run on the CPU (gloo). NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON: see torchrun.
set -euo pipefail
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}
CONFIG=${1:?config file}
CHECKPOINT=${2:?checkpoint file}
GPUS=${3:?number of processes on this machine}
"$PYTHON" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$GPUS" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/predict.py" "$CONFIG" "$CHECKPOINT" "${@:4}" --launcher pytorch
