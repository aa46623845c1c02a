"""nbgrader's settings for this course. `make assignment` copies this file beside the gradebook; change the copy."""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)


class Starters(NbGraderPreprocessor):
    """Put the starter, which the book generates from the solution, in the solution's place."""

    def preprocess_cell(self, cell, resources, cell_index):
        cell.source = cell.metadata.pop("starter", cell.source)
        return cell, resources


c = get_config()  # noqa: F821 -- nbgrader defines it
c.CourseDirectory.course_id = "resnext"
c.ExecutePreprocessor.kernel_name = "resnext-book"  # without it correct work scores 0: this environment has no torch
c.ExecutePreprocessor.iopub_timeout = 10            # how long a cell that was stopped may take to give up
c.GenerateAssignment.preprocessors = [LockCells, Starters, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells,
                                      ClearHiddenTests, ComputeChecksums, CheckCellMetadata]
