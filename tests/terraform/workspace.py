"""A folder with the root and its modules, and the real Terraform in it, with the provider that the tests run with."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.fakes.gke.environment import point_at

ROOT = Path(__file__).parents[2]
_FOREIGN = ("CLOUDSDK_", "GOOGLE_", "TF_", "XDG_CACHE_HOME")


def make_environment(home, config, *, google=None):
    """Return what Terraform sees: its provider, Google as it is played, and nothing of whoever runs the tests."""
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)},
        **(point_at(google) if google else {}),
        "CHECKPOINT_DISABLE": "1",
        "HOME": str(home),
        "TF_CLI_CONFIG_FILE": str(config),
        "TF_IN_AUTOMATION": "1",
    }


class Workspace:
    """Without a simulator, ``google``, nothing is reached and no credentials are there."""

    def __init__(self, folder, config, *, google=None):
        self.folder = folder
        self.environment = make_environment(folder, config, google=google)

    def run(self, *arguments, check=True):
        """Run Terraform to its end."""
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, *arguments):
        """Start Terraform in a session of its own, as a shell does, so that a signal reaches it alone."""
        return subprocess.Popen(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def apply(self, variables, *, check=True):
        self.write_variables(variables)
        return self.run("apply", "-auto-approve", "-input=false", "-no-color", check=check)

    def plan(self, variables):
        """Return the planned changes as {address: actions}, without what does not change."""
        self.write_variables(variables)
        self.run("plan", "-input=false", "-out=plan.bin")
        shown = json.loads(self.run("show", "-json", "plan.bin").stdout)
        changes = {each["address"]: each["change"]["actions"] for each in shown.get("resource_changes", [])}
        return {address: actions for address, actions in changes.items() if actions not in (["no-op"], ["read"])}

    def write_variables(self, variables):
        self.folder.joinpath("run.auto.tfvars.json").write_text(json.dumps(variables))


def copy_root(folder):
    """Copy the root and its modules, without what Terraform left there."""
    for path in ROOT.glob("*.tf"):
        shutil.copy(path, folder)
    left = shutil.ignore_patterns(".terraform*", "*.tfstate*")
    shutil.copytree(ROOT / "modules", folder / "modules", ignore=left)


def interrupt(process):
    """Press Ctrl-C once, and wait for a clean end."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=300)[0]
