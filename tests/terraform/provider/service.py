"""The provider as Terraform calls it: one method a call of the protocol, by the call's name in Python's spelling."""

import json

from tests.terraform.provider import planning
from tests.terraform.provider.errors import CreatedBrokenError, ProviderError
from tests.terraform.provider.schema import load_tables, to_schema
from tests.terraform.provider.values import load_value, render_value, settle
from tests.terraform.provider.wire import MESSAGES

_ERROR = 1


class Service:
    def __init__(self, offered):
        self._offered = offered
        self._tables = load_tables(offered.name)
        self._api = None

    def get_schema(self, _request):
        def entries(kind):
            return [MESSAGES["SchemaEntry"](key=name, value=to_schema(block)) for name, block in kind.items()]

        return MESSAGES["GetSchemaResponse"](
            provider=to_schema(self._tables["provider"][self._offered.name]),
            resource_schemas=entries(self._tables["resource"]),
            data_source_schemas=entries(self._tables.get("data", {})),
            provider_meta=MESSAGES["Schema"](version=0, block=MESSAGES["Block"]()),
            server_capabilities=MESSAGES["Capabilities"](),
        )

    def prepare_provider_config(self, request):
        return MESSAGES["PrepareResponse"](prepared_config=request.config)

    def validate_resource_type_config(self, _request):
        return MESSAGES["Diagnosed"]()

    def validate_data_source_config(self, _request):
        return MESSAGES["Diagnosed"]()

    def configure(self, request):
        try:
            self._api = self._offered.connect(settle(load_value(request.config)))
        except ProviderError as e:
            return MESSAGES["Diagnosed"](diagnostics=[_diagnose(e)])
        return MESSAGES["Diagnosed"]()

    def upgrade_resource_state(self, request):
        block = self._tables["resource"][request.type_name]
        kept = json.loads(request.raw_state.json)
        return MESSAGES["UpgradeResponse"](upgraded_state=render_value(_shape(block, kept)))

    def read_resource(self, request):
        state = load_value(request.current_state)
        try:
            fresh = self._resource(request.type_name).read(state)
        except ProviderError as e:
            return MESSAGES["ReadResponse"](new_state=request.current_state, diagnostics=[_diagnose(e)])
        return MESSAGES["ReadResponse"](new_state=render_value(fresh))

    def plan_resource_change(self, request):
        block = self._tables["resource"][request.type_name]
        prior, proposed = load_value(request.prior_state), load_value(request.proposed_new_state)
        planned = planning.plan(block, prior, proposed)
        resource = self._resource(request.type_name)
        if planned and hasattr(resource, "complete"):
            planned = resource.complete(prior, planned)
        replacing = planning.list_replacing(block, prior, planned) if prior and planned else []
        return MESSAGES["PlanResponse"](
            planned_state=render_value(planned), requires_replace=replacing, legacy_type_system=True
        )

    def apply_resource_change(self, request):
        prior, planned = load_value(request.prior_state), load_value(request.planned_state)
        try:
            config = load_value(request.config)
            state, error = self._apply(self._resource(request.type_name), prior, planned, config), None
        except CreatedBrokenError as e:
            state, error = e.state, e
        except ProviderError as e:
            state, error = prior, e
        return MESSAGES["ApplyResponse"](
            new_state=render_value(state),
            diagnostics=[_diagnose(error)] if error else [],
            legacy_type_system=True,
        )

    def import_resource_state(self, request):
        try:
            state = self._resource(request.type_name).load_import(request.id)
        except ProviderError as e:
            return MESSAGES["ImportResponse"](diagnostics=[_diagnose(e)])
        if state is None:
            return MESSAGES["ImportResponse"](diagnostics=[_diagnose(ProviderError(f"{request.id} not found"))])
        imported = MESSAGES["Imported"](type_name=request.type_name, state=render_value(state))
        return MESSAGES["ImportResponse"](imported_resources=[imported])

    def read_data_source(self, request):
        block = self._tables["data"][request.type_name]
        try:
            state = self._offered.data[request.type_name](block, self._api).read(load_value(request.config))
        except ProviderError as e:
            return MESSAGES["DataResponse"](diagnostics=[_diagnose(e)])
        return MESSAGES["DataResponse"](state=render_value(state))

    def stop(self, _request):
        if self._api:
            self._api.stopping.set()
        return MESSAGES["StopResponse"]()

    def _resource(self, name):
        return self._offered.resources[name](self._tables["resource"][name], self._api)

    @staticmethod
    def _apply(resource, prior, planned, config):
        if planned is None:
            resource.delete(prior)
            return None
        # What is written and never kept stands in the configuration alone.
        told = [config] if getattr(resource, "wants_config", False) else []
        return resource.update(prior, planned, *told) if prior else resource.create(planned, *told)


def _shape(block, kept):
    """Bring a state that an older table made into the form of this one."""
    state = {each.name: _shape_value(each, kept.get(each.name)) for each in block.attributes}
    for each in block.blocks:
        found = kept.get(each.name)
        if each.nesting == "single":
            state[each.name] = None if found is None else _shape(each, found)
        else:
            state[each.name] = [_shape(each, one) for one in found or []]
    return state


def _shape_value(attribute, kept):
    """A value of any type is kept beside its type."""
    if attribute.type != "dynamic" or kept is None:
        return kept
    return [json.dumps(kept["type"]).encode(), kept["value"]]


def _diagnose(error):
    return MESSAGES["Diagnostic"](severity=_ERROR, summary=str(error), detail="")
