"""A stand-in for Colab: a fresh environment with what Colab brings and without what is ours.

The published copy is a repository on this disk: git takes it in place of the public address. What
pip would fetch comes from wheels beside it, so nothing here needs a network.
"""

import json
import os
import subprocess
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from ipykernel.kernelspec import write_kernel_spec
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from packaging.requirements import Requirement

from tools.no_network import quiet_profile

# Those of Colab's packages that the book asks for, and what a kernel and pip need. torchinfo is not
# among them: it and resnext_lib are what the setup cell has to bring.
PREINSTALLED = [
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "scipy",
    "matplotlib",
    "scikit-image",
    "tqdm",
    "ipython",
    "ipykernel",
    "pip",
    "setuptools",
]
UNTOUCHED = ["torch", "torchvision", "numpy", "pandas", "scipy"]
# Pure Python packages that pip needs to build resnext_lib and to complete it.
TO_FETCH = ["setuptools", "torchinfo"]


def with_requirements(names):
    """The distributions installed here under these names, and all that they require."""
    found, wanted = {}, [Requirement(name) for name in names]
    for requirement in wanted:  # grows as it goes
        key = (requirement.name, frozenset(requirement.extras))
        if key not in found:
            found[key] = distribution(requirement.name)
            wanted += [
                inner
                for inner in map(Requirement, found[key].requires or [])
                if not inner.marker or any(inner.marker.evaluate({"extra": e}) for e in ["", *requirement.extras])
            ]
    return found.values()


def link_packages(distributions, folder):
    """Link what the distributions installed into ``folder``, so that a path to it offers them and no others."""
    folder.mkdir()
    for found in distributions:
        for top in {file.parts[0] for file in found.files} - {"..", "__pycache__"}:
            if not top.endswith(".pth") and not (folder / top).exists():
                (folder / top).symlink_to(found.locate_file(top))


def wheel_of(name, folder):
    """Pack an installed pure Python distribution into the wheel that it came from."""
    found = distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{found.version}-py3-none-any.whl", "w") as wheel:
        for file in found.files:
            if not {"..", "__pycache__"} & set(file.parts):
                wheel.write(found.locate_file(file), str(file))


def make_shared_parts(folder):
    """Packages and wheels, made once and used by every environment in ``folder``."""
    link_packages(with_requirements(PREINSTALLED), folder / "packages")
    (folder / "wheels").mkdir()
    for name in TO_FETCH:
        wheel_of(name, folder / "wheels")
    quiet_profile(folder / "ipython")


class Colab:
    """An environment of its own in ``shared/name``, in which ``address`` leads to the repository ``public``."""

    def __init__(self, shared, name, address=None, public=None):
        self.folder = shared / name
        venv.create(self.folder / "environment", symlinks=True)
        self.python = self.folder / "environment" / "bin" / "python"
        self.site = Path(self.say("import sysconfig; print(sysconfig.get_path('purelib'))").strip())
        (self.site / "colab.pth").write_text(f"{shared / 'packages'}\n", encoding="utf-8")
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "IPYTHONDIR": str(shared / "ipython"),
            "OMP_NUM_THREADS": "1",
            # No settings of this machine, no index: only the wheels.
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(shared / "wheels"),
        }
        if public:
            self.variables |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"url.{public.as_uri()}.insteadOf",
                "GIT_CONFIG_VALUE_0": address,
            }

    def say(self, code):
        """What a fresh Python of this environment prints."""
        done = subprocess.run([self.python, "-I", "-c", code], capture_output=True, text=True, check=True)
        return done.stdout

    def finds(self, module):
        return self.say(f"import importlib.util; print(importlib.util.find_spec({module!r}) is not None)") == "True\n"

    def state(self):
        """Version, place, and the size and date of every file of what a setup cell must not touch."""
        return json.loads(
            self.say(f"""if True:
            import importlib.metadata, json, os
            state = {{}}
            for name in {UNTOUCHED}:
                found = importlib.metadata.distribution(name)
                paths = sorted(str(found.locate_file(file)) for file in found.files)
                files = [(path, os.stat(path).st_size, os.stat(path).st_mtime_ns)
                         for path in paths if "__pycache__" not in path and os.path.exists(path)]
                state[name] = [found.version, files]
            print(json.dumps(state))""")
        )

    def execute(self, notebook, where=None):
        """Run the notebook's cells in an empty folder, or in the folder ``where``."""
        if where is None:
            where = self.folder / "content"
            where.mkdir()
        client = NotebookClient(notebook, km=self.kernel(), timeout=300, resources={"metadata": {"path": str(where)}})
        client.execute(env=self.variables, cleanup_kc=True)

    def run(self, notebook):
        """Run the notebook's cells, the setup cell twice, in an empty folder; returns where resnext_lib came from."""
        notebook.cells.insert(2, new_code_cell(notebook.cells[1].source))
        notebook.cells.append(new_code_cell("import resnext_lib\nprint(resnext_lib.__file__)"))
        self.execute(notebook)
        return Path(notebook.cells[-1].outputs[0].text.strip())

    def kernel(self):
        """A manager for this environment's kernel, whatever kernels are installed on the machine."""
        kernels = self.folder / "kernels"
        command = [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        if not (kernels / "colab").exists():
            write_kernel_spec(kernels / "colab", overrides={"argv": command})
        manager = KernelSpecManager(kernel_dirs=[str(kernels)])
        return AsyncKernelManager(kernel_name="colab", kernel_spec_manager=manager)
