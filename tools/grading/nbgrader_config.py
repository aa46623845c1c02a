"""nbgrader's settings for this course. `make assignment` copies this file beside the gradebook; change the copy."""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ComputeChecksums,
    GetGrades,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)


class Starters(NbGraderPreprocessor):
    """Put the starter, which the book generates from the solution, in the solution's place."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell.source = cell.metadata.pop("starter", cell.source)
        return cell, resources


class Discreet(NbGraderPreprocessor):
    """Feedback without the hidden tests, and outside a student's own cells with an error's message only.

    A traceback shows the source of the checks, and with it the answer.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade"):
            cell.source = cell.source.split("### BEGIN HIDDEN TESTS")[0]
        for output in cell.get("outputs", []) if marks and not marks.get("solution") else []:
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue or 'stopped'}"]
        return cell, resources


class OnlyByMakeGrade(NbGraderPreprocessor):
    """Formgrader's own button would run the hidden tests in a kernel that has no judge, and give everybody 0."""

    def preprocess(self, nb, resources):
        raise RuntimeError("grade with `make grade`: it judges a hand-in in a process of its own, and then calls nbgrader")


TOO_LONG = "the cell ran longer than it may, and was stopped"
c = get_config()  # noqa: F821 -- nbgrader defines it
c.CourseDirectory.course_id = "resnext"
c.Autograde.autograde_preprocessors = [OnlyByMakeGrade]  # `make grade` puts its own in this place
c.ExecutePreprocessor.iopub_timeout = 10  # how long a cell that was stopped may take to give up
c.ExecutePreprocessor.error_on_timeout = {
    "output_type": "error",
    "ename": "TooLong",
    "evalue": TOO_LONG,
    "traceback": [f"TooLong: {TOO_LONG}"],
}
c.GenerateFeedback.preprocessors = [GetGrades, Discreet, CSSHTMLHeaderPreprocessor]
c.GenerateAssignment.preprocessors = [
    LockCells,
    Starters,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
]
