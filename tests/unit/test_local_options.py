from pathlib import Path

import pytest

from kpo_provision import errors
from kpo_provision.local.options import DEFAULT_HOME, LocalOptions


def test_environment_decides_where_the_cluster_lives():
    options = LocalOptions.from_environment(
        {
            "KPO_PROVISION_HOME": "/srv/kpo",
            "KPO_PROVISION_CACHE": "/srv/cache",
            "KPO_PROVISION_API_PORT": "17000",
            "KPO_PROVISION_REGISTRY_PORT": "17001",
        }
    )
    assert options == LocalOptions(home=Path("/srv/kpo"), cache=Path("/srv/cache"), api_port=17000, registry_port=17001)


def test_cache_follows_the_users_cache_folder():
    options = LocalOptions.from_environment({"XDG_CACHE_HOME": "/srv/xdg"})
    assert options == LocalOptions(home=DEFAULT_HOME, cache=Path("/srv/xdg/kpo-provision"))


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "1e3", "١"])
def test_port_that_is_none_is_refused_by_name(text):
    with pytest.raises(errors.UsageError, match="KPO_PROVISION_API_PORT"):
        LocalOptions.from_environment({"KPO_PROVISION_API_PORT": text})


def test_two_homes_share_no_control_group():
    groups = {LocalOptions(home=Path(home), cache=Path("/c")).cgroup for home in ("/a", "/b")}
    assert len(groups) == 2
