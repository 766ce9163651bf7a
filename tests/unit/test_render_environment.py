from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from kpo_provision import errors
from kpo_provision.render import environment

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT)
@example('"\nkind: ClusterRoleBinding\n')
@example("{{ plan }} {% raw %} ${x} #")
@example("'\u2028\x85\ufeff\uffff\U0001f600")
def test_any_text_stays_one_scalar(text):
    document = f"key: {environment.quote_json(text)}\n"
    assert yaml.safe_load(document) == {"key": text}
    assert yaml.load(document, yaml.CSafeLoader) == {"key": text}


@pytest.mark.parametrize("text", ["yes", "1.10", "1e3", "null", "~", "0o7", "2026-01-01", ""])
def test_text_stays_text(text):
    assert yaml.safe_load(environment.quote_json(text)) == text


def test_template_without_its_values_is_an_error_that_names_both():
    with pytest.raises(errors.RenderError, match="'tenant' is undefined") as caught:
        environment.render_manifests("tenant/namespace")
    assert caught.value.template == "tenant/namespace"


def test_undefined_value_is_not_quoted():
    with pytest.raises(errors.RenderError, match="'remedy' is undefined"):
        environment.render_manifests("shared/pool-guard", exempt_namespaces=())


def test_missing_template_is_an_error():
    with pytest.raises(errors.RenderError, match="tenant/nothing"):
        environment.render_manifests("tenant/nothing")
