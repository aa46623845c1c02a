from tools.alterations.changing import in_text, said

ALTERATIONS = [
    in_text(
        "a number",
        "chapters/questions.md",
        "68,054,730",
        "68,054,731",
        "tests/chapters/test_questions.py::test_every_long_number_is_recomputed_or_published",
    ),
    said(
        "prose", "05_the_resnext_block", "52.9 %", "59.2 %", "tests/chapters/test_contract.py::test_chapter_keeps_the_rule"
    ),
]
