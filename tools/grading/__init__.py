"""Assignments and grades with nbgrader: ``python -m tools.grading`` (see README.md in this folder)."""
