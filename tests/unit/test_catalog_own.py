"""A user's own catalog file, as YAML and as CSV: it wins over ours, and every problem is named with its line."""

from pathlib import Path

import pytest

from kpo_provision import catalog, errors
from kpo_provision.catalog import Cloud, EniLimits

YAML = """\
machineTypes:
  rack-r640: {cpu: 32, memory: 256Gi, pricePerHour: 0.42, spotPricePerHour: 0.1}
  m9i.large: {cpu: 2, memory: 8Gi, cloud: aws, family: m9i, interfaces: 3, addresses: 10}
  n1-standard-4: {cpu: 4, memory: 15Gi, cloud: gcp, pricePerHour: 0.1}
reservations:
  kubeReserved: {cpu: 500m, memory: 1Gi}
"""
CSV = """\
# our racks
name, cpu, memory, pricePerHour, cloud, family, interfaces, addresses

rack-r640,32,256Gi,0.42,,,,
m9i.large,2,8Gi,,aws,m9i,3,10
"""


def _load(folder: Path, text: str, *, name: str = "own.yaml") -> catalog.Catalog:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return catalog.load_catalog(path, folder=folder / "cache")


def _refuse(folder: Path, text: str, *, name: str = "own.yaml") -> list[str]:
    with pytest.raises(errors.SpecError) as caught:
        _load(folder, text, name=name)
    return [str(issue).replace(f"{folder}/", "") for issue in caught.value.issues]


@pytest.mark.parametrize(("name", "text"), [("own.yaml", YAML), ("own.csv", CSV)])
def test_own_machines_are_found_beside_those_of_the_cloud(tmp_path: Path, name: str, text: str) -> None:
    loaded = _load(tmp_path, text, name=name)
    rack, instance = loaded.find("rack-r640", Cloud.GCP), loaded.find("m9i.large", Cloud.AWS)
    assert (rack.cloud, rack.vcpu, rack.memory_mib, rack.price_micro_usd) == (Cloud.OWN, 32, 262144, 420_000)
    assert rack.family == "rack-r640"
    assert (instance.family, instance.eni) == ("m9i", EniLimits(interfaces=3, addresses=10))
    assert instance in loaded.machines(Cloud.AWS)
    assert loaded.machines(Cloud.OWN) == (rack,)
    assert str(loaded.sources[-1]) == f"own: {tmp_path / name}"


def test_own_machine_wins_over_ours(tmp_path: Path) -> None:
    assert _load(tmp_path, YAML).find("n1-standard-4", Cloud.GCP).price_micro_usd == 100_000


def test_own_reservations_are_read(tmp_path: Path) -> None:
    reservations = _load(tmp_path, YAML).reservations
    assert reservations is not None
    assert reservations.kube_reserved.cpu is not None
    assert reservations.kube_reserved.cpu.milli == 500


def test_every_problem_of_a_file_is_named_with_its_line(tmp_path: Path) -> None:
    issues = _refuse(
        tmp_path,
        "machineTypes:\n"
        "  one: {cpu: 0, memory: 16GB}\n"
        "  two: {memory: 16Gi, colour: red}\n"
        "  three: {cpu: 2, memory: 4Gi, interfaces: 3, addresses: 0, cloud: ibm}\n"
        "reservations: {kubeReserved: {cpus: 1}}\n"
        "extra: 1\n",
    )
    assert [issue.split(": ")[0].rsplit(":", 1)[0] for issue in issues] == [
        *["own.yaml:2"] * 2,
        *["own.yaml:3"] * 2,
        *["own.yaml:4"] * 2,
        "own.yaml:5",
        "own.yaml:6",
    ]
    assert "did you mean 16G or 16Gi?" in issues[1]
    assert any(
        "colour: is no key of a catalog file here; allowed here: cpu, memory, capacity, storage, pricePerHour" in issue
        for issue in issues
    )
    assert "allowed here: machineTypes, reservations" in issues[-1]


def test_half_of_the_network_limits_is_refused(tmp_path: Path) -> None:
    (issue,) = _refuse(tmp_path, "machineTypes:\n  one: {cpu: 2, memory: 4Gi, interfaces: 3}\n")
    assert issue.startswith("own.yaml:2:")
    assert "give both or none" in issue


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no column `name`"),
        ("cpu,memory\n2,4Gi\n", 1, "no column `name`"),
        ("name,cpu,memory\nbox,2\n", 2, "has 2 cells, and the header has 3"),
        ("name,cpu,memory\nbox,2,4Gi\n\nbox,4,8Gi\n", 4, "is listed twice"),
        ("name,cpu,memory\nbox,two,4Gi\n", 2, "must be a whole number"),
        ("name,cpu,memory\nbox,,4Gi\n", 2, "`cpu` is missing"),
        ("name,cpu,memory\n,2,4Gi\n", 2, "must be the name of a machine type"),
        ("name,cpu,memory,colour\nbox,2,4Gi,red\n", 2, "is no key of a catalog file here"),
        ('name,cpu,memory\n"box,2,4Gi\n', 2, "has 1 cells, and the header has 3"),
    ],
)
def test_problems_of_a_csv_file_are_named_with_their_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    issues = _refuse(tmp_path, text, name="own.csv")
    assert any(issue.startswith(f"own.csv:{line}:") and words in issue for issue in issues), issues


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"#" * 1_000_001])
def test_file_that_is_no_text_or_huge_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(errors.SpecError, match=r"own\.yaml: spec: the file is"):
        catalog.load_catalog(path)


def test_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.SpecError, match=r"none\.yaml.*no such file"):
        catalog.load_catalog(tmp_path / "none.yaml")
