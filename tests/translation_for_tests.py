"""A Chinese edition for tests, whatever has been translated so far: every message has some Chinese for its words."""

import re

from tools.translation import catalogue, rules
from tools.translation.words import CODE, FORMULA, TAG

LINK_TARGET = re.compile(r"\]\([^)\s]+\)|https?://[^\s)]+|&\w+;")
ENGLISH = re.compile(r"[A-Za-z’'-]+(?:\s+[A-Za-z’'-]+)*")


def stand_in(message, script=False):
    """``message`` with Chinese characters in place of its words: what must stay the same does."""
    kept = [re.escape(part) for part in sorted(set(rules.placeholders(message, script)), key=len, reverse=True)]
    pattern = re.compile("|".join([*kept, *(p.pattern for p in (CODE, FORMULA, LINK_TARGET, TAG))]), re.DOTALL)
    # The group that CODE counts on has another number behind the alternatives in front of it.
    pattern = re.compile(pattern.pattern.replace(r"\1", r"(?:`+)"), re.DOTALL)
    made, end = [], 0
    for found in pattern.finditer(message):
        made += [ENGLISH.sub("译文", message[end : found.start()]), found[0]]
        end = found.end()
    made.append(ENGLISH.sub("译文", message[end:]))
    return re.sub(r"(?<=文)\.$", "。", "".join(made))


def whole_book():
    """The catalogue of today's English with a stand-in for every message."""
    return catalogue.Book(
        {
            name: [
                catalogue.Entry(message, stand_in(message, comment.startswith("script")), comment)
                for message, comment in messages.items()
            ]
            for name, messages in catalogue.extract().items()
        }
    )
