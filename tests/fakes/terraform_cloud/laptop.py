"""The environment of somebody who is logged in to the simulator as if it were app.terraform.io."""

import os

from tests.fakes.terraform_cloud.world import TOKEN


def make_environment(folder, simulator, *, providers=None):
    """Write Terraform's settings to ``folder`` and return the environment that names them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**kept, **log_in(folder, simulator.url, providers=providers)}


def log_in(folder, url, *, providers=None):
    """Return the variables of somebody who is logged in; ``providers`` are settings that say where providers are."""
    api = f"{url}/api/v2/"
    settings = folder / "laptop.tfrc"
    settings.write_text(
        f'host "app.terraform.io" {{\n  services = {{ "tfe.v2" = "{api}", "tfe.v2.1" = "{api}" }}\n}}\n'
        + (providers.read_text() if providers else "")
    )
    return {"TF_CLI_CONFIG_FILE": str(settings), "TF_TOKEN_app_terraform_io": TOKEN}
