"""The library behind the book: blocks, forms, networks, their cost, their weights and their pictures."""

__version__ = "2.0.0.dev0"
