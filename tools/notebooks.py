"""Re-execute chapters in place: ``python -m tools.notebooks chapters [--fresh] [--check-stable]``.

This is how an intended change of output is accepted. Running it twice changes nothing. A notebook of which a
cell fails is left as it was, and so is one that was saved while it ran; the others are still executed, and the
exit status is 1.
"""

import argparse
import copy
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.kernels import apart_from_home
from tools.writing import check_file, replace

LIVE = "nbval-ignore-output"  # measured live: not compared, and kept unless --fresh


def is_live(cell):
    return LIVE in cell.metadata.get("tags", [])


def merge_streams(outputs):
    """Join neighbouring pieces of one stream: where the kernel cut them is chance."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def normalise(notebook):
    """Keep only what must be in the file: kernel name, language name, counts 1..n, no timing."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    count = 0
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = merge_streams(cell.outputs)
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type in ("execute_result", "display_data"):
                output.metadata = nbformat.from_dict({})
    return notebook


def execute(notebook, folder, fresh=False):
    """Run every cell in order and return the notebook with its new outputs."""
    apart_from_home()
    kept = {cell.id: copy.deepcopy(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"}
    # A kernel warns that it talks to this program unencrypted, which stays on this machine.
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_live(cell) and kept[cell.id] and not fresh:
            cell.outputs = kept[cell.id]
    return normalise(notebook)


def read(path):
    return nbformat.read(path, as_version=4)


def text_of(notebook):
    return nbformat.writes(notebook, version=4) + "\n"


def chapters_in(paths):
    """The notebooks among ``paths``; a folder stands for those in it."""
    found = []
    for path in map(Path, paths):
        found += sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
    return found


def refuse_unless_notebooks(paths):
    """The notebooks that ``paths`` name. Raises ``SystemExit`` for a path that names none, or one that cannot be read."""
    for path in map(Path, paths):
        if not path.exists():
            raise SystemExit(f"there is no notebook and no folder {path}")
        if path.is_dir() and not chapters_in([path]):
            raise SystemExit(f"there is no notebook in the folder {path}")
        if path.is_file() and path.suffix != ".ipynb":
            raise SystemExit(f"{path} is no notebook: name files that end in .ipynb, or their folder")
    for path in chapters_in(paths):
        try:
            read(path)
        except Exception as error:  # nbformat raises several kinds, for JSON and for what is in it
            raise SystemExit(f"{path} is no notebook that can be read; mend it first: {error}") from error
    return chapters_in(paths)


def renew(path, fresh=False, keep=False):
    """Execute the notebook at ``path`` and write it, unless ``keep``; returns whether anything changed.

    Raises ``SystemExit`` where a cell fails, and where the file was saved meanwhile: it is left as it is.
    """
    before = path.read_text(encoding="utf-8")
    try:
        after = text_of(execute(nbformat.reads(before, as_version=4), path.parent, fresh))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise SystemExit(f"{path} is as it was, because a cell failed:\n{error}") from error
    if not keep and after != before:
        if path.read_text(encoding="utf-8") != before:
            raise SystemExit(f"{path} was saved by another program while it ran and is as that program left it: run again")
        replace({path: after})
    return after != before


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--fresh", action="store_true", help="also replace the outputs of live cells")
    parser.add_argument("--check-stable", action="store_true", help="write nothing; fail if anything would change")
    options = parser.parse_args(arguments)
    paths, changed, failed = refuse_unless_notebooks(options.paths), [], []
    for path in [] if options.check_stable else paths:
        check_file(path)
    for path in paths:
        try:
            changed += [path] if renew(path, options.fresh, keep=options.check_stable) else []
            print(f"{path}: {'changed' if path in changed else 'as it was'}", flush=True)
        except SystemExit as error:
            failed.append(str(error))
            print(f"{path}: FAILED", flush=True)
    if failed:
        raise SystemExit("\n\n".join(failed))
    return 1 if options.check_stable and changed else 0


if __name__ == "__main__":
    sys.exit(main())
