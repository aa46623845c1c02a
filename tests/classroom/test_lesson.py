"""A lesson from one command: plans that fit and can be held, votes before answers, notes with the clock, and what prints."""

import re
from itertools import pairwise

import pytest
from pypdf import PdfReader
from site_tools import screen_reader_problems
from test_slides import shown_text

from tools import handout, lesson, minutes
from tools.classroom import decks, plans, slides
from tools.notebooks import read

NAMES = ["45", "50", "90", "2x45", "180"]
of_each_plan = pytest.mark.parametrize("name", NAMES)

# ------------------------------------------------------------------ the plans


def test_the_promised_plans_are_there():
    assert list(plans.plans()) == NAMES


@of_each_plan
def test_the_minutes_of_a_plan_add_up_with_slack(name):
    plan = plans.plans()[name]
    length = sum(int(part) for part in name.split("x")) if "x" not in name else 90
    assert plan.rows[0].start == 0 and plan.minutes == length
    assert all(one.end == next_.start and one.start < one.end for one, next_ in pairwise(plan.rows))
    assert all(row.slack >= 0 for row in plan.rows) and sum(row.slack for row in plan.rows) >= length / 20
    if "x" in name:
        assert 45 in [row.end for row in plan.rows], "a lesson ends where the school bell rings"


@of_each_plan
def test_a_plan_says_what_to_drop_first(name):
    plan = plans.plans()[name]
    numbers = [item.drop for row in plan.rows for item in row.items if item.drop]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)) and len(numbers) >= 3
    assert sum(slide.minutes for slide in plan.dropped_first()) >= 5


@of_each_plan
def test_exercises_of_a_plan_fit_into_their_part(name):
    cells = [cell for path in minutes.chapters() for cell in read(path).cells if "exercise" in cell.metadata]
    needed = {cell.metadata["exercise"]: minutes.exercise_minutes(cell.source) for cell in cells}
    for row in plans.plans()[name].rows:
        assert sum(needed[found] for found in re.findall(r"`(\w+)`", row.what)) <= row.end - row.start


def plan(*rows):
    return plans.plan_of("7", "a test", "Text.\n\n| minutes | do | shown |\n|---|---|---|\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize(
    "rows, message",
    [
        (
            ["| 0–5 | a | [5] *No such slide* |"],
            "row 0–5: chapter 5 has no slide 'No such slide'; it has The ResNeXt block,",
        ),
        (["| 0–5 | a | B99 5 min |"], "row 0–5: the teaching guide has no B99"),
        (["| 0–5 | a | B4 |"], "row 0–5: 'B4' is not understood: write [5] *Title*, Q5.1 2 min or notebooks 10 min"),
        (["| 0–5 | a | B4 6 min |"], "row 0–5: what is shown takes 6 minutes"),
        (["| 0–5 | a | B4 5 min |", "| 6–9 | b | B1 3 min |"], "row 6–9: it does not begin where the row before it ends"),
        (["| 0–5 | a | B4 5 min |", "| later | b | B1 3 min |"], "a row has no minutes such as 5–13 in front"),
    ],
)
def test_a_plan_that_cannot_be_held_is_named_with_its_row(rows, message):
    with pytest.raises(plans.PlanError, match=re.escape("teaching/plans.md, plan 7") + ".*" + re.escape(message)):
        plan(*rows)


# ------------------------------------------------------------------ the deck


@of_each_plan
def test_the_deck_has_the_plans_slides_in_the_plans_order(name):
    made = plans.lesson(plans.plans()[name])
    wanted = [item.slide.title for row in plans.plans()[name].rows for item in row.items]
    assert [slide.title for slide in made[1:]] == wanted
    assert len({slide.address for slide in made}) == len(made), "a link leads to one slide"
    assert [slide.level for slide in made] == [1] + [2] * len(wanted)


@of_each_plan
def test_the_notes_say_when_a_slide_begins_and_what_to_drop(name):
    made, chosen = plans.lesson(plans.plans()[name]), plans.plans()[name]
    begins = [int(re.search(r"Clock: minute (\d+);", slide.extra)[1]) for slide in made[1:]]
    assert begins == sorted(begins) and begins[0] == 0 and begins[-1] < chosen.minutes
    starts = {row.start for row in chosen.rows}
    assert starts <= set(begins), "every part begins with its slide"
    late = [slide.title for slide in made[1:] if "Late? This slide is number" in slide.extra]
    assert sorted(late) == sorted(slide.title for slide in chosen.dropped_first())
    assert all(title in made[0].expect for title in late)


# What would give the answers of the plans' questions away.
GIVES_AWAY = {
    "B3": "50,000|6,000",
    "B4": "216",
    "B5": "d = 40|69,760|39.95",
    "B7": "become 1 and -1",
    "Q4.1": "9, 10, 11",
    "Q6.2": "another order",
    "Q7.2": "4 times (the stage width )?64",
}


@of_each_plan
def test_fault_25_a_question_is_asked_before_its_answer_appears(name):
    """A vote waits for a key, and no slide before it has shown what it asks."""
    made, asked = plans.lesson(plans.plans()[name]), []
    for number, slide in enumerate(made):
        label = next((label for label, answer in plans.answers().items() if answer == slide.then), None)
        if label:
            asked.append(label)
            assert not re.search(GIVES_AWAY[label], slide.text), label
            before = "\n".join(shown_text(earlier) for earlier in made[:number])
            assert re.search(GIVES_AWAY[label], slide.then) and not re.search(GIVES_AWAY[label], before), label
    questions = [item.label for row in plans.plans()[name].rows for item in row.items]
    assert asked == [label for label in questions if label in plans.answers()] and asked


