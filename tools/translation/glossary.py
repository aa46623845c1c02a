"""The glossary in two languages: its source has the Chinese name of a term behind the English one.

In the Chinese edition the Chinese name stands in front, and the order is that of the Chinese names. What a term means is
translated as any other sentence is; its names are not, so that no catalogue repeats them.
"""

import re

from tools.translation.markdown import translate_markdown

GLOSSARY = "chapters/glossary"
# An entry: term, its name in code, Chinese names, explanation whose last line says where it belongs.
ENTRY = re.compile(r"^\*\*(.+?)\*\*(?: \(`(\w+)`\))?\n: (.+)\n: (.+\n(?:  .+\n)*)", re.MULTILINE)
PLACE = re.compile(r"(?:See |见)\[[^\]]+\]\((\w+)\.ipynb#([^)]+)\)[.。]\s*$")
# The lines of an entry that hold its names.
NAMES = re.compile(r"(^\*\*.+\n: .+\n)(?=: )", re.MULTILINE)


def chinese_names(names):
    """[the name that the book uses, others...] of "批量归一化（批归一化）"."""
    first, _, others = names.removesuffix("）").partition("（")
    return [first, *filter(None, others.split("、"))]


def translate_entries(text, translate):
    """Markdown with everything but the names of the entries in it translated."""
    parts = NAMES.split(text)
    parts[::2] = [translate_markdown(part, translate) for part in parts[::2]]
    return "".join(parts)


def chinese_first(text):
    """The translated page with the Chinese name of each term in front, in the order of these names."""
    found = list(ENTRY.finditer(text))
    entries = sorted((entry.groups() for entry in found), key=lambda entry: place_in_order(entry[2]))
    made = "\n".join(chinese_entry(*entry) for entry in entries)
    return text[: found[0].start()] + made + text[found[-1].end() :]


def place_in_order(name):
    """Latin letters in front, then by pinyin, which is the order of the common characters in this encoding."""
    return name.lower().encode("gb18030")


def chinese_entry(term, code, names, explanation):
    first, *others = chinese_names(names)
    behind = "，".join(["、".join(others)] * bool(others) + [f"`{code}`"] * bool(code))
    return f"**{first}**{f'（{behind}）' if behind else ''}\n: {term}\n: {explanation}"
