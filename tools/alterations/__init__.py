"""Is there anything in the book that could be altered without a test noticing?

``python -m tools.alterations`` makes one alteration after another in a copy of the repository, runs for each only the
tests that own what was altered, and demands that they fail.
"""
