"""The tests that own something, by a short name."""

CLAIMS_FILE = "tests/chapters/test_claims.py::test_fault_11c_"


def claims(page):
    """What ``page`` says rests on code, evidence and sources."""
    return f"{CLAIMS_FILE}passages_say_what_they_rest_on[{page}]"


def weighty(page):
    """Every weighty number of ``page`` stands in a claim."""
    return f"{CLAIMS_FILE}every_weighty_number_rests_on_something[{page}]"


def key(chapter, question):
    """The key of a quiz question."""
    return f"tests/chapters/test_keys.py::test_fault_11c_the_key_is_what_was_computed[{chapter}-question-{question}]"


def executed(name):
    """The notebook, executed, gives its stored outputs."""
    return f"chapters/{name}.ipynb"


def rule(name, notebook):
    """A rule of the notebook contract, for one notebook."""
    return f"tests/chapters/test_contract.py::test_chapter_keeps_the_rule[{name}-{notebook}]"


def published(name):
    """A published number, its source and its place."""
    return f"tests/library/test_published_twice.py::test_fault_11c_a_published_number_is_what_its_source_prints[{name}]"


def documented(test):
    """A test of what is said outside the chapters."""
    return f"tests/chapters/test_documented.py::test_fault_11c_{test}"


QUESTIONS = "tests/chapters/test_questions.py::test_"
APPENDIX = "tests/chapters/test_appendix.py::test_"
TEACHING = "tests/chapters/test_teaching.py::test_"
SLIDES = "tests/classroom/test_slides.py::test_"
