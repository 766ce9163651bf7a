import datetime

import pytest
from cryptography import x509

from kpo_provision.local import pki
from kpo_provision.local.options import Layout


@pytest.fixture
def layout(tmp_path):
    layout = Layout(root=tmp_path)
    pki.ensure_pki(layout)
    return layout


def load(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_every_certificate_is_signed_by_the_one_authority(layout):
    authority = load(layout.pki / "ca.crt")
    for identity in pki.IDENTITIES:
        load(layout.pki / f"{identity.file}.crt").verify_directly_issued_by(authority)


def test_no_key_can_be_read_by_anyone_else(layout):
    modes = {path.name: path.stat().st_mode & 0o777 for path in layout.pki.iterdir()}
    assert set(modes.values()) == {0o600}


def test_second_run_changes_nothing(layout):
    before = {path: path.read_bytes() for path in layout.pki.iterdir()}
    pki.ensure_pki(layout)
    assert {path: path.read_bytes() for path in layout.pki.iterdir()} == before


def test_new_authority_signs_everything_anew(layout):
    (layout.pki / "ca.key").unlink()
    pki.ensure_pki(layout)
    load(layout.pki / "admin.crt").verify_directly_issued_by(load(layout.pki / "ca.crt"))


def test_node_with_another_address_gets_another_certificate(layout):
    folder = layout.nodes / "n"
    for address in ("10.88.0.11", "10.88.0.12"):
        pki.ensure_certificate(pki.node_identity("n", address), directory=folder, authority=layout.pki)
    names = load(folder / "kubelet.crt").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.88.0.12"]


@pytest.mark.parametrize(("days", "renewed"), [(29, True), (31, False)])
def test_certificate_close_to_its_end_is_renewed(layout, days, renewed):
    short = pki.Identity(file="short", user="u", life=datetime.timedelta(days=days, minutes=1))
    pki.ensure_certificate(short, directory=layout.pki, authority=layout.pki)
    before = load(layout.pki / "short.crt")
    pki.ensure_certificate(short, directory=layout.pki, authority=layout.pki)
    assert (load(layout.pki / "short.crt") != before) == renewed