def test_the_class_gets_neither_notes_nor_the_teachers_key():
    chosen = plans.plans()["90"]
    page = slides.page(plans.lesson(chosen, with_answers=False), "Lesson 90", with_notes=False)
    assert "Clock:" not in page and 'class="notes"' not in page
    assert not [answer for answer in plans.answers().values() if len(answer) > 30 and answer in page]


# ------------------------------------------------------------------ the command


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson.browser, "find", lambda: None)
    monkeypatch.setattr(handout, "html", lambda answers=False: f"<p>handout {answers}</p>")
    lesson.main(["50", "--folder", str(tmp_path)])
    return tmp_path


def test_one_command_writes_plan_slides_and_both_handouts(written, capsys):
    names = {path.name for path in written.iterdir() if not path.name.startswith(".")}
    assert names == {"plan.html", "slides.html", "handout.html", "handout-with-answers.html"}
    assert (written / "handout-with-answers.html").read_text(encoding="utf-8") == "<p>handout True</p>"
    assert (written / "handout.html").read_text(encoding="utf-8") == "<p>handout False</p>"


def test_the_plans_page_leads_to_every_slide(written, browser):
    page, deck = ((written / name).read_text(encoding="utf-8") for name in ("plan.html", "slides.html"))
    links = re.findall(r'href="slides.html#/([^"]+)"', page)
    shown = [item.slide.address for row in plans.plans()["50"].rows for item in row.items]
    assert links == shown and all(f'<section id="{name}"' in deck for name in links)
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    tab.goto((written / "plan.html").as_uri())
    assert not screen_reader_problems(tab)
    tab.get_by_role("link", name="What is divided?").click()
    tab.wait_for_function("window.Reveal && Reveal.isReady()")
    assert tab.evaluate("Reveal.getCurrentSlide().id") == "c5-what-is-divided"
    tab.close()


def test_a_plan_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SystemExit, match="there is no plan '60'; teaching/plans.md has 45, 50, 90, 2x45, 180"):
        lesson.main(["60", "--folder", str(tmp_path / "new")])
    assert not (tmp_path / "new").exists()


def test_a_lesson_that_a_teacher_changed_is_kept(written):
    (written / "slides.html").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match="(?s)would be lost:.*slides.html"):
        lesson.main(["50", "--folder", str(written)])
    assert (written / "slides.html").read_text(encoding="utf-8") == "mine"


def test_the_pdfs_show_the_vote_before_the_answer_and_the_notes_behind_the_slide(browser, tmp_path):
    chosen = [slide for slide in plans.lesson(plans.plans()["50"])[1:] if slide.then or slide.title == "Take along"]
    made = lesson.print_pdfs(slides.page(chosen, "Lesson"), browser)
    texts = {}
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
        texts[name] = [page.extract_text() for page in PdfReader(tmp_path / name).pages]
    steps = sum(1 + bool(slide.then or slide.later) for slide in chosen)
    assert len(texts["slides.pdf"]) == steps and "Clock:" not in "".join(texts["slides.pdf"])
    assert len(texts["speaker.pdf"]) == 2 * len(chosen)
    assert all("Clock:" in text for text in texts["speaker.pdf"][1::2])


@pytest.mark.slow
def test_a_printed_slide_has_its_picture_and_its_margin(browser, tmp_path):
    """For print reveal.js makes a slide a plain block, in which a picture has no height and the text stands at the edge."""
    words = {"Each output reads one group of inputs": "A row is an output", "The branches need not differ": "Six widths"}
    chosen = [slide for slide in plans.lesson(plans.plans()["50"]) if slide.title in words]
    for name, content in lesson.print_pdfs(slides.page(chosen, "Lesson"), browser).items():
        (tmp_path / name).write_bytes(content)
        for said in words.values():
            *_, page = [page for page in PdfReader(tmp_path / name).pages if said in page.extract_text()]
            drawing = page.get_contents().get_data()
            assert drawing.count(b" l\n") + drawing.count(b" re\n") > 200, "lines and boxes of the figure"
            left = []

            def note(text, scale, matrix, *_, left=left):
                if text.strip():
                    left.append(scale[0] * matrix[4] + scale[4])

            page.extract_text(visitor_text=note)
            assert min(left) >= 30, f"{name}: {said} stands at the edge"


# ------------------------------------------------------------------ the guide


def test_the_guide_links_to_each_slide_of_each_plan():
    section = plans.guide_section()
    links = re.findall(r'href="\.\./lessons/([\w]+)\.html#/([^"]+)"', section)
    wanted = [(p.name, item.slide.address) for p in plans.plans().values() for row in p.rows for item in row.items]
    assert links == wanted
    assert plans.GUIDE.read_text(encoding="utf-8").count("<!-- the lesson plans -->") == 1


def test_a_deck_of_a_plan_is_made_of_the_chapters_decks():
    titles = {slide.title for made in decks.all_decks().values() for slide in made}
    named = {item.slide.title for p in plans.plans().values() for row in p.rows for item in row.items if item.slide.chapter}
    assert len(named) >= 20 and named <= titles
