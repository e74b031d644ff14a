"""Categories: five standard methods over one table."""

from gamehall.categories.v1 import categories_pb2 as pb

from gamehall_server.kit.resource import Resource, Veil
from gamehall_server.kit.storage import table_of
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules.categories.tables import CategoryRow
from gamehall_server.modules.templates import Templated, by_property

KIND, ADMIN = "category", "CATEGORIES_ADMIN"
_t = table_of(CategoryRow).table
categories = Resource(
    CategoryRow,
    pb.Category,
    veil=Veil(_t.c.active, ADMIN),
    defaults={"active": True},
    parts=(Templated(KIND, _t, pb.Category),),
)


class Categories:
    """gamehall.categories.v1.CategoryService."""

    service = pb.DESCRIPTOR.services_by_name["CategoryService"]

    ListCategories = List(categories, {"filter_property": by_property(KIND, _t)})
    CreateCategory = Create(categories)
    GetCategory = Get(categories)
    UpdateCategory = Update(categories)
    DeleteCategory = Delete(categories)
