"""The classroom's editions of the chapters: ``python -m tools.classroom`` writes them to ``_classroom/``."""

from tools.classroom.editions import starter, student

__all__ = ["starter", "student"]
