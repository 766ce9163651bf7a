"""The environment variables that point Terraform's provider and Google's clients at a simulator: all of them, here."""

import shlex

from kpo_provision.clouds.gke import ENDPOINT_VARIABLE

_ENDPOINTS = (
    "GOOGLE_ARTIFACT_REGISTRY_CUSTOM_ENDPOINT",
    "GOOGLE_CONTAINER_CUSTOM_ENDPOINT",
    # Where the provider's google_service_account is; it reads no GOOGLE_IAM_CUSTOM_ENDPOINT any more.
    "GOOGLE_IAM_BETA_CUSTOM_ENDPOINT",
    "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
)
"""Read by the provider; it is one address for all, as no two of these APIs have a path in common."""


def point_at(url, *, credentials=None):
    """Return variables by name; ``credentials`` is the file that ``login.write_credentials`` wrote."""
    variables = {
        **dict.fromkeys(_ENDPOINTS, f"{url}/v1/"),
        ENDPOINT_VARIABLE: f"{url}/v1/",
        "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.a-token",
    }
    if credentials:
        # Without a project or a machine of Google's to be on, the library asks the network for both.
        login = {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials), "GOOGLE_CLOUD_PROJECT": "acme"}
        variables |= login | {"NO_GCE_CHECK": "true"}
    return variables


def render_exports(variables):
    """Write variables as lines for a shell to read."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
