"""Every command of a runbook, typed in order on the real cluster by those whom it names; what it prints is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kpo_provision import local, planning, progress
from kpo_provision.local.pki import Identity, ensure_certificate
from kpo_provision.runbook import write_runbook
from kpo_provision.runbook.content import Content
from kpo_provision.runbook.steps import OMITTED, Step

pytestmark = pytest.mark.cluster

NAME = f"runbook-{os.getpid()}"
LABEL = ("node.acme.io/role", "kpo")
ADMINISTRATOR = "cluster administrator"
SPEC = {
    "apiVersion": "kpo-provision.io/v1",
    "kind": "Installation",
    "metadata": {"name": NAME},
    "namespacePrefix": NAME,
    "target": {"kubeconfig": {"version": "1.37"}},
    "registries": {
        "acme": {
            "server": "registry.local:5000",
            "credentials": {"dockerConfig": "config.json"},
            "probeImage": "kpo/probe:1",
        }
    },
    "nodePools": {"standard": {"largestPod": {"cpu": "1500m", "memory": "4Gi"}, "nodeSelector": dict([LABEL])}},
    "tenants": {
        "frigid-vacuum-0996": {"extraCapacity": 10, "registries": ["acme"]},
        "radiant-quasar-2750": {"extraCapacity": 5, "registries": ["acme"]},
        "solar-orbit-4143": {"extraCapacity": 0},
    },
}
TAKEN_AWAY = [
    ("kpo-provision-installer", "secrets", "create"),
    ("kpo-provision-installer", "nodes", "patch"),
    ("kpo-provision-installer", "namespaces", "delete"),
    ("kpo-provision-shared", "pods/exec", "create"),
    ("kpo-provision-shared", "validatingadmissionpolicies", "create"),
    ("kpo-provision-verifier", "serviceaccounts/token", "create"),
    ("kpo-provision-verifier", "services", "get"),
]


class Desk:
    """The folder that holds the spec, and whoever sits before it."""

    def __init__(self, folder: Path, home: Path, programs: Path) -> None:
        self.folder = folder
        self.spec = folder / "acme.yaml"
        self._admin = home / "kubeconfig"
        self._installer = folder / "installer.kubeconfig"
        self._programs = programs

    def write(self, spec: object) -> None:
        self.spec.write_text(yaml.safe_dump(spec, sort_keys=False))

    def content(self) -> Content:
        subject = planning.describe_runbook(self.spec)
        write_runbook(subject, self.folder)
        return Content(subject=subject)

    def type(self, command: str, *, owner: str = "executor") -> subprocess.CompletedProcess[str]:
        config = self._admin if owner == ADMINISTRATOR else self._installer
        environment = os.environ | {
            "KUBECONFIG": str(config),
            "PATH": f"{self.folder}/bin:{self._programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        return subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def clear(self) -> None:
        """Leave nothing of an earlier test: tenants, marks of nodes, rights."""
        self.write(SPEC)
        for step in self.content().backout:
            self.type(step.command, owner=ADMINISTRATOR)

    def take(self, step: Step) -> None:
        """Do one step, and see that it prints what the runbook says."""
        done = self.type(step.command, owner=step.owner)
        printed = done.stdout or done.stderr
        assert done.returncode == step.exit_code, f"{step.command}\n{done.stdout}\n{done.stderr}"
        assert matches(step.expected, printed), f"{step.command}\nexpected:\n{step.expected}\nprinted:\n{printed}"


def matches(expected: tuple[str, ...], printed: str) -> bool:
    pattern = ""
    for line in expected:
        if line == OMITTED:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += re.sub(r"<[a-z]+>", ".*", re.escape(line)) + r" *\n"
    return re.fullmatch(pattern, printed if printed.endswith("\n") else printed + "\n") is not None


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    home = Path(os.environ["KPO_TEST_KUBECONFIG"]).parent
    options = local.LocalOptions.from_environment(os.environ | {"KPO_PROVISION_HOME": str(home)})
    node = local.PoolNode(pool="acme", labels=dict([LABEL]), taints=())
    local.ensure_pools(options, [node], progress.Silent())
    folder = tmp_path_factory.mktemp("desk")
    (folder / "bin").mkdir()
    program = folder / "bin" / "kpo-provision"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m kpo_provision "$@"\n')
    program.chmod(0o755)
    (folder / "config.json").write_bytes((home / "registry" / "config.json").read_bytes())
    identity = Identity(file="installer", user="ada", groups=("kpo-provision-installers",))
    ensure_certificate(identity, directory=folder, authority=options.layout.pki)
    config = yaml.safe_load((home / "kubeconfig").read_text())
    config["users"][0]["user"] = {
        "client-certificate": str(folder / "installer.crt"),
        "client-key": str(folder / "installer.key"),
    }
    (folder / "installer.kubeconfig").write_text(yaml.safe_dump(config))
    programs = options.cache / "bin" / f"kubernetes-{local.KUBERNETES_VERSION}"
    made = Desk(folder, home, programs)
    yield made
    made.clear()


def test_every_command_prints_what_the_runbook_says(desk):
    desk.clear()
    content = desk.content()

    for step in content.steps:
        desk.take(step)


def test_every_entry_for_the_time_after_works_as_the_runbook_says(desk):
    desk.clear()
    content = desk.content()
    for phase in content.procedure:
        for step in phase.steps:
            desk.take(step)
    spec = SPEC

    for step in content.day_two:
        if step.edit is not None:
            spec = edited(spec, step.edit.path, step.edit.value)
            desk.write(spec)
        if step.by_hand:
            config = desk.folder / "config.json"
            config.write_text('{"auths": {"registry.local:5000": {"auth": "YWRhOmxvdmVsYWNl"}}}')
        desk.take(step)
    for step in content.backout:
        desk.take(step)


def edited(spec, path, value):
    key, *rest = path
    changed = dict(spec)
    if rest:
        changed[key] = edited(spec[key], rest, value)
    elif value is None:
        del changed[key]
    else:
        changed[key] = {**spec.get(key, {}), **value}
    return changed


@pytest.mark.parametrize(("role", "resource", "verb"), TAKEN_AWAY, ids=lambda value: value)
def test_whoever_lacks_one_right_of_the_runbook_is_refused(desk, role, resource, verb):
    desk.clear()
    documents = list(yaml.safe_load_all((desk.folder / "installer.yaml").read_text()))
    for document in documents:
        if document["metadata"]["name"] == role and document["kind"] == "ClusterRole":
            document["rules"] = list(without(document["rules"], resource, verb))
    (desk.folder / "less.yaml").write_text(yaml.safe_dump_all(documents))
    home = Path(os.environ["KPO_TEST_KUBECONFIG"]).parent
    (desk.folder / "config.json").write_bytes((home / "registry" / "config.json").read_bytes())
    assert desk.type("kubectl apply -f less.yaml", owner=ADMINISTRATOR).returncode == 0

    runs = [
        desk.type("kpo-provision apply acme.yaml --timeout 30"),
        desk.type("kpo-provision destroy acme.yaml --yes"),
    ]

    refused = [run for run in runs if run.returncode != 0]
    assert refused, "nothing missed the right"
    said = "".join(run.stdout + run.stderr for run in refused)
    assert "403" in said or "orbidden" in said or "cannot" in said


def without(rules, resource, verb):
    found = False
    for rule in rules:
        if resource in rule["resources"] and verb in rule["verbs"]:
            found = True
            others = [each for each in rule["resources"] if each != resource]
            fewer = [each for each in rule["verbs"] if each != verb]
            if others:
                yield rule | {"resources": others}
            if fewer:
                yield rule | {"resources": [resource], "verbs": fewer}
        else:
            yield rule
    assert found
