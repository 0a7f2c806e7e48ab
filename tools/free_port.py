"""Print a port at which processes can meet: the wanted one, or another one if it is busy. Used by tools/dist_*.sh.

python tools/free_port.py WANTED NNODES NODE_RANK
"""
import socket
import sys


def is_free(port: int) -> bool:
    """Whether a port of this machine can be opened."""
    with socket.socket() as found:
        # as torchrun's store does; otherwise a port stays busy for a minute after its process has ended
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(('', port))
        except OSError:
            return False
    return True


def choose(port: str, num_nodes: str, node_rank: str) -> int:
    """Return the wanted port, or a free one if it is busy and all processes are on this machine.

    Args:
        port (str): The wanted port.
        num_nodes (str): Number of machines, or a range of it ('1:4') as torchrun takes it.
        node_rank (str): Number of this machine, from 0.
    """
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SystemExit(f'PORT={port!r}: allowed are the numbers from 1 to 65535.')
    wanted = int(port)
    if num_nodes != '1':  # the other machines have been told the wanted port, and only the first one opens it
        if node_rank == '0' and not is_free(wanted):
            raise SystemExit(f'Port {wanted} of this machine is busy, and {num_nodes} machines are to meet there. Set '
                             'another one on all of them, such as PORT=29600.')
        return wanted
    if is_free(wanted):
        return wanted
    with socket.socket() as found:
        found.bind(('', 0))
        free = found.getsockname()[1]
    print(f'Port {wanted} is busy, so the processes meet at port {free}.', file=sys.stderr)
    return free


if __name__ == '__main__':
    print(choose(*sys.argv[1:4]))
