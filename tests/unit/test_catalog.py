"""The shipped catalog: its tables agree with themselves and with what the clouds publish, and names are found."""

import json
from pathlib import Path

import pytest

from kpo_provision import catalog, errors
from kpo_provision.catalog import Cloud, overhead, refreshed, shipped, tables

PLATFORMS = ("gke", "eks", "aks", "kubeadm", "kubespray", "k3s", "rke2", "custom")


@pytest.fixture
def shipped_only(tmp_path: Path) -> catalog.Catalog:
    return catalog.load_catalog(folder=tmp_path)


@pytest.mark.parametrize("cloud", shipped.TABLES)
def test_every_machine_type_is_listed_once_and_is_whole(shipped_only: catalog.Catalog, cloud: Cloud) -> None:
    machines = shipped_only.machines(cloud)
    listed = [row["name"] for row in tables.read_rows(shipped.TABLES[cloud])]
    assert len(set(listed)) == len(listed) == len(machines) > 250
    for machine in machines:
        assert machine.vcpu >= 1
        assert 256 <= machine.memory_mib <= 2**25
        assert machine.family in machine.name or cloud is Cloud.AZURE
        assert machine.architecture in ("amd64", "arm64")
        assert machine.price_micro_usd is None or 1_000 <= machine.price_micro_usd <= 10**8
        assert machine.spot_micro_usd is None or machine.spot_micro_usd < (machine.price_micro_usd or 0)


@pytest.mark.parametrize(
    ("name", "vcpu", "memory_mib", "price_micro_usd"),
    [
        ("n1-standard-4", 4, 15360, 189_999),
        ("n1-highcpu-2", 2, 1843, 70_848),
        ("n2-highmem-16", 16, 131072, 1_048_112),
        ("c4-standard-2", 2, 7168, 96_866),
        ("e2-medium", 2, 4096, 33_510),
        ("f1-micro", 1, 614, 7_600),
        ("a2-highgpu-1g", 12, 87040, None),
        ("c3-standard-4-lssd", 4, 16384, None),
    ],
)
def test_gce_machine_types_cost_what_their_family_costs(
    shipped_only: catalog.Catalog, name: str, vcpu: int, memory_mib: int, price_micro_usd: int | None
) -> None:
    machine = shipped_only.find(name, Cloud.GCP)
    assert (machine.vcpu, machine.memory_mib, machine.price_micro_usd) == (vcpu, memory_mib, price_micro_usd)


@pytest.mark.parametrize(
    ("name", "max_pods"),
    [
        ("t3.micro", 4),
        ("t3.medium", 17),
        ("m5.large", 29),
        ("m5.4xlarge", 234),
        ("m7i.48xlarge", 737),
        ("t4g.xlarge", 58),
    ],
)
def test_ec2_network_limits_give_the_published_pods(shipped_only: catalog.Catalog, name: str, max_pods: int) -> None:
    eni = shipped_only.find(name, Cloud.AWS).eni
    assert eni is not None
    assert eni.interfaces * (eni.addresses - 1) + 2 == max_pods
    assert eni.is_nitro


def test_ec2_types_before_nitro_are_told_apart(shipped_only: catalog.Catalog) -> None:
    eni = shipped_only.find("m4.large", Cloud.AWS).eni
    assert eni is not None
    assert not eni.is_nitro


@pytest.mark.parametrize("name", ["t2a-standard-4", "c4a-standard-4"])
def test_arm_families_are_arm(shipped_only: catalog.Catalog, name: str) -> None:
    assert shipped_only.find(name, Cloud.GCP).architecture == "arm64"


def test_unknown_machine_names_the_nearest_of_every_cloud_asked(shipped_only: catalog.Catalog) -> None:
    with pytest.raises(catalog.UnknownMachineError) as caught:
        shipped_only.find("N2-standrd-4", Cloud.GCP, Cloud.AWS)
    assert isinstance(caught.value, errors.SizingError)
    assert caught.value.nearest[0] == "n2-standard-4"
    assert "gcp, aws" in str(caught.value)
    assert "n2-standard-4" in caught.value.hint


@pytest.mark.parametrize("name", ["", "x" * 10_000, "n2\x00", "ßß"])
def test_absurd_machine_names_are_refused_in_few_words(shipped_only: catalog.Catalog, name: str) -> None:
    with pytest.raises(catalog.UnknownMachineError) as caught:
        shipped_only.find(name, Cloud.GCP)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("table", [path.name for path in tables.DATA.iterdir()])
