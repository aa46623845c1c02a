"""The student edition of a chapter: solutions become starters, and outputs that give answers away are cleared.

The chapter is the source. Its prose, figures and quiz stay; the quiz answers itself in folded boxes, for self-study.
"""

import ast
import copy
import re

FOLDED = ("tags", "jupyter", "cellView", "mystnb")  # how the site, JupyterLab and Colab fold a solution and its check
YOURS = "# your code"


def docstring_end(node):
    """The last line of a definition's head: its signature, and its docstring if it has one."""
    first = node.body[0]
    has_docstring = ast.get_docstring(node, clean=False) is not None
    return first.end_lineno if has_docstring else max(node.lineno, first.lineno - 1)


def head(node, lines):
    """Decorators, signature and docstring of a class or function, as they were typed."""
    start = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    if node.body[0].lineno == node.lineno:  # def f(x): return x
        return lines[start : node.lineno - 1] + [lines[node.lineno - 1][: node.body[0].col_offset].rstrip()]
    # Blank lines and comments between signature and body belong to the answer.
    kept = lines[start : docstring_end(node)]
    while kept and (not kept[-1].strip() or kept[-1].strip().startswith("#")):
        kept.pop()
    return kept


def calls_super(statement):
    """Without arguments, for those would be part of the answer."""
    return ast.unparse(statement) == "super().__init__()"


def empty_function(node, lines):
    """The head, a kept ``super().__init__()``, and a place for the reader's code."""
    pad = " " * (node.col_offset + 4)
    kept = [line for s in node.body if calls_super(s) for line in lines[s.lineno - 1 : s.end_lineno]]
    nothing = "..." if node.name == "__init__" else "return ..."
    body = [*kept, pad + YOURS] if kept else [f"{pad}{nothing}  {YOURS}"]
    return head(node, lines) + body


def empty_class(node, lines):
    methods = [empty_function(part, lines) for part in node.body if isinstance(part, ast.FunctionDef)]
    body = methods or [[" " * (node.col_offset + 4) + f"...  {YOURS}"]]
    return head(node, lines) + "\n\n".join("\n".join(method) for method in body).split("\n")


def names_in(target):
    return [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]


def starter(source):
    """What a student begins with: the solution's imports, names and signatures, with ``...`` for every answer.

    It runs, and its check answers with a hint. Statements other than imports, definitions and assignments are left out.
    """
    lines, made = source.split("\n"), ""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            made += "\n".join(lines[node.lineno - 1 : node.end_lineno]) + "\n"
        elif isinstance(node, ast.FunctionDef):
            made += "\n\n" + "\n".join(empty_function(node, lines)) + "\n\n\n"
        elif isinstance(node, ast.ClassDef):
            made += "\n\n" + "\n".join(empty_class(node, lines)) + "\n\n\n"
        elif isinstance(node, ast.Assign):
            made += "".join(f"{name} = ...  {YOURS}\n" for target in node.targets for name in names_in(target))
    return re.sub(r"\n{3,}", "\n\n\n", made).strip("\n")


def clear(cell):
    cell.outputs, cell.execution_count = [], None


def student(notebook):
    """A copy of a chapter for students: starters instead of solutions, no outputs from the quiz on.

    What comes after the heading "Quiz" shows keys and verdicts, so it is left to be run.
    """
    made, answers_follow = copy.deepcopy(notebook), False
    checked = None  # the exercise whose check comes next
    for cell in made.cells:
        if cell.cell_type == "markdown":
            answers_follow |= any(line == "## Quiz" for line in cell.source.split("\n"))
            continue
        if "exercise" in cell.metadata:
            cell.source = starter(cell.source)
        if "exercise" in cell.metadata or checked:  # a verdict that is folded would not be seen
            for key in FOLDED:
                cell.metadata.pop(key, None)
        checked = cell.metadata.get("exercise")
        if answers_follow:
            clear(cell)
    return made
