"""From Terraform's form of a thing to that of Google's REST API and back, led by the table of attributes."""

_RENAMED = {
    "enable_components": "componentConfig",
    "managed_prometheus": "managedPrometheusConfig",
    "max_pods_per_node": "maxPodsConstraint",
    "node_config": "config",
    "node_locations": "locations",
    "taint": "taints",
}
_WRAPPED = {"enable_components": "enableComponents", "max_pods_per_node": "maxPodsPerNode"}
"""Attributes that Google has one level further down."""
_BOOLEAN_TEXTS = {"insecure_kubelet_readonly_port_enabled"}
_ZEROS = {"string": "", "number": 0, "bool": False}


def expand(block, state):
    """Write what a block says as Google's JSON; what is not said is left out."""
    body = {}
    for each in block.attributes:
        value = state.get(each.name)
        if value is None or value == []:
            continue
        if each.name in _BOOLEAN_TEXTS:
            value = value.upper() == "TRUE"
        inner = _WRAPPED.get(each.name)
        body[name_of(each.name)] = {inner: value} if inner else value
    for each in block.blocks:
        values = [expand(each, one) for one in state.get(each.name) or [] if each.nesting != "single"]
        if values:
            body[name_of(each.name)] = values[0] if each.most == 1 or each.name == "node_drain_config" else values
    return body


def flatten(block, body, prior):
    """Read Google's JSON as a block. A zero that nobody asked for is nothing, as in Terraform's own SDK.

    Without a prior state, as for an import, all of Google's answer counts.
    """
    whole, prior = prior is None, prior or {}
    state = {}
    for each in block.attributes:
        value = body.get(name_of(each.name))
        if each.name in _WRAPPED:
            value = (value or {}).get(_WRAPPED[each.name])
        if each.name in _BOOLEAN_TEXTS and value is not None:
            value = "TRUE" if value else "FALSE"
        state[each.name] = _read_value(each.type, value, prior.get(each.name))
    for each in block.blocks:
        state[each.name] = _flatten_blocks(each, body.get(name_of(each.name)), prior.get(each.name), whole=whole)
    return state


def _flatten_blocks(block, value, prior, *, whole):
    if block.nesting == "single":
        return prior
    if value is None or (block.computed and not prior and not whole):
        return []
    values = value if isinstance(value, list) else [value]
    earlier = list(prior or []) + [None if whole else {}] * len(values)
    return [flatten(block, one, before) for one, before in zip(values, earlier, strict=False)]


def _read_value(kind, value, prior):
    if isinstance(kind, list):
        empty = {} if kind[0] == "map" else []
        return (value or empty) if value or prior is not None else None
    if value is None:
        return None if prior is None else _ZEROS[kind]
    if kind == "number":
        value = int(value)
    return None if prior is None and value == _ZEROS[kind] else value


def name_of(name):
    """Say what Google calls an attribute."""
    if name in _RENAMED:
        return _RENAMED[name]
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