def test_every_table_says_where_it_is_from_and_when(table: str) -> None:
    source = tables.read_source(table)
    assert any(f"202{year}-" in source for year in range(5, 8)), source


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_its_usual_overhead(platform: str) -> None:
    usual, basis = overhead.usual_overhead(platform)
    assert usual.cpu_milli >= 100
    assert usual.memory_ki >= 100 * 1024
    assert usual.pods >= 1
    assert basis


def test_refreshed_list_is_chosen_from_but_keeps_our_prices(tmp_path: Path, shipped_only: catalog.Catalog) -> None:
    known = shipped_only.find("n2-standard-4", Cloud.GCP)
    new = refreshed.MachineType(cloud=Cloud.GCP, name="n2-standard-6", family="n2", vcpu=6, memory_mib=24576)
    bare = refreshed.MachineType(cloud=Cloud.GCP, name="n2-standard-4", family="n2", vcpu=4, memory_mib=16384)
    found = refreshed.RefreshedList(cloud=Cloud.GCP, scope="project p", read_on="2026-11-23", machines=(bare, new))
    refreshed.save_list(found, tmp_path / "lists")
    loaded = catalog.load_catalog(folder=tmp_path / "lists")
    assert [machine.name for machine in loaded.machines(Cloud.GCP)] == ["n2-standard-4", "n2-standard-6"]
    assert loaded.machines(Cloud.GCP)[0] == known
    assert loaded.machines(Cloud.GCP)[1].price_micro_usd == 291_354
    assert str(loaded.sources[0]) == "gcp: 2 machine types of project p, read from the cloud's API on 2026-11-23"
    assert loaded.warnings == ()


def test_machine_that_the_zone_does_not_list_can_still_be_named(tmp_path: Path) -> None:
    bare = refreshed.MachineType(cloud=Cloud.GCP, name="n2-standard-4", family="n2", vcpu=4, memory_mib=16384)
    found = refreshed.RefreshedList(cloud=Cloud.GCP, scope="zone z", read_on="2026-11-23", machines=(bare,))
    refreshed.save_list(found, tmp_path)
    assert catalog.load_catalog(folder=tmp_path).find("n1-standard-4", Cloud.GCP).memory_mib == 15360


def test_refreshed_list_comes_back_as_it_was_written(shipped_only: catalog.Catalog) -> None:
    machines = shipped_only.machines(Cloud.AWS)
    found = refreshed.RefreshedList(cloud=Cloud.AWS, scope="region r", read_on="2026-11-23", machines=machines)
    back = refreshed.parse_list(refreshed.render_list(found), cloud=Cloud.AWS)
    fields = ("name", "family", "vcpu", "memory_mib", "architecture", "eni")
    assert {tuple(getattr(machine, field) for field in fields) for machine in back.machines} == {
        tuple(getattr(machine, field) for field in fields) for machine in machines
    }


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"schema": "kpo-provision/catalog/v1", "cloud": "aws", "machines": []}',
        json.dumps({"schema": "other", "cloud": "gcp", "scope": "s", "readOn": "d", "machines": [{}]}),
        json.dumps(
            {"schema": refreshed.SCHEMA, "cloud": "gcp", "scope": "s", "readOn": "d", "machines": [{"name": 1}]}
        ),
        json.dumps(
            {
                "schema": refreshed.SCHEMA,
                "cloud": "gcp",
                "scope": "s",
                "readOn": "d",
                "machines": [{"name": "n", "family": "n", "vcpu": -1, "memoryMiB": 1, "architecture": "amd64"}],
            }
        ),
    ],
)
def test_broken_refreshed_list_is_named_and_left_out(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gcp.json"
    path.write_text(content)
    loaded = catalog.load_catalog(folder=tmp_path)
    assert loaded.find("n1-standard-4", Cloud.GCP).vcpu == 4
    (warning,) = loaded.warnings
    assert str(path) in warning
    assert "catalog refresh --cloud gcp" in warning


def test_refreshed_list_that_is_no_text_or_no_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "gcp.json").write_bytes(b"\xff\xfe")
    (tmp_path / "aws.json").mkdir()
    loaded = catalog.load_catalog(folder=tmp_path)
    assert len(loaded.warnings) == 2
    assert loaded.find("m5.large", Cloud.AWS).vcpu == 2


def test_list_that_cannot_be_written_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    bare = refreshed.MachineType(cloud=Cloud.GCP, name="n2-standard-4", family="n2", vcpu=4, memory_mib=16384)
    found = refreshed.RefreshedList(cloud=Cloud.GCP, scope="zone z", read_on="2026-11-23", machines=(bare,))
    with pytest.raises(errors.UsageError, match="taken"):
        refreshed.save_list(found, tmp_path / "taken")
