"""Columns of numbers are set right, so that ones stand under ones; the class ``number`` says so to book.css.

Which columns of a printed table hold numbers is not said in its HTML, and pandas sets all of them alike.
"""

import re

TABLE = re.compile(r'<table class="dataframe">.*?</table>', re.DOTALL)
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
CELL = re.compile(r"<(t[hd])\b([^>]*)>(.*?)</t[hd]>", re.DOTALL)
# 1,234 and −0.5 and +1.2 % and 3.1 ± 0.2
NUMBER = re.compile(r"[+\-−]?[\d,]*\.?\d+\s?%?(?:\s±\s[\d.]+)?")


def number_columns(rows):
    """The places of the columns whose cells, the row of headings apart, are all numbers."""
    body = [[text.strip() for _, _, text in CELL.findall(row)] for row in rows if "<td" in row]
    if not body or len({len(cells) for cells in body}) != 1:
        return set()
    return {place for place, cells in enumerate(zip(*body, strict=True)) if all(map(NUMBER.fullmatch, cells))}


def align(table):
    """The table with a class on every cell of a column of numbers, headings included."""
    places = number_columns(ROW.findall(table))

    def marked(row):
        cells = iter(range(row.count("<td") + row.count("<th")))

        def cell(found):
            tag, attributes, text = found.groups()
            name = ' class="number"' if next(cells) in places else ""
            return f"<{tag}{name}{attributes}>{text}</{tag}>"

        return CELL.sub(cell, row)

    return ROW.sub(lambda found: marked(found[0]), table)


def mark(app, pagename, templatename, context, doctree):
    if context.get("body"):
        context["body"] = TABLE.sub(lambda found: align(found[0]), context["body"])


def setup(app):
    app.connect("html-page-context", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
