"""The library reference as Markdown, made from resnext_lib's docstrings when the site is built (chapters/library.md).

It reads the source and imports nothing, so the page depends only on the source.
"""

import ast
import re
from collections import Counter

from tools.facts import ROOT

# In the order of a reader's questions.
MODULES = {
    "blocks": "How is a block built?",
    "forms": "What are the three forms?",
    "networks": "Which networks are there?",
    "descendants": "What came after the block?",
    "complexity": "What does it cost?",
    "weights": "How do I load weights?",
    "data": "Where do the images come from?",
    "training": "How is a network trained?",
    "timing": "How fast is it?",
    "inference": "How do I use a network, fast or elsewhere?",
    "paths": "What do the paths of a network do?",
    "experiments": "How was an experiment run?",
    "statistics": "What do the numbers support?",
    "published": "Where does a number come from?",
    "figures": "How is a figure drawn?",
    "tables": "How is a table shown?",
    "explorers": "Which figures can be played with?",
    "exercises": "What does an exercise expect?",
    "arguments": "Who checks the arguments?",
}
LINE = 44  # characters of code that fit on a phone
QUESTIONS = "| question | module |\n|---|---|\n{rows}"


def label(sentence):
    """Whether a sentence stands for itself in a list: shapes, units, errors, source."""
    return re.match(r"(Shapes?|Units?|Raises|Errors|Source|Paper|Example|Weight|Arguments)\b", sentence)


def sentences(paragraph):
    """The sentences of a paragraph; code in backquotes is never cut."""
    text = " ".join(paragraph.split())
    codes = iter(re.findall(r"`[^`]*`", text))
    text = re.sub(r"`[^`]*`", "\0", text).replace("*", r"\*")
    pieces = re.split(r"(?<=[.!?])(?<!Fig\.)(?<!Eq\.)(?<!al\.) (?=[A-Z\0]|torchvision)", text)
    return [re.sub("\0", lambda mark: next(codes), piece) for piece in pieces]


def markdown(docstring, names=()):
    """A docstring as plain Markdown: roles become code, labelled sentences a list, arXiv ids links."""
    text = re.sub(r":\w+:`[~\w.]*?(\w+)`", lambda role: f"``{role[1]}``", docstring)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    lines = []
    for paragraph in re.split(r"\n\s*\n", text):
        own = []
        for sentence in sentences(paragraph):
            sentence = re.sub(r"arXiv (\d{4}\.\d{4,5})", r"[arXiv \1](https://arxiv.org/abs/\1)", sentence)
            sentence = re.sub(r"(?<!\[)`(\w+)`", lambda code: linked(code[1], names), sentence)
            if label(sentence) and own and not own[-1].startswith("- "):
                own.append("")
            if not label(sentence) and own and own[-1].startswith("- "):
                own.append("")
            own.append(f"- {sentence}" if label(sentence) else sentence)
        lines += ["", *own] if lines else own
    return "\n".join(lines)


def linked(name, names):
    return f"[`{name}`](#{name.lower()})" if name in names else f"`{name}`"


def call(name, arguments):
    """The call as code, one argument a line where it does not fit a phone."""
    parts = arguments if isinstance(arguments, list) else parameters(arguments)
    one = f"{name}({', '.join(parts)})"
    if len(one) <= LINE:
        return one
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def parameters(arguments):
    """The parameters of a function as source, with defaults, without self."""
    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    keyword = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    found = [spelt(a, d) for a, d in zip(positional, defaults, strict=True) if a.arg != "self"]
    found += [f"*{arguments.vararg.arg}"] if arguments.vararg else ["*"] if keyword else []
    found += [spelt(a, d) for a, d in keyword]
    return found + ([f"**{arguments.kwarg.arg}"] if arguments.kwarg else [])


def spelt(argument, default):
    return argument.arg if default is None else f"{argument.arg}={ast.unparse(default)}"


def fields(node):
    """The fields of a dataclass, as its call takes them."""
    found = []
    for n in node.body:
        if isinstance(n, ast.AnnAssign):
            made = isinstance(n.value, ast.Call)  # field(default_factory=list)
            default = f"{n.value.keywords[0].value.id}()" if made else n.value and ast.unparse(n.value)
            found.append(n.target.id + (f"={default}" if default else ""))
    return found


def signature(node):
    if isinstance(node, ast.FunctionDef):
        return call(node.name, node.args)
    own = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    return call(node.name, own[0].args if own else fields(node))


def tree_of(module):
    return ast.parse(source_of(module).read_text(encoding="utf-8"))


def source_of(module):
    """The file of a module, or of a package."""
    file = ROOT / "resnext_lib" / f"{module}.py"
    return file if file.is_file() else ROOT / "resnext_lib" / module / "__init__.py"


