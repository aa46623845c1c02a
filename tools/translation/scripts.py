"""The messages of a script: what its strings and templates say to a reader. The code around them stays as it is."""

import json
import re

# Where a division cannot stand, a slash begins a regular expression.
BEFORE_EXPRESSION = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%<>~]|=>|\breturn)\s*$")
REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/[a-z]*")


def string_end(code, start):
    """The place behind the string that begins at ``start``."""
    end = start + 1
    while code[end] != code[start]:
        end += 2 if code[end] == "\\" else 1
    return end + 1


def template_parts(code, start):
    """The places of the expressions in the template that begins at ``start``, and the place behind it."""
    inner, i = [], start + 1
    while code[i] != "`":
        if code.startswith("${", i):
            end = expression_end(code, i + 2)
            inner.append((i + 2, end))
            i = end
        i += 2 if code[i] == "\\" else 1
    return inner, i + 1


def expression_end(code, start):
    """The place of the brace that closes a template's expression."""
    depth, i = 0, start
    while depth or code[i] != "}":
        if code[i] in "\"'":
            i = string_end(code, i)
        elif code[i] == "`":
            i = template_parts(code, i)[1]
        else:
            depth += {"{": 1, "}": -1}.get(code[i], 0)
            i += 1
    return i


def literals(code):
    """(start, end) of every string and template of a script, those inside a template's expressions too, innermost last."""
    found, i = [], 0
    while i < len(code):
        if code.startswith("//", i):
            i = code.find("\n", i) if "\n" in code[i:] else len(code)
        elif code.startswith("/*", i):
            i = code.index("*/", i) + 2
        elif code[i] in "\"'":
            end = string_end(code, i)
            found.append((i, end))
            i = end
        elif code[i] == "`":
            inner, end = template_parts(code, i)
            found.append((i, end))
            for a, b in inner:
                found += [(a + x, a + y) for x, y in literals(code[a:b])]
            i = end
        elif code[i] == "/" and BEFORE_EXPRESSION.search(code[max(0, i - 12) : i]) and (regex := REGEX.match(code, i)):
            i = regex.end()
        else:
            i += 1
    return found


# ------------------------------------------------------------------ which of them are read

LETTERS = re.compile(r"[A-Za-z]{2,}")
# Names of classes, selectors, CSS values, lines of Python: not language although they have spaces.
NOT_LANGUAGE = re.compile(
    "|".join(
        [
            r"\s*(?:(?:[fs]-[\w-]+|thin|dashed|strong|halo|mono|crisp|lane|passes)\s*)+",
            r"[a-z\[\]., :>-]*(?:input|select|pre|form)\b[^A-Z’]*(?:button|span|mono|pre|checked).*",
            r"form\.[\w.-]+ input|\(forced-colors.*|use strict|translate\(.*|https?:.*",
            r"(?:for \w+ in |    |\w+ = ).*",
        ]
    ),
    re.DOTALL,
)
# Single words that a reader sees: the label in a pair [value, label], and what stands behind one of these.
PAIR = re.compile(r'\["\w+",\s*$'), re.compile(r"\s*\](?!\.)")
SINGLE = re.compile(
    "|".join(
        [
            r"const rows = \[\[$",
            r"row === 2 && n\.shuffle \? $",
            r'class: "off" \}, $',
            r"p \+ 1 : $",
            r'=== "weights" \? $|\? "parameters" : $',
            r'const words = \[(?:"\w+", )*$',
            r"\b(?:path|input|middle|output): $",
            r"const bars = \[(?:\[.*?\], )*\[$",
            r'cells\("th", \[$',
        ]
    )
)
DATA = re.compile(r"(\bdata = )(\{.*?\})(;\n)", re.DOTALL)
# In a script's data the values of these keys are read, single words too.
READ_KEYS = {"classes", "options", "name"}
# A name in code, such as layer1.0.conv2.
CODE_NAME = re.compile(r"[\w-]*[\d._][\w.-]*|fc")


def template_words(text):
    """A template without its expressions."""
    inner, _ = template_parts(f"`{text}`", 0)
    for start, end in reversed(inner):
        text = text[: start - 3] + "\0" + text[end:]
    return text


def is_read(literal, before, after):
    """Whether a reader sees this string or template, which stands between ``before`` and ``after``."""
    text = template_words(literal[1:-1]) if literal[0] == "`" else literal[1:-1]
    if not LETTERS.search(text) or NOT_LANGUAGE.fullmatch(text.replace("\0", "")) or NOT_LANGUAGE.fullmatch(text):
        return False
    if after.startswith(":"):  # the key of an object
        return False
    if re.search(r"[A-Za-z] |^[A-Z][a-z]| [A-Za-z]|^\W+ \w", text):
        return True
    return bool((PAIR[0].search(before) and PAIR[1].match(after)) or SINGLE.search(before))


def translate_literal(literal, translate):
    """A string or template in the other language; inside a template's expressions too."""
    if literal[0] != "`":
        new = translate(json.loads(f'"{literal[1:-1]}"'), "script")
        return literal if new is None else json.dumps(new, ensure_ascii=False)
    new = translate(literal[1:-1], "script")
    return literal if new is None else f"`{new}`"


def translate_code(code, translate):
    """``code`` with every string that is read in the other language."""
    made, end = [], 0
    for start, stop in literals(code):
        if start < end:  # inside a template that has been dealt with
            continue
        literal = code[start:stop]
        if is_read(literal, code[max(0, start - 300) : start], code[stop : stop + 40]):
            literal = translate_literal(literal, translate)
        made += [code[end:start], inside(literal, translate)]
        end = stop
    return "".join([*made, code[end:]])


def inside(literal, translate):
    """A template whose expressions are translated as code of their own."""
    if literal[0] != "`":
        return literal
    made, end = [], 0
    for start, stop in template_parts(literal, 0)[0]:
        made += [literal[end:start], translate_code(literal[start:stop], translate)]
        end = stop
    return "".join([*made, literal[end:]])


def translate_data(value, translate, key=""):
    """The data that a script is given, with what is read in the other language."""
    if isinstance(value, dict):
        return {name: translate_data(item, translate, name) for name, item in value.items()}
    if isinstance(value, list) and key == "options":  # [value, label]
        return [[name, translate_data(label, translate, key)] for name, label in value]
    if isinstance(value, list):
        return [translate_data(item, translate, key) for item in value]
    if not isinstance(value, str) or not LETTERS.search(value):
        return value
    if " " not in value and (key not in READ_KEYS or CODE_NAME.fullmatch(value)):
        return value
    new = translate(value, "script")
    return value if new is None else new


def translate_script(code, translate):
    """A whole script of an explorer: its code, and the data in it."""
    found = DATA.search(code)
    if not found:
        return translate_code(code, translate)
    old = json.loads(found[2])
    new = translate_data(old, translate)
    text = found[2]
    if new != old:
        text = json.dumps(new, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/").replace("<!--", "<\\u0021--")
    before, after = code[: found.start()], code[found.end() :]
    return translate_code(before, translate) + found[1] + text + found[3] + translate_code(after, translate)
