"""The frame of every check: it calls the answer, and turns whatever happens into a verdict of one line."""

import dis
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from resnext_lib.exercises.delegation import NOTHING_FORBIDDEN, Forbidden, watch

FUNCTION, CLASS, VALUE = "function", "class", "value"
TEXT_LIMIT = 300  # characters of an error's text or of an answer that a verdict repeats


@dataclass(frozen=True, repr=False)
class Verdict:
    """``passed`` and a sentence; prints as "correct: ..." or "not yet: ..."."""

    passed: bool
    message: str

    def __repr__(self):
        return f"{'correct' if self.passed else 'not yet'}: {' '.join(self.message.split())}"

    def __bool__(self):
        return self.passed


class NotYet(Exception):
    """Raised inside a check with the sentence that the reader sees."""


def expect(condition: Any, message: str) -> None:
    """Raise :class:`NotYet` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise NotYet(message)


def shown(value: Any) -> str:
    """A value as a verdict repeats it: cut where it is long, and never an error of its own."""
    try:
        text = repr(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + " ..."


def _is_starter(answer):
    """Whether a function, or a method of a class, still is the student edition's ``return ...`` or empty ``__init__``."""
    parts = vars(answer).values() if isinstance(answer, type) else [answer]
    codes = [part.__code__ for part in parts if inspect.isfunction(part)]
    # Three steps: start, load the ellipsis or None, return it.
    short = [code for code in codes if len(list(dis.get_instructions(code))) <= 3]
    return any(... in code.co_consts or code.co_name == "__init__" for code in short)


def _raised(error):
    """The sentence about an exception; its text may fail in turn."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be shown)"
    text = text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + " ..."
    return f"your code raised {type(error).__name__}: {text}"


def _expect_kind(answer, kind, takes):
    """Complain about a number where a function is asked, an object where a class is, and a wrong number of arguments."""
    if kind == FUNCTION:
        expect(not isinstance(answer, type), f"give a function, not the class {getattr(answer, '__name__', '')}")
        expect(callable(answer), f"give a function, its name without brackets, not {type(answer).__name__}")
    if kind == CLASS:
        expect(
            isinstance(answer, type) or not hasattr(type(answer), "forward"),
            "give the class itself, without brackets: the check builds the module",
        )
        expect(callable(answer), f"give a class whose objects are nn.Modules, not {type(answer).__name__}")
    if kind in (FUNCTION, CLASS):
        try:
            signature = inspect.signature(answer)
        except (TypeError, ValueError):  # some of those written in C have none
            return
        try:
            signature.bind(*takes)
        except TypeError:
            asked = f"with ({', '.join(takes)})" if takes else "without arguments"
            raise NotYet(f"the check calls your {kind} {asked}, but it takes {signature}") from None


def _judge(function, hint, answer, kind, takes, cases, forbidden):
    """The verdict on an answer, whatever it is and does; only a reader's own interrupt passes through."""
    try:
        if answer is ... or answer is None or _is_starter(answer):
            return Verdict(False, f"replace the ... by your answer. Hint: {hint}")
        _expect_kind(answer, kind, takes)
        with watch(forbidden) as calls:
            message = function(answer, *cases)
        expect(not calls.complaint, calls.complaint)
        return Verdict(True, message)
    except NotYet as problem:
        return Verdict(False, str(problem))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the answer raises, SystemExit too, is part of the answer
        return Verdict(False, _raised(error))


def check(
    hint: str,
    kind: str = VALUE,
    takes: str = "",
    visible: Sequence = (),
    hidden: Callable[[Random], list] | None = None,
    forbidden: Forbidden = NOTHING_FORBIDDEN,
) -> Callable[[Callable], Callable]:
    """Make a check of a function that raises :class:`NotYet` or returns the sentence.

    The function gets the answer and, where the answer is called, a list of cases to try it on. ``visible`` are those of
    the reader's own check; ``hidden``, a function of a :class:`random.Random`, draws others for grading. Everything else
    is the same for both, so that a right answer is right in both. ``takes`` names the arguments, ``forbidden`` says what
    the answer may not call.
    """
    names = takes.split(", ") if takes else []

    def decorate(function):
        @functools.wraps(function)
        def checked(answer=...):
            return _judge(function, hint, answer, kind, names, [visible] if visible else [], forbidden)

        def graded(answer=..., seed=0):
            """The same check with other cases, drawn by ``seed``."""
            drawn = hidden(Random(seed)) if hidden else visible
            drawn = [case for case in drawn if case not in visible] or drawn  # networks differ in their order only
            return _judge(function, hint, answer, kind, names, [drawn] if drawn else [], forbidden)

        checked.hint, checked.graded = hint, graded
        checked.forbidden, checked.visible = forbidden, visible
        return checked

    return decorate
