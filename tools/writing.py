"""Files are replaced whole or not at all, and what these commands did not make is never lost.

Every command under ``tools`` writes through this module: a new file beside the old one, then in its place.
What a user can mend (a folder that is missing, that may not be written to, that is a file) ends the program
with a sentence that names it, before any work is done where that can be seen beforehand.
"""

import hashlib
import json
import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

# In a folder that a user may keep files in as well: the checksum of every file that a command wrote there.
RECORD = ".made.json"


def check_folder(folder):
    """Raise ``SystemExit`` unless ``folder`` is one that can be written to, or can be made."""
    folder = Path(folder)
    nearest = folder
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise SystemExit(f"{nearest} is not a folder, so nothing can be written to {folder}; name another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SystemExit(f"{nearest} may not be written to; change its permissions, or name another folder")


def check_file(path):
    """Raise ``SystemExit`` unless ``path`` is a file that can be replaced, or can be made."""
    check_folder(Path(path).parent)
    if os.path.lexists(path) and not Path(path).is_file():
        raise SystemExit(f"{path} is a folder, or no plain file; move it away, a file is to be written there")


@contextmanager
def whole(path):
    """The path of a new file beside ``path``, which takes its place when the block ends well.

    When the block fails, ``path`` is what it was and the new file is gone. Permissions stay. Raises ``OSError``.
    """
    path = Path(os.path.realpath(path))  # through a symbolic link to the file itself
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.touch()
        if path.exists():
            shutil.copymode(path, new)
        yield new
        with open(new, "r+b") as file:
            os.fsync(file.fileno())  # on the disk, before the old one goes
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def beside(path):
    """:func:`whole` for a command: it makes the folder, and raises ``SystemExit`` that says what to do."""
    check_file(os.path.realpath(path))
    try:
        Path(os.path.realpath(path)).parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as new:
            yield new
    except OSError as error:
        raise SystemExit(
            f"{path} could not be written and is as it was: {error}. "
            f"Look at the space and the permissions of {Path(path).parent}, then run the command again."
        ) from error


def as_bytes(content):
    return content.encode("utf-8") if isinstance(content, str) else content


def replace(files):
    """Write every file of ``files``, {path: text or bytes}: none takes its place before all are written."""
    with ExitStack() as stack:
        for path, content in files.items():
            stack.enter_context(beside(path)).write_bytes(as_bytes(content))


def checksum(content):
    return hashlib.sha256(as_bytes(content)).hexdigest()


def recorded(folder):
    """{name: checksum} of what commands wrote into ``folder``; nothing where that is not known."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_inside(name, folders):
    parts = Path(name).parts
    return len(parts) > 1 and parts[0] in folders and ".." not in parts and not Path(name).is_absolute()


def foreign(folder, files, stale, known):
    """Names of existing files, to be replaced or removed, whose content nobody could make again."""
    found = []
    for name in [*files, *stale]:
        path = folder / name
        ours = {known.get(name)} | ({checksum(files[name])} if name in files else set())
        if os.path.lexists(path) and not (path.is_file() and checksum(path.read_bytes()) in ours):
            found.append(name)
    return found


def replace_made(folder, files, whole=()):
    """Write ``files``, {name: text or bytes}, into a folder in which a user may keep files of their own.

    In the folders ``whole`` inside it, files that an earlier call made and this one does not are removed.
    Raises ``SystemExit``, before anything is touched, for a file that was not made here or was changed since.
    """
    folder = Path(folder)
    check_folder(folder)
    known = recorded(folder)
    stale = [name for name in known if is_inside(name, whole) and name not in files]
    if names := foreign(folder, files, stale, known):
        listed = "\n".join(f"  {folder / name}" for name in names)
        raise SystemExit(
            f"These were not made by this command, or were changed since, and would be lost:\n{listed}\n"
            "Nothing was written. Move them away, or delete them, and run the command again."
        )
    kept = {name: value for name, value in known.items() if name not in stale}
    record = kept | {name: checksum(content) for name, content in files.items()}
    text = json.dumps(dict(sorted(record.items())), indent=1) + "\n"
    replace({folder / name: content for name, content in files.items()} | {folder / RECORD: text})
    for name in stale:
        (folder / name).unlink(missing_ok=True)
