"""Categories of triggers and actions. Which there are is the product's; what is told of them the application's."""

from gamehall.rules.v1 import categories_pb2 as pb
from sqlalchemy import select
from sqlmodel import Field, SQLModel

from gamehall_server.kit.columns import Wire
from gamehall_server.kit.resource import Resource
from gamehall_server.kit.storage import Handle, Query, table_of
from gamehall_server.kit.verbs import Get, List, Update
from gamehall_server.modules.templates import Templated

KIND = "bre_category"
# As they were published.
CATEGORIES = (
    *("achievement", "behavior", "comment", "disposition", "device", "entitlement", "friends", "fulfillment", "gamification"),
    *("inventory", "invoice", "media", "scheduler", "store", "subscription", "user", "wallet", "custom"),
    *("challenge", "activity", "campaign", "event"),
)


class RuleCategoryRow(SQLModel, table=True):
    """A category. The start writes them."""

    __tablename__ = "bre_category"

    name: str = Field(primary_key=True)
    additional_properties: bytes | None = Field(default=None, sa_type=Wire)
    template: str | None = Field(default=None, foreign_key="template.id", index=True)


_kept = table_of(RuleCategoryRow)
_names = Query(select(_kept.table.c.name))
categories = Resource(RuleCategoryRow, pb.Category, order="name:ASC", parts=(Templated(KIND, _kept.table, pb.Category),))


async def settle_categories(db: Handle) -> None:
    """Writes the categories that are missing."""
    there = {row[0] for row in await db.all(_names)}
    for name in CATEGORIES:
        if name not in there:
            db.later(_kept.insert, name=name, additional_properties=None, template=None)


class RuleCategories:
    """gamehall.rules.v1.CategoryService."""

    service = pb.DESCRIPTOR.services_by_name["CategoryService"]

    ListCategories = List(categories)
    GetCategory = Get(categories)
    UpdateCategory = Update(categories)
