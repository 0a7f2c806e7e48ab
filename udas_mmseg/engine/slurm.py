"""Processes that SLURM's `srun` has started."""
import os
import subprocess

_NEEDED = ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST')
_FIRST_PORT, _PORTS = 15000, 15000  # below the ports that Linux gives to outgoing connections


def describe_process(launcher: str) -> None:
    """Set the variables with which torch connects processes, from those of SLURM. Other launchers set them themselves.

    `RANK`, `WORLD_SIZE` and `LOCAL_RANK` are set. So are, unless they exist, `MASTER_ADDR`, the first node, and
    `MASTER_PORT`, which depends on the number of the job, so that the jobs of a node meet at different ports.

    Args:
        launcher (str): 'none', 'pytorch', 'slurm' or 'mpi'. Only 'slurm' has an effect.

    Raises:
        ValueError: if the process was not started by `srun`, or `scontrol` does not know the nodes.
    """
    if launcher != 'slurm':
        return
    missing = [name for name in _NEEDED if name not in os.environ]
    if missing:
        raise ValueError(f'--launcher slurm: {", ".join(missing)} of SLURM is not set. Start the run with '
                         'tools/slurm_train.sh or srun, or take --launcher pytorch with torchrun.')
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ['LOCAL_RANK'] = os.environ.get('SLURM_LOCALID', '0')
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_node(os.environ.get('SLURM_STEP_NODELIST', os.environ['SLURM_NODELIST']))
    job = int(os.environ.get('SLURM_JOB_ID', 0))
    os.environ.setdefault('MASTER_PORT', str(_FIRST_PORT + job % _PORTS))


def _first_node(nodes: str) -> str:
    """Return the name of the first node in a list such as 'gpu[3-4,7]'."""
    if '[' not in nodes and ',' not in nodes:
        return nodes
    try:
        found = subprocess.run(['scontrol', 'show', 'hostnames', nodes], check=True, capture_output=True, text=True)
        return found.stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError) as error:
        raise ValueError(f'--launcher slurm: `scontrol show hostnames {nodes}` does not give the nodes of the job '
                         f'({error}). Set MASTER_ADDR to the address of the first one.') from error
