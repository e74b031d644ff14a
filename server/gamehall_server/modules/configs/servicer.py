"""Configs: standard methods where a config is an application's own; what is built in keeps to its kind."""

from gamehall.common.v1.page_pb2 import PageInfo
from gamehall.configs.v1 import configs_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid, NotFound
from gamehall_server.kit.page import describe, ordering, page_of
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.rows import Rows
from gamehall_server.kit.verbs import Changed, Create
from gamehall_server.modules.configs.tables import ConfigRow, count, page, words
from gamehall_server.modules.configs.values import ConfigValues

ADMIN = "CONFIGS_ADMIN"
configs = Resource(ConfigRow, pb.Config, order="name:ASC")


class Configs:
    """gamehall.configs.v1.ConfigService."""

    service = pb.DESCRIPTOR.services_by_name["ConfigService"]

    def __init__(self, values: ConfigValues) -> None:
        self._values = values

    CreateConfig = Create(configs)

    async def ListConfigs(self, request: pb.ListConfigsRequest, call: Call) -> Rows:
        wanted, everything = page_of(request), call.may(ADMIN)
        order = ordering(request.order, configs.table, configs.sortable, configs.order)
        search = words(request.filter_search)
        rows = await call.db.scan(page(everything, order), words=search, limit=wanted.size, offset=wanted.offset)
        total = rows[0][-1] if rows else await call.db.value(count(everything), words=search)
        info = PageInfo()
        describe(wanted, total, len(rows), info)
        return Rows(pb.ListConfigsResponse, configs.mapper, rows, info)

    async def GetConfig(self, request: pb.GetConfigRequest, call: Call) -> pb.GetConfigResponse:
        answer = pb.GetConfigResponse()
        await configs.find(call, request.name, answer.config)
        if not (answer.config.public_read or call.may(ADMIN)):
            raise NotFound("No config with this name.", field="name")
        return answer

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
            self._values.changed(call.db, built_in, config.value)
            await configs.change(call, row, value=config.value, public_read=config.public_read)
        call.emit("config_updated", Changed(f"config:{row.name}", row.name, None))
        return pb.UpdateConfigResponse()

    async def DeleteConfig(self, request: pb.DeleteConfigRequest, call: Call) -> pb.DeleteConfigResponse:
        built_in = self._values.built_in(request.name)
        row = await configs.load(call, request.name, lock=True)
        if built_in is None:
            await configs.remove(call, row)
        else:
            self._values.changed(call.db, built_in, built_in.default)
            await configs.change(call, row, value=built_in.default, public_read=False)
        call.emit("config_deleted", Changed(f"config:{row.name}", row.name, None))
        return pb.DeleteConfigResponse()
