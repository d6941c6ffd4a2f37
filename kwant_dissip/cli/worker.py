"""What each process of ``kwant-dissip sweep --workers`` does first."""

import multiprocessing
import os
import signal
import threading
import warnings
from multiprocessing.connection import wait


def ignore_mumps() -> None:
    """No word on kwant's own solvers, which nothing here uses."""
    warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)


def begin() -> None:
    """End this process when the one that made it is gone, also by SIGKILL."""
    ignore_mumps()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the parent ends the others
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel):
    wait([sentinel])
    os._exit(1)