def chapter_number(path):
    """The chapter that a module of checks names in its first line, or None."""
    found = re.match(r"The checks of chapter (\d+)", ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))))
    return int(found[1]) if found else None


def chapters_of_checks():
    """The modules of checks, in the order of their chapters."""
    found = [path for path in source_of("exercises").parent.glob("*.py") if chapter_number(path)]
    return sorted(found, key=chapter_number)


def definitions(module):
    """The public functions and classes of a module, in order."""
    found = [n for n in tree_of(module).body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    found += exported(module)
    return [node for node in found if not node.name.startswith("_")]


def exported(module):
    """The functions and classes that a package gives out, from the modules of its folder that define them."""
    source = source_of(module)
    found = []
    for node in tree_of(module).body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"resnext_lib.{module}."):
            names = {alias.name for alias in node.names}
            inner = (source.parent / f"{node.module.split('.')[-1]}.py").read_text(encoding="utf-8")
            found += [n for n in ast.parse(inner).body if getattr(n, "name", None) in names]
    return found


def constants(module):
    """(name, value, assignment) of every public assignment at the top of a module."""
    for node in tree_of(module).body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            several = isinstance(target, ast.Tuple)
            pairs = zip(target.elts, value.elts, strict=True) if several else [(target, value)]
            yield from ((name.id, own, node) for name, own in pairs if not name.id.startswith("_"))


def remark(module, node):
    """What the comment on or above an assignment says."""
    lines = (ROOT / "resnext_lib" / f"{module}.py").read_text(encoding="utf-8").split("\n")
    beside = re.search(r"  # (.+)", lines[node.lineno - 1])
    above, i = [], node.lineno - 2
    while lines[i].startswith("# "):
        above.insert(0, lines[i][2:])
        i -= 1
    return beside[1] if beside else " ".join(above)


def constant_lines(module):
    for name, value, node in constants(module):
        shown, said = ast.unparse(value), markdown(remark(module, node))
        line = f"- `{name}`" + (f" = `{shown}`" if len(shown) <= LINE else "") + (f": {said}" if said else "")
        yield line if line.endswith(".") else f"{line}."


def hint_of(node):
    """The hint of an exercise's check, or None for every other function."""
    for decorator in getattr(node, "decorator_list", []):
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "check":
            return decorator.args[0].value
    return None


def chapter_files():
    return re.findall(r"file: chapters/(\d\d_\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))


def check_list():
    """The exercises' checks, chapter by chapter: what each expects, and the hint it gives."""
    lines = []
    for path in chapters_of_checks():
        number = chapter_number(path)
        file = next(name for name in chapter_files() if int(name[:2]) == number)
        lines += ["", f"[Chapter {number}]({file}.ipynb#exercises):", ""]
        for node in filter(hint_of, ast.parse(path.read_text(encoding="utf-8")).body):
            hint = markdown(hint_of(node))
            hint += "" if hint.endswith((".", "?")) else "."
            lines += [f"- `{node.name}`: {markdown(ast.get_docstring(node))}", f"  *Hint:* {hint}"]
    return lines


def entry(node, names):
    said = markdown(ast.get_docstring(node) or "", names - {node.name})
    return ["", f"### `{node.name}`", "", "```python", signature(node), "```", "", said]


def slug(title):
    """The anchor of a heading, as GitHub and the site make it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower().replace(" ", "-"))


def plain_definitions(module):
    """The public functions and classes of a module that are no check of an exercise."""
    return [node for node in definitions(module) if not hint_of(node)]


def names_with_an_anchor():
    """The names that have a heading of their own on the page: GoogLeNet and googlenet share one."""
    names = [node.name for module in MODULES for node in plain_definitions(module)]
    anchors = Counter(name.lower() for name in names)
    return {name for name in names if anchors[name.lower()] == 1}


def section(module, names):
    """A module's part of the page; in its docstrings ``names`` become links."""
    lines = ["", f"## {MODULES[module]}", "", f"Module `resnext_lib.{module}`."]
    lines += ["", markdown(ast.get_docstring(tree_of(module)), names)]
    if module == "exercises":
        lines += ["", "Here is what each check expects as the answer, and the hint that it gives without one."]
        lines += [*check_list(), "", "The package gives out two names more."]
    found = list(constant_lines(module))
    lines += ["", *found] if found else []
    for node in plain_definitions(module):
        lines += entry(node, names)
    return lines


def page():
    """Everything below the page's introduction, as Markdown."""
    rows = [f"| [{question}](#{slug(question)}) | `{module}` |" for module, question in MODULES.items()]
    lines = [QUESTIONS.format(rows="\n".join(rows))]
    names = names_with_an_anchor()
    for module in MODULES:
        lines += section(module, names)
    return "\n".join(lines)
