"""The environment of somebody who is logged in to the simulator as if it were app.terraform.io."""

import os

from tests.fakes.terraform_cloud.world import TOKEN


def make_environment(folder, simulator):
    """Write Terraform's settings to ``folder`` and return the environment that names them."""
    url = f"{simulator.url}/api/v2/"
    settings = folder / "laptop.tfrc"
    settings.write_text(
        f'host "app.terraform.io" {{\n  services = {{ "tfe.v2" = "{url}", "tfe.v2.1" = "{url}" }}\n}}\n'
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**kept, "TF_CLI_CONFIG_FILE": str(settings), "TF_TOKEN_app_terraform_io": TOKEN}
