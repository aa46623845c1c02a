"""What an answer calls while it runs: whether it does the work, or hands it to somebody who has done it.

Names say nothing: ``budget_width = width_for_budget`` is a function of the student's by name. So the calls are noted
while the answer runs, by the interpreter (functions of Python) and by PyTorch (convolutions, whatever made them).
It is no sandbox: results that were computed before, and code that was copied, are not seen.
"""

import contextlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

LIBRARIES = ("resnext_lib", "torchvision", "timm")
# Code of others by other ways: a repository from the hub, another process. (Every log asks multiprocessing for a name.)
DETOURS = ("torch.hub", "subprocess", "multiprocessing.context", "concurrent.futures.process")


@dataclass(frozen=True)
class Forbidden:
    """What an answer may not call: functions of ``LIBRARIES`` but those ``allowed``, of ``modules``, some layers.

    ``allowed`` holds full names, such as ``resnext_lib.blocks.conv1x1``. ``from_scratch`` only chooses the words.
    ``convolutions`` is a test of a convolution's number of groups, with the sentence for those that fail it.
    """

    libraries: tuple = LIBRARIES
    allowed: tuple = ()
    modules: tuple = ()
    from_scratch: bool = False
    layers: str = ""
    convolutions: tuple = ()

    def sentence(self, module: str, name: str) -> str:
        """The complaint about a call of ``name`` in ``module``, or an empty text."""
        top, full = module.split(".")[0], f"{module}.{name}"
        if self.layers and full == "torch.nn.modules.module.Module":
            return self.layers
        inside = top in self.libraries or any(f"{module}.".startswith(f"{other}.") for other in (*self.modules, *DETOURS))
        if not inside or any(full == own or full.startswith(f"{own}.") for own in self.allowed):
            return ""
        if self.from_scratch and top in self.libraries:
            return f"{name} comes from {top}; write it with nn only"
        return f"right, but {full} does the work for you: write it yourself"


NOTHING_FORBIDDEN = Forbidden(libraries=())
OWN_WORK = Forbidden()
# conv1x1 and conv3x3 are other spellings of nn.Conv2d.
FROM_SCRATCH = Forbidden(from_scratch=True, allowed=("resnext_lib.blocks.conv1x1", "resnext_lib.blocks.conv3x3"))


class Convolutions(TorchDispatchMode):
    """Notes the groups of every convolution that PyTorch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.groups = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        names = [argument.name for argument in function._schema.arguments]
        given = dict(zip(names, args, strict=False)) | (kwargs or {})
        if "conv" in function.__name__ and "weight" in names:
            self.groups.append(given.get("groups", 1))
        return function(*args, **(kwargs or {}))


@dataclass
class Calls:
    """The first complaint about what was called, and whether calls were mapped over a batch (``torch.vmap``)."""

    forbidden: Forbidden
    complaint: str = ""
    mapped: bool = False
    files: dict = field(default_factory=dict)

    def note(self, frame: FrameType, event: str, _argument: Any) -> None:
        """The interpreter calls this at every call of a function of Python."""
        if event != "call" or self.complaint:
            return
        module = self.module_of(frame)
        if module == __name__:  # Convolutions, which watches as well
            return
        self.mapped |= module.startswith("torch._functorch")
        # What an allowed function of a library calls there is its own affair.
        if self.module_of(frame.f_back).split(".")[0] not in self.forbidden.libraries or frame.f_back.f_globals is globals():
            self.complaint = self.forbidden.sentence(module, _called(frame))

    def module_of(self, frame: FrameType | None) -> str:
        """The module of a call. A function's code knows its file, also where its globals were exchanged."""
        if frame is None:
            return ""
        return self.files.get(frame.f_code.co_filename) or str(frame.f_globals.get("__name__", ""))

    def note_groups(self, groups: list[int]) -> None:
        """After a call: complain about its convolutions. ``torch.vmap`` computes many ordinary ones as one of groups."""
        if self.forbidden.convolutions and not self.complaint and not self.mapped:
            allowed, sentence = self.forbidden.convolutions
            self.complaint = next((sentence.format(groups=g) for g in groups if not allowed(g)), "")


def _public(name):
    """``Bottleneck.__init__`` and ``Bottleneck.forward`` are Bottleneck."""
    return name.split(".<locals>")[0].split(".")[0]


def _called(frame):
    """The public name of what a frame runs; of a wrapper, the name of the function that it wraps."""
    name = _public(frame.f_code.co_qualname)
    if name.startswith("_"):
        wrapped = [frame.f_locals.get(variable) for variable in frame.f_code.co_freevars]
        name = next((_public(value.__qualname__) for value in wrapped if inspect.isfunction(value)), name)
    return name


CURRENT = ContextVar("calls of the answer that is being checked", default=None)


@contextlib.contextmanager
def watch(forbidden: Forbidden) -> Iterator[Calls]:
    """Note what answers call inside :func:`call`, until the check is over."""
    files = {
        module.__file__: name
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in forbidden.libraries and getattr(module, "__file__", None)
    }
    calls = Calls(forbidden, files=files)
    token = CURRENT.set(calls)
    try:
        yield calls
    finally:
        CURRENT.reset(token)


def call(answer: Callable, *values: Any) -> Any:
    """What ``answer`` gives for ``values``; what it calls for that is noted in the current check."""
    calls = CURRENT.get()
    if calls is None or calls.forbidden == NOTHING_FORBIDDEN:
        return answer(*values)
    earlier = sys.getprofile()
    convolutions = Convolutions() if calls.forbidden.convolutions else contextlib.nullcontext()
    with convolutions:
        torch.empty(0)  # PyTorch loads its compiler when the first operation is noted: 3 times as long if calls are watched
        threading.setprofile(calls.note)
        sys.setprofile(calls.note)
        try:
            given = answer(*values)
        finally:
            sys.setprofile(earlier)
            threading.setprofile(None)
    if calls.forbidden.convolutions:
        calls.note_groups(convolutions.groups)
    return given
