"""When a workspace counts as ready, so that Terraform need not be prepared again."""

import pytest

from kpo_provision import terraform
from kpo_provision.terraform import readiness
from kpo_provision.terraform.workspace import BACKEND_FILE, LOCK_FILE

LOCAL = {"backend": {"local": {"path": "terraform.tfstate"}}}


class Site:
    def __init__(self, folder):
        self.source, self.folder = folder / "source", folder / "workspace"
        self.program, self.config = folder / "terraform", folder / ".terraformrc"
        self.environ = {"TF_CLI_CONFIG_FILE": str(self.config)}
        self.source.joinpath("modules", "pool").mkdir(parents=True)
        for path in ("main.tf", "modules/pool/main.tf"):
            self.source.joinpath(path).write_text("# one\n")
        self.program.write_text("one")
        self.config.write_text("# one\n")

    def write(self, *, backend=LOCAL, **variables):
        terraform.write_workspace(self.folder, self.source, variables=variables, backend=backend)
        self.folder.joinpath(".terraform").mkdir(exist_ok=True)

    def remember(self):
        binary = terraform.Binary(path=self.program, product="Terraform", version="1.11.4")
        readiness.remember(self.folder, binary, environ=self.environ)

    def recall(self):
        return readiness.recall(self.folder, self.program, environ=self.environ)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    site.write()
    site.remember()
    return site


def test_a_workspace_that_was_prepared_is_ready_with_the_binary_that_prepared_it(site):
    assert site.recall().version == "1.11.4"


def test_other_values_of_variables_and_imports_need_nothing_prepared(site):
    site.write(node_pools={"standard": {}})
    terraform.Workspace(folder=site.folder).declare_imports({"a.b": "c"})
    assert site.recall() is not None


def test_a_token_makes_no_difference_and_is_not_kept(site):
    site.environ["TF_TOKEN_app_terraform_io"] = "a-token"
    assert site.recall() is not None
    site.remember()
    assert all("a-token" not in path.read_text() for path in site.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda site: site.source.joinpath("main.tf").write_text("# two\n"), id="root"),
        pytest.param(lambda site: site.source.joinpath("modules/pool/main.tf").write_text("# two\n"), id="module"),
        pytest.param(lambda site: site.program.write_text("another"), id="binary"),
        pytest.param(lambda site: site.config.write_text("# two\n"), id="settings-in-a-file-without-a-suffix"),
        pytest.param(lambda site: site.folder.joinpath(LOCK_FILE).write_text("# two\n"), id="lock-file"),
        pytest.param(lambda site: site.environ.update(TF_PLUGIN_CACHE_DIR="/plugins"), id="environment"),
        pytest.param(lambda site: site.folder.joinpath(".terraform").rmdir(), id="what-init-filled"),
        pytest.param(lambda site: readiness.forget(site.folder), id="forgotten"),
        pytest.param(lambda site: site.folder.joinpath("ready.json").write_text("{"), id="unreadable"),
    ],
)
def test_whatever_init_depends_on_makes_it_prepared_again(site, change):
    change(site)
    if site.folder.joinpath(".terraform").exists():
        site.write()
    assert site.recall() is None


def test_another_backend_makes_it_prepared_again(site):
    site.write(backend={"backend": {"gcs": {"bucket": "acme"}}})
    assert site.folder.joinpath(BACKEND_FILE).exists()
    assert site.recall() is None
