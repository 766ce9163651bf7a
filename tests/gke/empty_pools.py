"""Pools without a node, which are made in no time, and how a run that went wrong has to end."""


def apply(site):
    return site.run("apply", "--no-verify")


def finish(site):
    """Apply once more: everything stands, once, and nothing is left to do."""
    site.succeed("apply", "--no-verify")
    assert site.names() == ["big", "standard"]
    assert {pool["status"] for pool in site.pools().values()} == {"RUNNING"}
    assert "no changes" in site.succeed("plan").out


def posts(google):
    return [path for method, path in google.calls if method == "POST" and path.endswith("/nodePools")]
