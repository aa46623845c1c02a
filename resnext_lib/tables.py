"""Tables as the book shows them: a frame as HTML with a heading for every row, and the same as plain text."""

from collections.abc import Iterable, Mapping

import pandas as pd
from IPython.display import display

from resnext_lib.published import published


def show(frame: pd.DataFrame, formats: Mapping[str, str] | None = None) -> None:
    """Display ``frame``: as an HTML table, and as text where HTML cannot be shown. The same bytes every time.

    Whole numbers get their thousands commas; ``formats`` gives the format of other columns, as in
    ``{"share": "{:.1%}"}``. A frame whose index has a name is shown with its index as the heading of each row.
    Raises ``TypeError`` for what is no frame, ``ValueError`` for a format of a column that is not there.
    """
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame must be a pandas DataFrame, not {type(frame).__name__}: pandas.DataFrame(rows) makes one")
    formats = formats or {}
    unknown = [name for name in formats if name not in frame.columns]
    if unknown:
        raise ValueError(f"formats names {unknown[0]!r}, but the columns are {list(frame.columns)}")
    written = pd.DataFrame({name: as_text(frame[name], formats.get(name)) for name in frame.columns}, index=frame.index)
    index = frame.index.name is not None
    if index:
        written = written.rename_axis(columns=frame.index.name).rename_axis(index=None)
    page = written.to_html(index=index, border=0, justify="left")
    display({"text/html": page, "text/plain": written.to_string(index=index)}, raw=True)


def as_text(column: Iterable, format_string: str | None = None) -> list[str]:
    """The values of a column as they are written."""
    if format_string is None:
        format_string = "{:,}" if pd.api.types.is_integer_dtype(column) else "{}"
    return [format_string.format(value) for value in column]


def of_published(title: str, rows: Mapping[str, str], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of published numbers: ``rows`` maps what a row is called to the beginning of its entries' names,
    ``columns`` what a column is called to their end; ``title`` stands over the names of the rows.

    Raises ``KeyError`` for an entry that is not there, as :func:`resnext_lib.published.published`.
    """
    values = {column: [published(f"{begin}.{end}")["value"] for begin in rows.values()] for column, end in columns.items()}
    return pd.DataFrame(values, index=pd.Index(rows, name=title))
