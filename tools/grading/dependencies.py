"""Which cells of a chapter an exercise needs, found from the names that they use and define."""

import ast
import builtins
import re
import symtable

from resnext_lib import exercises

IMPORTS = (ast.Import, ast.ImportFrom)
KNOWN = set(dir(builtins)) | {"display", "get_ipython"}


def tables(table):
    """A symbol table and all inside it."""
    yield table
    for child in table.get_children():
        yield from tables(child)


def used_and_defined(source):
    """Two sets: the names that a cell looks up outside its own functions, and those that it binds at top level."""
    top = symtable.symtable(source, "cell", "exec")
    used = {
        symbol.get_name()
        for table in tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or table is top)
    }
    bound = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    return used - KNOWN, bound


def root(node):
    """The name that ``a.b[0].c`` starts with, or None."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def changed(source):
    """Names of objects that a cell may change in place: ``a[0] = 1``, ``a.b = 1``, ``a.eval()``, also inside a loop."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {
                root(part)
                for target in targets
                for part in getattr(target, "elts", [target])
                if isinstance(part, (ast.Attribute, ast.Subscript))
            }
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
            found.add(root(node.value.func))
    return found


def imports_of(cells):
    """The import statements of ``cells``, in order, each once."""
    found = [ast.unparse(node) for cell in cells for node in ast.parse(cell.source).body if isinstance(node, IMPORTS)]
    return list(dict.fromkeys(found))


def single_imports(statements):
    """Import statements taken apart, one name each: {the name that is bound: the statement}."""
    found = {}
    for node in (node for statement in statements for node in ast.parse(statement).body):
        for alias in node.names:
            if isinstance(node, ast.Import):
                alone = ast.Import([alias])
            else:
                alone = ast.ImportFrom(node.module, [alias], node.level)
            found[alias.asname or alias.name.split(".")[0]] = ast.unparse(alone)
    return found


def gives_away(statement, forbidden):
    """Whether an import of one name brings a function that the check of the exercise forbids."""
    node = ast.parse(statement).body[0]
    return isinstance(node, ast.ImportFrom) and bool(forbidden.sentence(node.module, node.names[0].name))


def needed_imports(notebook, index):
    """The imports of the chapter that the exercise at ``index`` needs, one name a statement.

    Those are the names that solution, check and needed cells use, and those that the question and the hint write as
    code. Nothing else is handed out, and nothing that the check forbids: a chapter imports functions that do what its
    exercises ask for.
    """
    earlier = [cell for cell in notebook.cells[2:index] if cell.cell_type == "code"]
    question, solution, check = (cell.source for cell in notebook.cells[index - 1 : index + 2])
    code = [solution, check, *(cell.source for cell in needed_cells(notebook, index))]
    used = set().union(*(used_and_defined(source)[0] for source in code))
    # What stands before "Exercises" in the same cell belongs to the chapter.
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", question.split("## Exercises")[-1]))))
    checked = getattr(exercises, notebook.cells[index].metadata["exercise"], None)
    named |= set(re.findall(r"\b(\w+)\.\w", checked.hint)) if checked else set()
    return [
        statement
        for name, statement in single_imports(imports_of(earlier)).items()
        if name in used or name in named and not (checked and gives_away(statement, checked.forbidden))
    ]


def imported_names(cells):
    return used_and_defined("\n".join(imports_of(cells)))[1]


def needed_cells(notebook, index):
    """The code cells before ``index`` that the exercise there depends on, besides imports.

    Raises ``ValueError`` if it needs the answer to another exercise, or a name that no cell defines.
    """
    earlier = [cell for cell in notebook.cells[2:index] if cell.cell_type == "code"]
    solution, check = (cell.source for cell in notebook.cells[index : index + 2])
    given = imported_names(earlier)
    needed = (used_and_defined(solution)[0] | used_and_defined(check)[0]) - used_and_defined(solution)[1] - given
    taken = []
    for cell in reversed(earlier):
        used, bound = used_and_defined(cell.source)
        if not needed & (bound | changed(cell.source)):
            continue
        if "exercise" in cell.metadata:
            raise ValueError(f"it uses {sorted(needed & bound)}, the answer to exercise {cell.metadata['exercise']!r}")
        taken.insert(0, cell)
        needed = (needed - bound) | (used - given)
    if needed:
        raise ValueError(f"no cell before it defines {sorted(needed)}")
    return taken
