"""What stands in a notebook: its cells, what a reader sees of their outputs, its prose, numbers and headings."""

import re

OUT_OF_SIGHT = {"hide-output", "hide-cell", "remove-cell", "remove-output"}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def first_line(cell):
    return cell.source.split("\n")[0][:60]


def lines_of(cell):
    return len(cell.source.split("\n"))


def outputs_text(cell):
    """Everything a reader sees of a cell's outputs, as text."""
    texts = []
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        data = output.get("data", {})
        texts += [value for kind, value in data.items() if kind == "text/plain" or "figure" not in value[:9]]
    return "\n".join(texts)


def shows_on_the_site(cell):
    """Whether a code cell's output stands open on a page."""
    return bool(cell.outputs) and not OUT_OF_SIGHT & set(cell.metadata.get("tags", []))


def prose_of(notebook):
    text = "\n".join(cell.source for cell in markdown_cells(notebook))
    text = re.sub(r"\]\([^)]*\)|https?://\S+|arXiv:? ?\d{4}\.\d{4,5}|(issues?|pull request) \d+", " ", text)
    return text.replace("{,}", ",")


def numbers_in(text):
    """The numbers of four or more significant digits in ``text``, without their commas."""
    found = set()
    for match in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text):
        number = match.rstrip(",").replace(",", "")
        digits = number.replace(".", "").lstrip("0")
        is_year = re.fullmatch(r"(19|20)\d\d", number)
        if len(digits) >= 4 and not is_year:
            found.add(number)
    return found


def headings(notebook):
    """(level, title) of every heading outside code fences."""
    text = re.sub(r"```.*?```", "", "\n".join(c.source for c in markdown_cells(notebook)), flags=re.DOTALL)
    return [(len(marks), title.strip()) for marks, title in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]
