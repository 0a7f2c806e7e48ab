#!/usr/bin/env bash
# Usage: tools/dist_predict.sh CONFIG CHECKPOINT GPUS IMAGES... --out DIR [options of tools/predict.py]
# Without a GPU the processes run on the CPU (gloo). NNODES, NODE_RANK, MASTER_ADDR, PYTHON: see torchrun.
# PORT (default 29500): if it is busy and there is one machine, another port is taken.
set -euo pipefail
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}
CONFIG=${1:?config file}
CHECKPOINT=${2:?checkpoint file}
GPUS=${3:?number of processes on this machine}
TOOLS=$(dirname "$0")
PORT=$("$PYTHON" "$TOOLS/free_port.py" "${PORT:-29500}" "${NNODES:-1}" "${NODE_RANK:-0}")
"$PYTHON" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$GPUS" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="$PORT" \
    "$TOOLS/predict.py" "$CONFIG" "$CHECKPOINT" "${@:4}" --launcher pytorch
