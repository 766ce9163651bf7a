"""The door to nftables: the ``nft`` command, with the script on its standard input."""

from __future__ import annotations

import shutil
import subprocess

from kpo_provision import errors

TIMEOUT_S = 30.0
UNCHANGED = "the rules that were in force before still are"


def apply_ruleset(script: str) -> None:
    """Load a script as one transaction: all of it or nothing."""
    command = shutil.which("nft")
    if command is None:
        raise errors.LocalClusterError("nft is not on the PATH", hint="apt-get install nftables")
    try:
        done = subprocess.run(
            [command, "-f", "-"], input=script, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.LocalClusterError(f"nft could not load the network policies: {error}", hint=UNCHANGED) from error
    if done.returncode:
        raise errors.LocalClusterError(
            f"nft refused the network policies: {errors.clip(done.stderr)}",
            hint=UNCHANGED,
        )
