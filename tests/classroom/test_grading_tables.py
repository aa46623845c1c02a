"""What learning platforms give is collected, and what grading writes is what they, and Excel, take."""

import csv
import io
import time
import zipfile

import nbformat
import pytest
from grading_for_tests import TITLE, WRONG, StandIn, handed_in, new_course, run, submit, tree

from tools.grading import collect as collecting
from tools.grading import records
from tools.grading.report import harmless

BOOK = nbformat.writes(handed_in())
BAD = nbformat.writes(handed_in(WRONG))
MOODLE = {
    "Wang Wei_4711_assignsubmission_file/week3.ipynb": BOOK,
    "Anna-Lena Müller_4712_assignsubmission_file/week3 (1).ipynb": BAD,
    "王伟_4713_assignsubmission_file/week3.ipynb": BOOK,
    "Participant_4714_assignsubmission_file_week3.ipynb": BOOK,
    "Eve Two_4715_assignsubmission_file/a.ipynb": BOOK,
    "Eve Two_4715_assignsubmission_file/b.ipynb": BOOK,
    "Wang Wei_4711_assignsubmission_file/helper.py": "x = 1",
}
CANVAS = {
    "doejane_1_2_week3-1.ipynb": BOOK,
    "roejohn_LATE_12_34_week3.ipynb": BAD,
    "doejohn_13_35_my week3.ipynb": BOOK,
    "liwei_14_36_week3-2.ipynb": BOOK,
}
NBGRADER = {
    "submitted/ada/week3/week3.ipynb": BOOK,
    "submitted/ada/week3/timestamp.txt": "2026-12-02 10:00:00 UTC",
    "ben/week3/week3.ipynb": BAD,
}


@pytest.fixture
def course(tmp_path):
    return new_course(tmp_path / "course")


@pytest.fixture
def nbgrader(monkeypatch):
    return StandIn(monkeypatch)


def zipped(folder, files, name="all.zip"):
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


