"""Text from outside as a database takes it."""


def storable(text: str) -> str:
    """Without what no database takes: bytes that were no UTF-8 and NUL (which PostgreSQL refuses)."""
    whole = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return whole.replace("\0", "\N{REPLACEMENT CHARACTER}")
