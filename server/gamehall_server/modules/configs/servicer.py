"""Configs: standard methods where a config is an application's own; what is built in keeps to its kind."""

from gamehall.configs.v1 import configs_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.filters import Written
from gamehall_server.kit.resource import Resource, Veil
from gamehall_server.kit.storage import holding
from gamehall_server.kit.verbs import Create, Get, List
from gamehall_server.modules.configs.tables import ConfigRow, holds_words, table
from gamehall_server.modules.configs.values import ConfigValues

configs = Resource(ConfigRow, pb.Config, order="name:ASC", veil=Veil(table.c.public_read, "CONFIGS_ADMIN"))


class Configs:
    """gamehall.configs.v1.ConfigService."""

    service = pb.DESCRIPTOR.services_by_name["ConfigService"]

    def __init__(self, values: ConfigValues) -> None:
        self._values = values

    ListConfigs = List(configs, filters={"filter_search": Written(holds_words, holding)})
    CreateConfig = Create(configs)
    GetConfig = Get(configs)

    async def UpdateConfig(self, request: pb.UpdateConfigRequest, call: Call) -> pb.UpdateConfigResponse:
        config, built_in = request.config, self._values.built_in(request.name)
        if config.name != request.name:
            raise Invalid("must be the name in the path: a config keeps its name", field="config.name")
        row = await configs.load(call, request.name, lock=True)
        if built_in is None:
            await configs.change(call, row, value=config.value, public_read=config.public_read, description=config.description)
        else:
            if built_in.secret and config.public_read:
                raise Invalid("must be false: this config is a secret", field="config.public_read")
            await configs.change(call, row, **self._values.changed(call.db, built_in, config.value), public_read=config.public_read)
        call.emit("config_updated", config=row.name)
        return pb.UpdateConfigResponse()

    async def DeleteConfig(self, request: pb.DeleteConfigRequest, call: Call) -> pb.DeleteConfigResponse:
        built_in = self._values.built_in(request.name)
        row = await configs.load(call, request.name, lock=True)
        if built_in is None:
            await configs.remove(call, row)
        else:
            await configs.change(call, row, **self._values.changed(call.db, built_in, built_in.default), public_read=False)
        call.emit("config_deleted", config=row.name)
        return pb.DeleteConfigResponse()
