"""Write every edition of the chapters to a folder: ``python -m tools.classroom [--folder _classroom]``.

Nothing is executed. Running it again gives the same files. What an earlier run made in the folders student, solution and
slides is replaced whole; a file there that it did not make, or that was changed since, is never lost.
Beside them lies the library's wheel, for students' machines.
"""

import argparse
import tempfile
from pathlib import Path

from tools import wheel
from tools.classroom import decks, slides
from tools.classroom.editions import student
from tools.facts import ROOT
from tools.notebooks import chapters_in, read, text_of
from tools.writing import check_folder, replace_made

EDITIONS = "student", "solution", "slides"
README = r"""# The classroom's editions

Made by `make classroom` from the chapters in `chapters/`.
The next time these three folders are made anew: change `chapters/` and `teaching/slides/`, not these files.
What was changed here is not overwritten; the command names it and stops.

- `student/`: the chapters with starters in place of solutions. They run to the end, and every check answers with a hint.
- `solution/`: the chapters as they are, solutions and outputs included.
- `slides/`: one page a chapter. Open it in a browser; no network is needed. The arrow keys lead on,
  `S` opens the speaker's view with notes, `F` fills the screen, `O` shows all slides at once, `?` lists the other keys.
  `make lesson PLAN=50` makes one deck of slides from several chapters, with handouts, and prints both it and its notes.

- `{wheel}`: the library, for machines without this project.

The notebooks need `resnext_lib`.
In this project's environment it is there (`.venv/bin/jupyter lab _classroom`); in Colab their first cell installs it.
On a student's own machine, in a folder with the wheel and the notebooks, three lines install everything.

Linux, where PyTorch without CUDA comes first: the usual one would bring gigabytes of packages for graphics cards.

```
python3 -m venv .venv
.venv/bin/pip install torch torchvision --index-url https://download.pytorch.org/whl/cpu
.venv/bin/pip install {wheel} jupyterlab
```

macOS:

```
python3 -m venv .venv
.venv/bin/pip install torch torchvision
.venv/bin/pip install {wheel} jupyterlab
```

Windows:

```
py -m venv .venv
.venv\Scripts\pip install torch torchvision
.venv\Scripts\pip install {wheel} jupyterlab
```

Then `.venv/bin/jupyter lab`, on Windows `.venv\Scripts\jupyter lab`, opens the notebooks.
That downloads PyTorch once; afterwards no network is needed.

| chapter | exercises | slides | minutes in the notes |
|---|---|---|---|
{rows}

Grading is apart: `make grader` once, then `make assignment`; see `tools/grading/README.md`.
"""


def row(path, notebook):
    exercises = [cell.metadata.exercise for cell in notebook.cells if "exercise" in cell.metadata]
    shown = decks.all_decks().get(path, [])
    return f"| {path.stem} | {', '.join(exercises)} | {len(shown) or 'none'} | {decks.minutes(shown) or ''} |"


def files_of(path):
    """The editions of one chapter: file name to text."""
    notebook = read(path)
    made = {f"student/{path.name}": text_of(student(notebook)), f"solution/{path.name}": path.read_text(encoding="utf-8")}
    if shown := decks.all_decks().get(path):
        made[f"slides/{path.stem}.html"] = slides.page(shown, shown[0].title)
    return made


def write(chapters, folder, library):
    """Replace the editions in ``folder``; what else lies there is left alone. ``library`` is the wheel's path.

    Raises ``SystemExit``, before anything is touched, for a file that would be lost.
    """
    made = {name: text for path in chapters for name, text in files_of(path).items()}
    made["README.md"] = README.format(wheel=library.name, rows="\n".join(row(path, read(path)) for path in chapters))
    replace_made(folder, made | {library.name: library.read_bytes()}, whole=EDITIONS)
    return sorted(made)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "_classroom")
    folder = parser.parse_args(arguments).folder
    chapters = [path for path in chapters_in([ROOT / "chapters"]) if any("exercise" in c.metadata for c in read(path).cells)]
    check_folder(folder)
    with tempfile.TemporaryDirectory() as place:
        names = write(chapters, folder, wheel.build_in(place))
    print(f"{folder}: {len(names)} files for {len(chapters)} chapters, and the library. README.md there says what is what.")


if __name__ == "__main__":
    main()
