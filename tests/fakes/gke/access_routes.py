"""Which request means what, of who may do what: the paths of IAM's, Resource Manager's and Artifact Registry's APIs."""

import re

from tests.fakes.gke.answers import no_such_url, unknown_request

_ACCOUNTS = re.compile(r"/v1/projects/(?P<project>[^/:]+)/serviceAccounts(?:/(?P<email>[^/:]+))?")
_GOVERNED = re.compile(
    r"/v1/(?P<resource>projects/(?P<project>[^/:]+)(?P<repository>/locations/[^/:]+/repositories/[^/:]+)?)(?P<verb>:\w+)?"
)


def answer(world, method, path, body):
    """Carry out one request; returns what to answer."""
    accounts, governed = _ACCOUNTS.fullmatch(path), _GOVERNED.fullmatch(path)
    if not accounts and not governed:
        raise no_such_url(path)
    with world.lock:
        world.require_project((accounts or governed)["project"])
        done = _accounts(world, method, accounts, body) if accounts else _policies(world, method, governed, body)
        if done is None:
            raise unknown_request(method, path)
        world.save()
        return done


def _accounts(world, method, path, body):
    accounts, project, email = world.accounts, path["project"], path["email"]
    name = f"projects/{project}/serviceAccounts/{email}"
    if method == "GET":
        return accounts.get(name) if email else accounts.list(project)
    if method == "POST" and not email:
        return accounts.create(project, body)
    if method == "PATCH" and email:
        return accounts.patch(name, body)
    if method == "DELETE" and email:
        world.policies.forget(accounts.delete(name))
        return {}
    return None


def _policies(world, method, path, body):
    # Resource Manager takes the options of a read in a body, Artifact Registry in the address.
    if (method, path["verb"]) == ("GET" if path["repository"] else "POST", ":getIamPolicy"):
        return world.policies.get(path["resource"])
    if (method, path["verb"]) == ("POST", ":setIamPolicy"):
        return world.policies.set(path["resource"], body)
    return None
