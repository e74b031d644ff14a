"""The one rule of the comments that is not a column."""

LENGTH = 32


def summary_of(content: str) -> str:
    """The first 32 characters of a text, cut back to the end of a word."""
    if len(content) <= LENGTH:
        return content
    head = content[: LENGTH + 1]
    return head[: head.rfind(" ")].rstrip() if " " in head.strip() else head[:LENGTH]
