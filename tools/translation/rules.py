"""What a translation keeps of its English, and how Chinese is set: full-width signs, a space beside Latin letters."""

import re
from collections import Counter
from decimal import Decimal

from markdown_it import MarkdownIt

from tools.translation.scripts import template_parts
from tools.translation.words import ADDRESS, CODE, FORMULA, TAG, without_code

HAN = "\u4e00-\u9fff"
WIDE = "，。；：？！、（）“”‘’《》「」…—"
NUMBER = re.compile(r"(?<![\d.,])\d[\d,]*(?:\.\d+)?")
# A number and the word behind it that multiplies it.
UNITS = {
    **{"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9},
    **{"百万": 10**6, "千万": 10**7, "十亿": 10**9, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8},
}
AMOUNT = re.compile(rf"({NUMBER.pattern})(?:[ \u00a0-]?({'|'.join(UNITS)}))?")
# In the site's words and in the templates of scripts: where a value is put in.
NAMED = re.compile(r"\{\w+\}")
# In scripts: an ending for the plural, which Chinese does not have.
PLURAL = re.compile(r"""\$\{[^{}]*\?\s*(["'])\w*\1\s*:\s*(["'])\w*\2\s*\}""")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
ENDS = {".": "。！；：…", "?": "？", "!": "！", ":": "：", ";": "；。"}
MARKDOWN = MarkdownIt("commonmark")


def placeholders(text, script):
    """The places in ``text`` where a value is put in, as they are written."""
    if not script:
        return [found[0] for found in NAMED.finditer(CODE.sub(" ", FORMULA.sub(" ", text)))]
    quoted = f"`{text}`"
    return [quoted[start - 2 : stop + 1] for start, stop in template_parts(quoted, 0)[0]]


def without(parts, text):
    """``text`` with a letter in place of each of ``parts``."""
    for part in parts:
        text = text.replace(part, "X", 1)
    return text


def amounts(text):
    """The numbers in ``text`` as amounts: "70 thousand" and "7 万" are one. Numbers in code and formulas are not counted."""
    found = Counter()
    for match in AMOUNT.finditer(without_code(text)):
        found[(Decimal(match[1].replace(",", "")) * UNITS.get(match[2], 1)).normalize()] += 1
    return found


def pieces(pattern, text):
    return Counter(match[0] for match in pattern.finditer(text))


def marks(text):
    """How often each construct of Markdown is in ``text``, as a reader of Markdown sees it."""
    tokens = MARKDOWN.parseInline(text)[0].children or []
    return Counter(token.type for token in tokens if token.type.endswith("_open") or token.type == "code_inline")


def shown(text):
    """``text`` as it is read: without the marks of Markdown, with a letter in place of code and of formulas."""
    for pattern in (CODE, FORMULA):
        text = pattern.sub("X", text)
    text = re.sub(r"\((?:\w{1,3}|\d+x\d+d)\)", "X", LINK.sub(r"\1", text))  # form (a), ResNeXt-50 (32x4d)
    return re.sub(r"\*+|</?\w[^<>]*>", "", text)


def misplaced(message, translation, script):
    """What is wrong with the places for values. The ending of a plural may be left out."""
    given, known = Counter(placeholders(translation, script)), Counter(placeholders(message, script))
    needed = Counter(part for part in known.elements() if not PLURAL.fullmatch(part))
    if needed - given or given - known:
        return [f"placeholders: {sorted(needed)} are needed, {sorted(given)} are there"]
    return []


def differences(message, translation):
    """What ``translation`` has lost or added of what must stay the same."""
    found = []
    for name, parts in {
        "code spans": lambda text: pieces(CODE, text),
        "links": lambda text: pieces(ADDRESS, CODE.sub("", text)),
        "formulas": lambda text: pieces(FORMULA, CODE.sub("", text)),
        "HTML tags": lambda text: pieces(TAG, CODE.sub("", text)),
        "numbers": amounts,
        "emphasis and links": marks,
    }.items():
        before, after = parts(message), parts(translation)
        if before != after:
            lost, new = list((before - after).elements()), list((after - before).elements())
            found.append(f"{name}: missing {sorted(map(str, lost))}, added {sorted(map(str, new))}")
    return found


def setting(translation):
    """What is wrong with how ``translation`` is set."""
    text, found = shown(translation), []
    for what, pattern in {
        "a half-width sign beside Chinese": rf"[{HAN}] ?[,;:?!()\"'](?!\w)|[,;?!()\"'] ?[{HAN}]|[{HAN}]\.(?!\w)",
        "no space between Chinese and a letter, digit, code or formula": rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]",
        "a space beside a full-width sign": rf"[{WIDE}] (?!$)|(?<!^) [{WIDE}]",
        "a space between two Chinese characters": rf"[{HAN}] +[{HAN}]",
        "a full-width letter or digit": r"[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]",
        "two signs in a row": r"[，。；：、？！][，。；：、]",
    }.items():
        if match := re.search(pattern, text):
            found.append(f"{what}: …{text[max(0, match.start() - 6) : match.end() + 6]}…")
    return found


def ending(message, translation):
    """Whether a sentence ends as its English does."""
    last = shown(message).rstrip(" )”\"'")[-1:]
    wanted = ENDS.get(last)
    if wanted and not shown(translation).rstrip("）”’」 ").endswith(tuple(wanted)):
        return [f"the English ends with {last!r}, so this should end with one of {wanted}"]
    return []


def problems(message, translation, script=False):
    """Every rule that ``translation`` breaks, in words. ``script`` says that it is a template of JavaScript."""
    found = misplaced(message, translation, script)
    message = without(placeholders(message, script), message)
    translation = without(placeholders(translation, script), translation)
    found += differences(message, translation) + setting(translation) + ending(message, translation)
    if "\n" in translation or (
        not message[:1].isspace() and not message[-1:].isspace() and translation != translation.strip()
    ):
        found.append("blanks at an end, or a line break")
    if re.match(r"[-*+>#] |\d+[.)] ", translation) and not re.match(r"[-*+>#] |\d+[.)] ", message):
        found.append("it begins with a mark of Markdown that the English does not have")
    if not re.search(f"[{HAN}]", translation) and len(re.findall(r"\b[a-z]{2,}\b", without_code(message))) > 3:
        found.append("it is not Chinese")
    return found
