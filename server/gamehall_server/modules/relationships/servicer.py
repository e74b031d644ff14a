"""Relationships: five standard methods over one table."""

from typing import Any

from gamehall.users.v1 import relationships_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.errors import Invalid
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.parts import Part
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules import users
from gamehall_server.modules.users.relatives import RelationshipRow


class _Two(Part):
    """A relationship is between two."""

    async def check(self, call: Call, message: Any, path: str) -> None:
        if message.parent.id == message.child.id:
            raise Invalid("nobody stands above themselves", field=f"{path}.child.id")


relationships = Resource(
    RelationshipRow,
    pb.Relationship,
    embeds={"parent": Embed("parent_id", users.summary_as("parent")), "child": Embed("child_id", users.summary_as("child"))},
    defaults={"context": ""},
    parts=(_Two(),),
)


class Relationships:
    """gamehall.users.v1.RelationshipService."""

    service = pb.DESCRIPTOR.services_by_name["RelationshipService"]

    ListRelationships = List(relationships)
    CreateRelationship = Create(relationships)
    GetRelationship = Get(relationships)
    UpdateRelationship = Update(relationships)
    DeleteRelationship = Delete(relationships)
