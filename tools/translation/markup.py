"""The messages of HTML: what stands between block tags, and the attributes that are read aloud."""

import html
import re

from tools.translation.words import has_words

# In order: what is never language, then a tag. The text lies between them.
PIECE = re.compile(
    r"<!--.*?-->|<style\b.*?</style>|<script\b.*?</script>|<pre\b.*?</pre>|</?[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL,
)
INLINE = re.compile(r"</?(?:a|b|br|code|em|i|kbd|small|span|strong|sub|sup)\b", re.IGNORECASE)
SPOKEN = re.compile(r'(\s(?:alt|aria-label|placeholder|title)=")([^"]*)(")')
SCRIPT = re.compile(r"(<script\b[^>]*>)(.*?)(</script>)", re.DOTALL)
NUMBER = re.compile(r"(\s*<b>)Figure ([\w.]+?)\.(</b>\s*)")


def translate_attributes(tag, translate):
    """A tag with its spoken attributes translated."""

    def replaced(found):
        text = html.unescape(found[2])
        new = translate(text, found[1].strip(' ="')) if has_words(text) else None
        return found[0] if new is None else f"{found[1]}{html.escape(new, quote=True)}{found[3]}"

    return SPOKEN.sub(replaced, tag)


def translate_text(text, translate, kind):
    """One run of text with the inline tags in it; what stands around it is kept."""
    number = NUMBER.match(text)
    head, rest = (number[0], text[number.end() :]) if number else ("", text)
    if number and (named := translate(f"Figure {number[2]}.", "number")) is not None:
        head = f"{number[1]}{named}{number[3].rstrip()}"
    core = rest.strip()
    if not has_words(core):
        return head + rest
    plain = "<" not in core
    new = translate(html.unescape(core) if plain else core, kind)
    if new is None:
        return head + rest
    start = rest.index(core)
    return head + rest[:start] + (html.escape(new, quote=False) if plain else new) + rest[start + len(core) :]


def translate_html(source, translate, script=None):
    """``source`` with every message that ``translate(message, kind)`` knows in the other language.

    ``translate`` returns None for a message that has no translation. ``script(code)`` returns a script's new text.
    """
    made, run, kind, end = [], "", "text", 0

    def close():
        nonlocal run
        made.append(translate_text(run, translate, kind))
        run = ""

    for piece in PIECE.finditer(source):
        run += source[end : piece.start()]
        end = piece.end()
        if INLINE.match(piece[0]):
            run += piece[0]
            continue
        close()
        found = SCRIPT.fullmatch(piece[0])
        if found:
            made.append(found[1] + (script(found[2]) if script else found[2]) + found[3])
        elif piece[0].startswith(("<!--", "<style", "<pre")):
            made.append(piece[0])
        else:
            kind = re.match(r"</?(\w+)", piece[0])[1]
            made.append(translate_attributes(piece[0], translate))
    run += source[end:]
    close()
    return "".join(made)
