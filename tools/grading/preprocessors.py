"""What nbgrader does with a hand-in here: run its cells in a kernel behind walls, and take the verdicts as they are.

This runs in nbgrader's environment, where there is no PyTorch and nothing of a student's is executed.
"""

import json
import os
from pathlib import Path

from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute

PATIENCE = 300  # seconds for a cell of the teacher's, which imports what answers need
LARGEST = 1_000_000  # characters that a notebook may give out; what follows is left out
OUTPUTS = ("stream", "display_data", "update_display_data", "execute_result", "error")


class Judged(Execute):
    """Runs a notebook, except for graded cells that were judged before: these get the verdict as their output."""

    def preprocess(self, nb, resources, *arguments):
        path = os.environ.pop("RESNEXT_VERDICTS", None)
        if path is None:
            raise RuntimeError("hand-ins are graded by `make grade`, which judges them before nbgrader runs them")
        self.verdicts, self.given_out = json.loads(Path(path).read_text(encoding="utf-8")), 0
        self.timeout_func = self.patience
        return super().preprocess(nb, resources, *arguments)

    def patience(self, cell):
        """The seconds that a cell may take."""
        marks = cell.metadata.get("nbgrader", {})
        own = marks.get("locked") and not str(marks.get("grade_id")).endswith("-check")
        return PATIENCE if own else self.timeout

    def preprocess_cell(self, cell, resources, index):
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and marks.get("grade_id") in self.verdicts:
            passed, sentence = self.verdicts[marks["grade_id"]]
            right = new_output("stream", name="stdout", text=sentence + "\n")
            wrong = new_output("error", ename="not yet", evalue=sentence.removeprefix("not yet: "), traceback=[sentence])
            cell.outputs = [right if passed else wrong]
            return cell, resources
        if marks.get("grade") and "judge(" in cell.source:
            raise RuntimeError(f"there is no verdict on {marks.get('grade_id')}")
        return super().preprocess_cell(cell, resources, index)

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in OUTPUTS:
            self.given_out += len(str(msg["content"]))
            if self.given_out > LARGEST:
                return None
        return super().process_message(msg, cell, cell_index)
