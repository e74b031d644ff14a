"""Articles: five standard methods over one table."""

from typing import Any

from gamehall.content.v1 import articles_pb2 as pb

from gamehall_server.kit.call import Call
from gamehall_server.kit.filters import Filter
from gamehall_server.kit.mapping import Embed
from gamehall_server.kit.resource import Resource, Veil
from gamehall_server.kit.storage import table_of
from gamehall_server.kit.verbs import Create, Delete, Get, List, Update
from gamehall_server.modules import categories
from gamehall_server.modules.content.tables import ArticleRow
from gamehall_server.modules.content.views import Views
from gamehall_server.modules.tags import Tagged, tag_filters
from gamehall_server.modules.templates import Templated, by_property

KIND, ADMIN = "article", "ARTICLES_ADMIN"
_t = table_of(ArticleRow).table
articles = Resource(
    ArticleRow,
    pb.Article,
    veil=Veil(_t.c.active, ADMIN),
    embeds={"category": Embed("category_id", categories.summary)},
    defaults={"view_count": 0},
    parts=(Tagged(KIND), Templated(KIND, _t, pb.Article)),
)
_active = Filter("filter_active_only", lambda value: (None, {}), lambda shape: _t.c.active)


class Articles:
    """gamehall.content.v1.ArticleService."""

    service = pb.DESCRIPTOR.services_by_name["ArticleService"]

    ListArticles = List(articles, {"filter_active_only": _active, **tag_filters(KIND, _t), "filter_property": by_property(KIND, _t)})
    CreateArticle = Create(articles)
    UpdateArticle = Update(articles)
    DeleteArticle = Delete(articles)

    def __init__(self, views: Views) -> None:
        self._views = views
        self._get: Any = Get(articles).bound_to(self.service.methods_by_name["GetArticle"])

    async def GetArticle(self, request: pb.GetArticleRequest, call: Call) -> pb.GetArticleResponse:
        answer: pb.GetArticleResponse = await self._get(request, call)
        self._views.note(request.id)
        return answer
