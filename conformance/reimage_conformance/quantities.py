"""Quantities: numbers with their nouns, as people write them."""


def counted(number: int, singular: str, plural: str = "") -> str:
    """`number` with its noun, as in "1 requirement" or "2 requirements"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
