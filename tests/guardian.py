"""Ends what a test run started and removes what it wrote, however the run ended: it outlives even a kill -9.

Started by ``conftest`` with the run's folder as its argument; the end of its standard input is the end of the run.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from kpo_provision import local, progress
from tests.hosts.host import end_hosts


def clean_up(folder: Path) -> None:
    """End every host and local cluster whose files are in ``folder``, then remove the folder."""
    end_hosts(folder)
    for settings in list(folder.rglob("supervisor.json")):
        options = local.LocalOptions.from_environment({**os.environ, "KPO_PROVISION_HOME": str(settings.parent)})
        local.down(options, progress.Silent(), purge=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    clean_up(Path(sys.argv[1]))