def table(course, name="grades.csv"):
    with open(course / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_fault_23_a_moodle_zip_is_collected_and_graded(course, nbgrader, tmp_path):
    assert run(course, "collect", str(zipped(tmp_path, MOODLE)), "--title", TITLE) == 0
    assert (course / "submitted" / "Wang Wei_4711" / TITLE / "helper.py").read_text(encoding="utf-8") == "x = 1"
    assert run(course, "grade", TITLE) == 1
    found = {row["student"]: (row[TITLE], row[f"{TITLE} status"]) for row in table(course)}
    assert found == {
        "Wang Wei_4711": ("20", "graded"),
        "Anna-Lena Müller_4712": ("10", "graded"),
        "王伟_4713": ("20", "graded"),
        "Participant_4714": ("20", "graded"),
        "Eve Two_4715": ("", "the file must be called week3.ipynb, found a.ipynb, b.ipynb"),
    }


def test_fault_23_a_canvas_zip_is_collected_with_its_lateness(course, nbgrader, tmp_path):
    assert run(course, "collect", str(zipped(tmp_path, CANVAS)), "--title", TITLE) == 0
    assert run(course, "grade", TITLE) == 0
    found = {row["student"]: (row[TITLE], row[f"{TITLE} late"]) for row in table(course)}
    assert found == {"doejane_1": ("20", ""), "roejohn_12": ("10", "late"), "doejohn_13": ("20", ""), "liwei_14": ("20", "")}


def test_fault_23_nbgraders_own_form_and_a_folder_are_collected(course, nbgrader, tmp_path):
    assert run(course, "collect", str(zipped(tmp_path, NBGRADER))) == 0
    assert (course / "submitted" / "ada" / TITLE / "timestamp.txt").exists()
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(zipped(tmp_path, MOODLE)).extractall(unpacked)
    assert run(course, "collect", str(unpacked), "--title", TITLE) == 0
    assert run(course, "grade", TITLE) == 1 and len(table(course)) == 7


def test_fault_23_files_and_folders_that_nobody_collected_appear(course, nbgrader, capsys):
    submit(course, "ada")
    (course / "submitted" / "doejane_1_2_week3-1.ipynb").write_text(BOOK, encoding="utf-8")
    folder = course / "submitted" / "Wang Wei_4711_assignsubmission_file"
    folder.mkdir()
    (folder / "week3.ipynb").write_text(BOOK, encoding="utf-8")
    assert run(course, "grade", TITLE) == 1
    said = capsys.readouterr().out
    assert "doejane_1_2_week3-1.ipynb NO SCORE" in said and "make collect" in said
    assert "Wang Wei_4711_assignsubmission_file NO SCORE, the file must lie in" in said
    assert {row["student"] for row in table(course)} == {"ada", "Wang Wei_4711_assignsubmission_file"}


@pytest.mark.parametrize(
    ("name", "titles", "right"),
    [
        ("week3.ipynb", ["week3"], "week3"),
        ("week3-1.ipynb", ["week3"], "week3"),
        ("week3 (2).ipynb", ["week3"], "week3"),
        ("week3-1.ipynb", ["week3", "week3-1"], "week3-1"),
        ("week3 - Copy.ipynb", ["week3"], "week3"),
        ("mine.ipynb", ["week3"], None),
        ("week31.ipynb", ["week3"], None),
    ],
)
def test_fault_23_the_assignment_that_a_file_s_name_means(name, titles, right):
    assert collecting.title_in(name, titles) == right


def test_fault_23_an_earlier_hand_in_is_kept(course, tmp_path):
    run(course, "collect", str(zipped(tmp_path, {"doejane_1_2_week3.ipynb": BAD})))
    run(course, "collect", str(zipped(tmp_path, {"doejane_1_2_week3.ipynb": BAD})))
    assert not (course / "earlier").exists(), "the same again changes nothing"
    run(course, "collect", str(zipped(tmp_path, {"doejane_1_9_week3-1.ipynb": BOOK})))
    assert (course / "earlier" / "doejane_1" / TITLE / "1" / "week3.ipynb").read_text(encoding="utf-8") == BAD
    assert (course / "submitted" / "doejane_1" / TITLE / "week3.ipynb").read_text(encoding="utf-8") == BOOK


@pytest.mark.parametrize(
    "path",
    [
        "../../../evil.ipynb",
        "/etc/evil.ipynb",
        "..\\..\\evil_1_2_week3.ipynb",
        "a/../../x_1_2_week3.ipynb",
        ".._4711_assignsubmission_file/week3.ipynb",
        "x_1_2_../../week3.ipynb",
        "..:_1_2_week3.ipynb",
    ],
)
def test_fault_23_no_name_in_a_zip_leads_out_of_the_course(path, course, tmp_path):
    before = {name: text for name, text in tree(tmp_path).items() if "submitted" not in name}
    archive = zipped(tmp_path, {path: BOOK, "doejane_1_2_week3.ipynb": BOOK})
    run(course, "collect", str(archive), "--title", TITLE)
    after = tree(tmp_path)
    new = {name for name in set(after) - set(before) if name != "all.zip"}
    assert all(name.startswith("course/submitted/") or name == "course/collected.json" for name in new), new
    assert all(len(name.split("/")) == 5 for name in new - {"course/collected.json"}), new


def test_fault_23_what_is_no_zip_of_a_platform_s_is_refused(course, tmp_path):
    (tmp_path / "broken.zip").write_bytes(b"PK nothing")
    assert "cannot be opened as a zip" in run(course, "collect", str(tmp_path / "broken.zip"))
    assert "It holds: readme.txt" in run(course, "collect", str(zipped(tmp_path, {"readme.txt": "x"})))
    assert "there is no assignment 'week4'; there are: week3" in run(
        course, "collect", str(zipped(tmp_path, CANVAS)), "--title", "week4"
    )
    assert not (course / "submitted").exists()


def test_fault_23_a_file_of_nobody_s_is_named_and_the_status_says_so(course, tmp_path, capsys):
    archive = zipped(tmp_path, {"doejane_1_2_week3.ipynb": BOOK, "notes.txt": "x"})
    assert run(course, "collect", str(archive)) == 1
    assert "NOT TAKEN            notes.txt" in capsys.readouterr().out


def test_fault_23_a_renamed_notebook_belongs_to_the_assignment_of_the_others(course, nbgrader, tmp_path):
    """Its student was in no table: the file was "nobody's"."""
    new_course(tmp_path / "course", "week4")
    files = {"doejane_1_2_week3.ipynb": BOOK, "roejohn_3_4_homework final (2).ipynb": BOOK}
    assert run(course, "collect", str(zipped(tmp_path, files))) == 0
    assert run(course, "grade", TITLE) == 0
    assert {row["student"]: row[TITLE] for row in table(course)} == {"doejane_1": "20", "roejohn_3": "20"}


def test_19_a_renamed_notebook_and_a_second_one_are_named(course, tmp_path, capsys):
    names = {"Ada_1": ["Homework 3.ipynb"], "Ben_2": ["week3.ipynb", "week3 copy.ipynb"], "Cem_3": ["week3 (1).ipynb"]}
    place = tmp_path / "hand-ins"
    for student, files in names.items():
        for number, name in enumerate(files):
            (place / f"{student}_assignsubmission_file").mkdir(parents=True, exist_ok=True)
            (place / f"{student}_assignsubmission_file" / name).write_text(BAD if number else BOOK, encoding="utf-8")
    assert run(course, "collect", str(place)) == 0
    said = {line.split()[0]: line.split(": ", 1)[1] for line in capsys.readouterr().out.splitlines()}
    assert said["Ada_1"] == "new, was called 'Homework 3.ipynb'"
    assert said["Ben_2"] == "new; also handed in, not graded: 'week3 copy.ipynb'"
    assert said["Cem_3"] == "new", "browsers add a number; nothing was renamed"


def test_fault_23_a_renamed_notebook_of_an_unknown_assignment_is_named_with_what_to_type(course, tmp_path, capsys):
    new_course(tmp_path / "course", "week4")
    files = {"doejane_1_2_week3.ipynb": BOOK, "roejohn_3_4_week4.ipynb": BOOK, "eve_5_6_mine.ipynb": BOOK}
    assert run(course, "collect", str(zipped(tmp_path, files))) == 1
    said = capsys.readouterr().out
    assert "mine.ipynb of eve_5: it may belong to week3, week4; say which: NAME=week3" in said
    assert "say NAME=week3" in run(course, "collect", str(zipped(tmp_path, {"eve_5_6_mine.ipynb": BOOK}, "one.zip")))


def test_fault_23_a_hand_in_of_an_assignment_that_there_is_not_is_named(course, tmp_path, capsys):
    files = NBGRADER | {"submitted/eve/week9/week9.ipynb": BOOK}
    assert run(course, "collect", str(zipped(tmp_path, files))) == 1
    assert "week9.ipynb of eve: there is no assignment week9; there are: week3" in capsys.readouterr().out
    empty = new_course(tmp_path / "empty")
    (empty / "source" / TITLE / f"{TITLE}.ipynb").unlink()
    assert "no assignment was made yet" in run(empty, "collect", str(zipped(tmp_path, CANVAS)))


def test_fault_23_text_typed_into_moodle_is_no_file_of_nobody_s(course, tmp_path, capsys):
    typed = "Ada Lovelace_7_assignsubmission_onlinetext/onlinetext.html"
    files = {"Ada Lovelace_7_assignsubmission_file/week3.ipynb": BOOK, typed: "<p>here it is</p>"}
    assert run(course, "collect", str(zipped(tmp_path, files))) == 0
    assert "Ada Lovelace_7: left out a text that was typed into Moodle" in capsys.readouterr().out
    assert [path.name for path in (course / "submitted" / "Ada Lovelace_7" / TITLE).iterdir()] == ["week3.ipynb"]


# ------------------------------------------------------------------ 24: tables

ROSTER = "student;last_name;first_name;email;moodle\nwei;王;伟;wei@uni.edu;4713\nada;Lovelace;Ada;ada@uni.edu;\nzoe;=cmd|' /C calc'!A0;Zoe;z@uni.edu;\n"


def graded(course, tmp_path):
    (course / "roster.csv").write_text(ROSTER, encoding="utf-8-sig")
    run(course, "collect", str(zipped(tmp_path, MOODLE)), "--title", TITLE)
    run(course, "collect", str(zipped(tmp_path, CANVAS)), "--title", TITLE)
    run(course, "grade", TITLE)


def test_fault_24_grades_have_one_row_a_student_with_due_date_and_status(course, nbgrader, tmp_path):
    nbgrader.due[TITLE] = records.utc("2026-12-01 23:59")
    graded(course, tmp_path)
    raw = (course / "grades.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "by this mark Excel reads 王伟"
    rows = {row["student"]: row for row in table(course)}
    assert list(rows["wei"]) == [
        "student",
        "last_name",
        "first_name",
        "email",
        TITLE,
        *(f"{TITLE} {what}" for what in ("points", "status", "due", "handed in", "late")),
    ]
    assert (
        rows["wei"]
        | {
            "last_name": "王",
            "first_name": "伟",
            "email": "wei@uni.edu",
            TITLE: "20",
            f"{TITLE} points": "20",
            f"{TITLE} status": "graded",
            f"{TITLE} due": "2026-12-01 23:59",
        }
        == rows["wei"]
    )
    assert rows["ada"][TITLE] == "" and rows["ada"][f"{TITLE} status"] == "not handed in"
    assert rows["zoe"]["last_name"].startswith("'="), "a name is not a formula"
    assert len(rows) == len(table(course))


def moodle_takes(text):
    """{number: grade} as Moodle's importer of grading worksheets reads a file, or None where it refuses the file.

    It wants three columns by their English names, cuts the number out of "Participant 4711", and skips a grade above
    the maximum. mod/assign/feedback/offline in Moodle's sources has it.
    """
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not {"Identifier", "Grade", "Last modified (grade)"} <= set(rows[0]):
        return None
    numbers = {row["Identifier"][len("Participant ") :]: float(row["Grade"]) for row in rows}
    return {int(number): grade for number, grade in numbers.items()}


def test_fault_24_moodle_s_worksheet_reads_back(course, nbgrader, tmp_path):
    graded(course, tmp_path)
    text = (course / f"moodle-{TITLE}.csv").read_text(encoding="utf-8")
    assert moodle_takes(text) == {4711: 20, 4712: 10, 4713: 20, 4714: 20}, "without a score nothing is imported, no zero"
    rows = {row["Identifier"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert rows["Participant 4713"]["Full name"] == "伟 王" and rows["Participant 4713"]["Email address"] == "wei@uni.edu"
    assert {row["Last modified (grade)"] for row in rows.values()} == {"-"}, "older than any grade that Moodle has"


def moodle_returns(path):
    """{number: file} as Moodle's importer of feedback files reads a zip: NAME_NUMBER_TYPE_PLUGIN, then the file."""
    found = {}
    for name in zipfile.ZipFile(path).namelist():
        parts = [part.split("_", 4) for part in name.split("/")]
        (info,) = [
            info for info in parts if len(info) >= 4 and info[1].isdigit() and info[2:4] == ["assignsubmission", "file"]
        ]
        found[int(info[1])] = name.split("/")[-1]
    return found


def canvas_returns(path):
    """{student's number: file's number}, the first two parts of a name that are numbers, as Canvas's importer reads it."""
    names = [name.split("_") for name in zipfile.ZipFile(path).namelist()]
    return dict([part for part in name if part.isdigit()][:2] for name in names)


def test_feedback_goes_back_by_the_names_that_the_platforms_read(course, nbgrader, tmp_path, capsys):
    """A teacher had to give back a hundred pages one by one."""
    graded(course, tmp_path)
    everybody = dict.fromkeys(range(4711, 4716), "week3.html")
    assert moodle_returns(course / "moodle-feedback-week3.zip") == everybody
    reason = (course / "feedback" / "Eve Two_4715" / TITLE / f"{TITLE}.html").read_text(encoding="utf-8")
    assert "This is not a zero" in reason and "the file must be called week3.ipynb, found a.ipynb, b.ipynb" in reason
    # A page is of what was graded; what lies there since has none, until it is graded as well.
    lying = course / "submitted" / "wei" / TITLE / f"{TITLE}.ipynb"
    lying.rename(lying.with_name("mine.ipynb"))
    assert run(course, "grade", TITLE, "--student", "Participant_4714") == 0
    assert moodle_returns(course / "moodle-feedback-week3.zip") == dict.fromkeys((4711, 4712, 4714, 4715), "week3.html")
    assert canvas_returns(course / "canvas-feedback-week3.zip") == {"1": "2", "12": "34", "13": "35", "14": "36"}
    assert f"To give it back: {course / 'moodle-feedback-week3.zip'}" in capsys.readouterr().out
    pages = zipfile.ZipFile(course / "canvas-feedback-week3.zip")
    own = (course / "feedback" / "roejohn_12" / TITLE / f"{TITLE}.html").read_bytes()
    assert pages.read("roejohn_12_34_week3.html") == own


def canvas_takes(text):
    """({ID: grade}, possible points) as Canvas's gradebook importer reads a file, or None where it refuses the file.

    The first row begins with Student and ID and has Section behind the SIS columns; a row of which the first cell
    says "Points Possible" is no student. lib/gradebook_importer.rb in Canvas's sources has it.
    """
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    own = 5 if head[2:4] == ["SIS User ID", "SIS Login ID"] else 3
    if "Student" not in head[0] or "ID" not in head[1] or "Section" not in head[own - 1] or len(head) != own + 1:
        return None
    points = [row[own] for row in rows if "Points Possible" in row[0]]
    return {int(row[1]): float(row[own]) for row in rows if "Points Possible" not in row[0]}, points


def test_fault_24_canvas_s_gradebook_reads_back(course, nbgrader, tmp_path):
    graded(course, tmp_path)
    text = (course / f"canvas-{TITLE}.csv").read_text(encoding="utf-8")
    assert canvas_takes(text) == ({1: 20, 12: 10, 13: 20, 14: 20}, ["20"])
    assert text.split("\n")[0] == f"Student,ID,SIS User ID,SIS Login ID,Section,{TITLE}"


@pytest.mark.parametrize(
    ("text", "says"), [("name,email\nx,y\n", "has no column student"), ("student\nada\nada\n", "ada more than once")]
)
def test_fault_24_a_roster_that_cannot_be_used_is_said_before_anything_runs(text, says, course, nbgrader):
    (course / "roster.csv").write_text(text, encoding="utf-8")
    submit(course, "ada")
    assert says in run(course, "grade", TITLE) and nbgrader.ran == []


def test_fault_24_a_roster_in_another_encoding_is_said(course, nbgrader):
    (course / "roster.csv").write_bytes("student,last_name\nwei,王\n".encode("gbk"))
    submit(course, "ada")
    assert "save it as 'CSV UTF-8'" in run(course, "grade", TITLE) and nbgrader.ran == []


@pytest.mark.parametrize(
    ("text", "right"), [("=1", "'=1"), ("+1", "'+1"), ("@x", "'@x"), ("-1", "'-1"), ("王伟", "王伟"), ("20", "20")]
)
def test_fault_24_names_are_no_formulas(text, right):
    assert harmless(text) == right


@pytest.fixture
def in_shanghai(monkeypatch):
    """A machine whose clock is eight hours ahead of UTC: on one that shows UTC, mistakes with zones cannot be seen."""
    if not hasattr(time, "tzset"):
        pytest.skip("Windows keeps its time zone for all programs")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_fault_24_due_dates_are_by_this_machines_clock(in_shanghai):
    assert records.utc("2026-12-01 23:59") == "2026-12-01 15:59:00"
    assert records.local("2026-12-01 15:59:00") == "2026-12-01 23:59"
    for text in ("tomorrow", "2026-13-01", ""):
        with pytest.raises(ValueError, match="a due date looks like"):
            records.utc(text)
