#!/usr/bin/env bash
# Usage: tools/torchrun.sh TOOL GPUS [arguments of the tool]
# Runs a tool of this folder in several processes; tools/dist_*.sh call it. Without a GPU they run on the CPU (gloo).
# NNODES, NODE_RANK, MASTER_ADDR, PYTHON: see torchrun. A signal to this script, such as SIGTERM, goes to torchrun.
# PORT (default 29500): if it is busy and there is one machine, another port is taken.
set -euo pipefail
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}
TOOLS=$(dirname "$0")
PORT=$("$PYTHON" "$TOOLS/free_port.py" "${PORT:-29500}" "${NNODES:-1}" "${NODE_RANK:-0}")
exec "$PYTHON" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$2" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="$PORT" \
    "$TOOLS/$1" "${@:3}" --launcher pytorch
