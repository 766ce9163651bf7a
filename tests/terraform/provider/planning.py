"""What a change comes to before it is made, as Terraform's own SDK plans it: defaults, what only Google will know, and
which changes need a new resource."""

from tests.terraform.provider.values import UNKNOWN
from tests.terraform.provider.wire import MESSAGES


def plan(block, prior, proposed):
    """Return the planned state of a resource, or of one block of it."""
    if proposed is None or proposed is UNKNOWN:
        return proposed
    before = prior or {}
    planned = {each.name: _plan_attribute(each, before, proposed, new=prior is None) for each in block.attributes}
    for each in block.blocks:
        planned[each.name] = _plan_blocks(each, before.get(each.name), proposed.get(each.name))
    return planned


def _plan_attribute(attribute, before, proposed, *, new):
    value, earlier = proposed.get(attribute.name), before.get(attribute.name)
    if not new and _is_nothing(value) and _is_nothing(earlier):
        # The SDK sees no change between a zero and nothing, whichever is which.
        return earlier
    if value is not None:
        return value
    if attribute.default is not None:
        return attribute.default
    if not attribute.computed:
        return None
    return UNKNOWN if new else earlier


def _is_nothing(value):
    return value is None or (value is not UNKNOWN and value in ("", 0, False, [], {}))


def _plan_blocks(block, prior, proposed):
    if block.nesting == "single":
        return plan(block, prior, proposed)
    if not proposed and block.computed:
        return prior or []
    if proposed is UNKNOWN:
        return UNKNOWN
    earlier = list(prior or [])
    earlier += [None] * (len(proposed) - len(earlier))
    return [plan(block, before, each) for before, each in zip(earlier, proposed, strict=False)]


def list_replacing(block, prior, planned):
    """List the paths whose change needs a new resource."""
    paths = _replacing(block, prior, planned)
    return [MESSAGES["AttributePath"](steps=[_step(part) for part in path]) for path in paths]


def _replacing(block, prior, planned):
    for each in block.attributes:
        if "N" in each.flags and not _equal(each, prior.get(each.name), planned.get(each.name)):
            yield [each.name]
    for each in block.blocks:
        if each.nesting == "single":
            continue
        before, after = prior.get(each.name) or [], planned.get(each.name) or []
        if after is UNKNOWN or (len(before) != len(after) and _has_replacing(each)):
            yield [each.name]
            continue
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            yield from ([each.name, index, *path] for path in _replacing(each, old, new))


def _equal(attribute, before, after):
    if _is_nothing(before) and _is_nothing(after):
        return True
    if isinstance(attribute.type, list) and attribute.type[0] == "set" and after is not UNKNOWN:
        return sorted(before or []) == sorted(after or [])
    return before == after


def _has_replacing(block):
    return any("N" in each.flags for each in block.attributes) or any(map(_has_replacing, block.blocks))


def _step(part):
    key = {"attribute_name": part} if isinstance(part, str) else {"element_key_int": part}
    return MESSAGES["Step"](**key)
