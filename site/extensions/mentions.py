"""Where a text mentions a term: never inside a longer name, in English never inside a word.

Chinese has no blanks between words. There a name counts where jieba, which is told all names, begins and ends a word with
it, so that 微调 is found in 再微调网络 and not in 稍微调整. A name with Latin letters in it needs no such help.
"""

import logging
import re
from functools import cached_property

LATIN = re.compile(r"[A-Za-z0-9]")
HAN = re.compile(r"[\u4e00-\u9fff]+")
# Words of the book that have the name of a term in them and mean something else.
LONGER = ("残差流", "残差网络")


def pattern_of(name):
    """A mention of the name, in English in the singular or the plural; capitals inside it count only if it has some."""
    words = re.escape(name)
    start = r"(?<![\w-])" if LATIN.match(name[0]) else ""
    end = r"s?(?![\w-])" if LATIN.match(name[-1]) else ""
    return f"{start}{words}{end}" if re.search("[A-Z]", name[1:]) else f"(?i:{start}{words}{end})"


class Mentions:
    """Finds the terms of ``names``, ``{address: [a name, another...]}``."""

    def __init__(self, names):
        owners = {name: address for address, known in names.items() for name in known} | dict.fromkeys(LONGER)
        longest_first = sorted(owners, key=len, reverse=True)
        self.owners = [owners[name] for name in longest_first]
        self.pattern = re.compile("|".join(f"({pattern_of(name)})" for name in longest_first))
        self.chinese = [name for name in longest_first if HAN.fullmatch(name)]

    def first(self, text, wanted):
        """[(start, end, address)] in order: where ``text`` first mentions each of the ``wanted`` addresses."""
        found, ends = {}, None
        for match in self.pattern.finditer(text):
            address = self.owners[match.lastindex - 1]
            if address not in wanted or address in found:
                continue
            if HAN.fullmatch(match[0]):
                ends = ends or {place for _, *places in self.words_of(text) for place in places}
                if not {match.start(), match.end()} <= ends:
                    continue
            found[address] = (*match.span(), address)
        return list(found.values())

    @cached_property
    def words_of(self):
        """What gives the words of a Chinese text, each with its start and end."""
        import jieba  # some seconds to load, and for the Chinese edition alone

        jieba.setLogLevel(logging.WARNING)
        for name in self.chinese:
            jieba.add_word(name)
        return jieba.tokenize
