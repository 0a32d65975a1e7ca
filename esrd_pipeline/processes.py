"""Which process makes a run of the command, and whether it is still there."""

import os
import socket
from pathlib import Path

PROCESS_TAG = "esrd/process"
"""Tag of a command's run: machine, number and start of its process."""


def is_gone(process: str) -> bool:
    """Return whether a process of this machine, as `describe_process` names it, has ended.

    Of another machine's nothing is known here: it counts as there.
    """
    machine, number = process.split()[:2]
    return machine == socket.gethostname() and describe_process(int(number)) != process


def describe_process(number: int) -> str:
    """Return machine, number and start of a process: the number is given to others later."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except OSError:
        return f"{socket.gethostname()} {number} gone" if not _is_alive(number) else _plain(number)
    # The name of the program, in parentheses, may have spaces.
    return f"{_plain(number)} {stat.rpartition(')')[2].split()[19]}"


def _plain(number: int) -> str:
    return f"{socket.gethostname()} {number}"


def _is_alive(number: int) -> bool:
    """Return whether there is such a process, on a system without /proc."""
    try:
        os.kill(number, 0)
    except OSError:
        return False
    return True
