"""The environment variables that point Terraform's provider and Google's clients at a simulator: all of them, here."""

import shlex

from kpo_provision.clouds.gke import ENDPOINT_VARIABLE
from kpo_provision.clouds.google_login import TOKEN_VARIABLE

_ENDPOINTS = (
    ENDPOINT_VARIABLE,
    "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT",
    "GOOGLE_CONTAINER_CUSTOM_ENDPOINT",
    # Where the provider's google_service_account is; it reads no GOOGLE_IAM_CUSTOM_ENDPOINT any more.
    "GOOGLE_IAM_BETA_CUSTOM_ENDPOINT",
    "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
)
"""The first is for Google's clients, the others for Terraform's provider; no two of these APIs share a path."""


def point_at(simulator, *, credentials=None):
    """Return variables by name; they log in with ``credentials``, a file of ``login.write_credentials``, or a token."""
    if credentials:
        # Without a project, or a machine of Google's to be on, the library asks the network for both.
        login = {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials), "GOOGLE_CLOUD_PROJECT": "acme"}
        login |= {"NO_GCE_CHECK": "true"}
    else:
        login = {TOKEN_VARIABLE: simulator.login.exchange()["access_token"]}
    return {**dict.fromkeys(_ENDPOINTS, f"{simulator.url}/v1/"), **login}


def render_exports(variables):
    """Write variables as lines for a shell to read."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
