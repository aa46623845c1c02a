"""Tables say what the frame says, the same way every time, for the eye, the ear and plain text."""

import pandas as pd
import pytest

from resnext_lib import tables
from resnext_lib.published import published

FRAME = pd.DataFrame({"stage": ["conv2", "conv3"], "parameters": [205_824, 1_197_056], "share": [0.0822, 0.4783]})


@pytest.fixture
def shown(monkeypatch):
    calls = []
    monkeypatch.setattr(tables, "display", lambda data, raw: calls.append(data))
    return calls


def test_numbers_have_commas_and_columns_their_format(shown):
    tables.show(FRAME, {"share": "{:.1%}"})
    page, text = shown[0]["text/html"], shown[0]["text/plain"]
    for words in ("1,197,056", "47.8%", "conv3", "parameters"):
        assert words in page and words in text
    assert "<th>0</th>" not in page and "id=" not in page


def test_a_named_index_is_the_heading_of_each_row(shown):
    tables.show(FRAME.set_index("stage"))
    page = shown[0]["text/html"]
    assert "<th>conv2</th>" in page and page.count("stage") == 1


def test_the_bytes_are_the_same_twice_and_the_frame_stays(shown):
    before = FRAME.copy()
    tables.show(FRAME)
    tables.show(FRAME)
    assert shown[0] == shown[1] and FRAME.equals(before)


def test_markup_in_a_value_is_text(shown):
    tables.show(pd.DataFrame({"name": ["<b>a</b>"]}))
    assert "&lt;b&gt;" in shown[0]["text/html"]


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (([1, 2],), TypeError, "frame must be a pandas DataFrame, not list"),
        (
            (FRAME, {"shares": "{}"}),
            ValueError,
            r"formats names 'shares', but the columns are \['stage', 'parameters', 'share'\]",
        ),
    ],
)
def test_what_cannot_be_shown_is_named(arguments, error, message, shown):
    with pytest.raises(error, match=message):
        tables.show(*arguments)
    assert not shown


def test_a_frame_of_published_numbers_is_read_from_the_list():
    rows = {"dense": "mobilenet.dense", "depthwise": "mobilenet.depthwise"}
    frame = tables.of_published("a paper", rows, {"MACs": "macs", "accuracy": "top1"})
    assert frame.index.name == "a paper" and list(frame.index) == list(rows)
    assert frame["MACs"].tolist() == [published(f"{name}.macs")["value"] for name in rows.values()]
    assert frame["accuracy"].tolist() == [published(f"{name}.top1")["value"] for name in rows.values()]
    with pytest.raises(KeyError, match="no published number is called 'mobilenet.dense.nothing'"):
        tables.of_published("a paper", rows, {"nothing": "nothing"})
