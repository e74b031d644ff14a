"""What the bridge serves beside the RPCs: Swagger 2.0, OpenAPI 3.1, and Swagger UI to read and try them."""

from gamehall_bridge.documents.pages import Page, pages_of

__all__ = ["Page", "pages_of"]
