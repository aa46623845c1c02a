"""The messages of Markdown: one for each line of text, since the sources hold one sentence a line.

The mark that begins a line (heading, bullet, number, quotation) is no part of its message. Formulas and code on lines of
their own, and what HTML has in its tags, stay as they are.
"""

import re

from tools.translation.markup import translate_html
from tools.translation.words import has_words, is_wide

MARK = re.compile(r"(?P<indent>\s*)(?P<mark>(?:(?:[-*+]|\d+[.)])\s+|#{1,6}\s+|>\s?|:\s+)*)(?P<text>.*)", re.DOTALL)
FENCE = re.compile(r"\s*(```+|~~~+)")
CELL = re.compile(r"(?<!\\)\|")
# Behind a wide sign that ends a sentence, marks of Markdown may follow.
CLOSING = "*_`)~"


def kind_of(mark, in_table=False):
    """What a translator is told of a message's place."""
    if in_table:
        return "table"
    if mark.startswith("#"):
        return "heading"
    return "item" if mark.strip() else "text"


def translate_row(line, translate):
    """A row of a table, cell by cell."""

    def replaced(cell):
        core = cell.strip()
        new = translate(core, "table") if has_words(core) else None
        return cell if new is None else cell.replace(core, new, 1)

    return "|".join(replaced(cell) for cell in CELL.split(line))


def joined(lines):
    """Lines of one paragraph, [(indent, text)], as text: no line break, which would show as a blank, beside Chinese."""
    text = lines[0][0] + lines[0][1]
    for indent, line in lines[1:]:
        before = text.rstrip(CLOSING)[-1:]
        after = line.lstrip(CLOSING)[:1]
        beside = is_wide(before) or (is_wide(after) and before in "。，；：？！")
        text += line if before and beside else f"\n{indent}{line}"
    return text


class Walker:
    """Goes through the lines of a source and collects the translated text."""

    def __init__(self, translate):
        self.translate, self.made, self.paragraph = translate, [], []

    def close(self):
        """End the paragraph that is open."""
        if self.paragraph:
            self.made.append(joined(self.paragraph))
            self.paragraph = []

    def keep(self, line):
        self.close()
        self.made.append(line)

    def take(self, line):
        """A line of running text: it begins a paragraph, or goes on with the one that is open."""
        found = MARK.fullmatch(line)
        text = found["text"]
        new = self.translate(text, kind_of(found["mark"])) if has_words(text) else None
        if found["mark"]:
            self.close()
        self.paragraph.append((found["indent"] + found["mark"], text if new is None else new))
        if found["mark"].startswith("#"):
            self.close()


def html_block(lines, start):
    """The end of the block of HTML that begins at ``lines[start]``: a blank line, outside comment, script and style."""
    end = start + 1
    while end < len(lines) and (lines[end].strip() or is_open("\n".join(lines[start:end]))):
        end += 1
    return end


def is_open(text):
    """Whether a comment, a script or a style sheet has begun and not ended."""
    pairs = [("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")]
    return any(text.count(begin) > text.count(end) for begin, end in pairs)


def verbatim(lines, start):
    """The end of the fenced code or displayed formula that begins at ``lines[start]``; ``start`` if none does."""
    fence = FENCE.match(lines[start])
    if fence:
        end = start + 1
        while end < len(lines) and not lines[end].strip().startswith(fence[1]):
            end += 1
        return end + 1
    line = lines[start].strip()
    if line.startswith("$$") and line.count("$$") == 1:
        end = start + 1
        while end < len(lines) and "$$" not in lines[end]:
            end += 1
        return end + 1
    return start


def translate_markdown(source, translate):
    """``source`` with every message that ``translate(message, kind)`` knows; it returns None for one that it does not."""
    walker, lines, i = Walker(translate), source.split("\n"), 0
    while i < len(lines):
        end = verbatim(lines, i)
        if end > i:
            walker.keep("\n".join(lines[i:end]))
        elif lines[i].lstrip().startswith("<") and not walker.paragraph:
            end = html_block(lines, i)
            walker.keep(translate_html("\n".join(lines[i:end]), translate))
        elif not lines[i].strip():
            walker.keep(lines[i])
        elif lines[i].lstrip().startswith("|"):
            walker.keep(translate_row(lines[i], translate))
        else:
            walker.take(lines[i])
        i = max(end, i + 1)
    walker.close()
    return "\n".join(walker.made)
