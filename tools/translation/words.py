"""What a message is: a text with words in it, beside which code, formulas and addresses stay as they are."""

import re

# Inside a message these are not language.
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$(?!\s)[^$\n]+?(?<!\s)\$(?![\d$])", re.DOTALL)
ADDRESS = re.compile(r"(?<=\]\()[^)\s]+(?=\))|https?://[^\s)>]+")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
WORD = re.compile(r"[A-Za-z]{2,}")


def without_code(text):
    """``text`` without what no translator touches."""
    for pattern in (CODE, FORMULA, ADDRESS, TAG):
        text = pattern.sub(" ", text)
    return text


def has_words(text):
    """Whether there is anything to translate in ``text``."""
    return bool(WORD.search(without_code(text)))


def is_wide(character):
    """Whether a character is Chinese or a sign as wide as one."""
    return bool(re.fullmatch(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u3000-\u303f]", character))
