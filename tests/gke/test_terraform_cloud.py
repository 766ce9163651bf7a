"""The folder that ``render --for terraform-cloud`` writes, run as a commit has it run, and ``apply`` in turns with it.

Terraform Cloud and Google are played; Terraform, its runs and the API server are real.
"""

import base64
import json

import pytest

from kpo_provision.clouds.google_login import TOKEN_VARIABLE
from tests.fakes.gke.stage import wait_for
from tests.fakes.terraform_cloud import Simulator
from tests.fakes.terraform_cloud.laptop import log_in
from tests.fakes.terraform_cloud.world import ENDED
from tests.terraform.workspace import Workspace

pytestmark = pytest.mark.machine

SECRET = "hunter2-registry"
AUTH = base64.b64encode(f"puller:{SECRET}".encode()).decode()
REGISTRIES = """\
registries:
  acme:
    server: registry.acme.io
    credentials: {usernamePassword: {username: puller, passwordFrom: {env: ACME_PASSWORD}}}
nodePools:
"""
NAMESPACE = "astronomer-frigid-vacuum-0996"


class Repository:
    """A repository with the rendered folder, connected to both workspaces."""

    def __init__(self, site, cloud):
        self.site, self.cloud = site, cloud
        self.folder = site.folder / "terraform"
        self.pools = cloud.world.make_workspace("airflow", environ=_google(site.environ))
        login = {"KUBE_TOKEN": site.environ[TOKEN_VARIABLE]}
        self.tenants = cloud.world.make_workspace("airflow-tenants", environ=login)

    def commit(self):
        """Render and push; gives how both runs ended."""
        self.site.succeed("render", "--for", "terraform-cloud", "--out", str(self.folder))
        return [self.push(self.pools, "infrastructure"), self.push(self.tenants, "tenants")]

    def push(self, workspace, part):
        run = self.run(workspace, part)
        assert run.status != "errored", _told(run)
        return run.status

    def run(self, workspace, part):
        run = self.cloud.world.push(workspace, self.folder / part)
        wait_for(lambda: run.status in ENDED)
        return run


@pytest.fixture
def cloud(mirror):
    with Simulator(providers=mirror) as simulator:
        yield simulator


@pytest.fixture
def repository(site, cloud, mirror):
    site.edit(_connect)
    site.environ |= log_in(site.folder, cloud.url, providers=mirror) | {"ACME_PASSWORD": SECRET}
    yield Repository(site, cloud)
    site.succeed("destroy", "--yes")


def _connect(spec):
    spec = spec.replace("backend: {local: {}} ", "backend: {remote: {organization: acme, workspace: airflow}} ")
    spec = spec.replace("nodePools:\n", REGISTRIES)
    return spec.replace("pool: standard}", "pool: standard, registries: [acme]}").replace("    minNodes: 1 ", "    # ")


def _google(environ):
    return {name: value for name, value in environ.items() if name.startswith("GOOGLE_")}


def _told(run):
    lines = [json.loads(line) for line in (run.plan.log + run.apply.log).decode().splitlines() if line.startswith("{")]
    return [line["diagnostic"] for line in lines if "diagnostic" in line]


def objects(site):
    """Return what an apply does to objects, and to pools."""
    changes = site.succeed("apply", "--no-verify", "--yes", "-o", "json").document["changes"]
    return [(change["action"], change["kind"], change["name"]) for change in changes["objects"]]


def test_commits_and_apply_take_turns_without_a_change_and_the_login_is_nowhere(repository, api):
    repository.tenants.variables |= {
        "registry_logins": json.dumps({"acme": {"username": "puller", "password": SECRET}}),
        "registry_revisions": "{ acme = 1 }",
    }
    site, world = repository.site, repository.cloud.world
    assert repository.commit() == ["applied", "applied"]
    secret = api.read("Secret", "registry-acme", NAMESPACE)
    written = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert written == {"auths": {"registry.acme.io": {"auth": AUTH}}}

    assert objects(site) == []
    assert repository.commit() == ["planned_and_finished", "planned_and_finished"]

    site.spec.write_text(
        site.spec.read_text().replace("{extraCapacity: 0}", "{extraCapacity: 0, podSecurity: restricted}")
    )
    assert objects(site) == [("update", "Namespace", "astronomer-solar-orbit-4143")]
    assert repository.commit() == ["planned_and_finished", "applied"]
    assert objects(site) == []

    folder = repository.folder / "tenants"
    (folder / "secret.env").write_text("hunter2-left-over")
    terraform = Workspace(folder, site.environ["TF_CLI_CONFIG_FILE"])
    terraform.environment |= site.environ
    terraform.run("init", "-input=false")
    assert "No changes." in terraform.run("plan", "-input=false", "-no-color").stdout
    assert world.find("hunter2-left-over") == []

    assert world.find("registry-acme") != []
    assert [world.find(text) for text in (SECRET, AUTH)] == [[], []]


def test_tenants_that_apply_has_made_are_adopted(repository, api):
    site = repository.site
    site.succeed("apply", "--no-verify", "--yes")
    made = api.read("Namespace", NAMESPACE)["metadata"]["uid"]
    releases = ["frigid-vacuum-0996", "stellar-comet-7312", "solar-orbit-4143"]
    repository.tenants.variables |= {"adopt": json.dumps(releases)}
    repository.commit()
    assert api.read("Namespace", NAMESPACE)["metadata"]["uid"] == made
    assert objects(site) == []
    repository.tenants.variables["adopt"] = '["nobody"]'
    refused = repository.run(repository.tenants, "tenants")
    assert refused.status == "errored"
    assert "adopt (nobody) must name tenants of the spec." in _told(refused)[0]["detail"]
    repository.tenants.variables.clear()
    assert repository.commit() == ["planned_and_finished", "planned_and_finished"]
