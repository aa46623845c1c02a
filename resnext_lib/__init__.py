"""The library behind the book: blocks, forms, networks, their cost, their weights and their pictures."""

__version__ = "0.1.0"
