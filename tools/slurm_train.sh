#!/usr/bin/env bash
# Usage: tools/slurm_train.sh PARTITION JOB_NAME CONFIG [options of tools/train.py]
# Trains with SLURM's srun, one process for each GPU, on one or several nodes. If one process fails, all are ended.
# GPUS (default 4): number of processes. GPUS_PER_NODE (default GPUS, at most 4), CPUS_PER_TASK (default 5).
# SRUN_ARGS: more options of srun, such as --time=24:00:00; --gres=none on nodes without GPUs.
# MASTER_PORT (default: depends on the job), PYTHON.
set -euo pipefail
PARTITION=${1:?partition}
JOB_NAME=${2:?job name}
CONFIG=${3:?config file}
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python)}
GPUS=${GPUS:-4}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 4 ? GPUS : 4))}
# shellcheck disable=SC2086  # SRUN_ARGS are several words
exec srun --partition="$PARTITION" --job-name="$JOB_NAME" --gres=gpu:"$GPUS_PER_NODE" \
    --ntasks="$GPUS" --ntasks-per-node="$GPUS_PER_NODE" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "$PYTHON" -u "$(dirname "$0")/train.py" "$CONFIG" --launcher slurm "${@:4}"
