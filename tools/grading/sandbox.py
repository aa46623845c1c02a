"""Run a command of a student's with walls around it: ``python sandbox.py SETTINGS COMMAND...``

On Linux the command sees its own folder, Python, the system's programs and what SETTINGS names, and nothing else:
no network, no other process, no other file. This needs no program and no rights beside the kernel's user namespaces.
Where there are none, it still gets a folder of its own, a clean environment and the limits that the system knows.

SETTINGS is JSON: ``book``, a dictionary from places below the book's folder to the files there; ``hand_in``, a folder
whose files (notebooks apart) the command finds beside it; ``open``, folders that it may write to; and ``walls``.
``{book}`` in COMMAND becomes the book's folder. This module imports nothing but Python's own library.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY, FILE_SIZE, DISK, SECONDS, PROCESSES = 6 << 30, 64 << 20, 512 << 20, 3600, 512
BOOK, HAND_IN = "/book", "/hand-in"
PROGRAMS = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix",
    "/gnu",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/fonts",
)
DEVICES = ("null", "zero", "full", "random", "urandom")
# The kernel's numbers: unshare, mount and prctl.
NEW_USER, NEW_FILES, NEW_NETWORK, NEW_PROCESSES, NEW_IPC = 0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
DIE_WITH_PARENT, NO_NEW_RIGHTS = 1, 38
# A mount's flags as statvfs gives them, and as mount wants them; a mount of somebody else's must keep its own.
KEPT_FLAGS = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}


def system(name, *arguments):
    """Call a function of the C library. Raises ``OSError`` where it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    given = [os.fsencode(a) if isinstance(a, (str, Path)) else a for a in arguments]
    if getattr(library, name)(*[ctypes.c_ulong(a) if isinstance(a, int) else a for a in given]):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def limit():
    """Limits on memory, files and time for this process and its children, as far as the system has them."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    wanted = {"RLIMIT_DATA": MEMORY, "RLIMIT_FSIZE": FILE_SIZE, "RLIMIT_CPU": SECONDS, "RLIMIT_CORE": 0}
    for name, value in wanted.items():
        if hasattr(resource, name):
            hard = resource.getrlimit(getattr(resource, name))[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(getattr(resource, name), (value, value))


def limit_processes():
    """Only inside the walls: elsewhere, and before Linux 5.14, this counts all that the teacher runs."""
    import resource

    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    if release >= (5, 14):
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))


def clean_environment(home, book):
    """What the command finds in its environment: nothing of the teacher's."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "OMP_NUM_THREADS", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "PYTHONPATH": book,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def copy_of_hand_in(source, folder):
    """Copy what a student handed in beside the notebook; the notebook is no business of its own cells."""

    def unwanted(where, names):
        odd = [name for name in names if os.path.islink(os.path.join(where, name)) or name.endswith(".ipynb")]
        return [*odd, *(name for name in names if name == "timestamp.txt")]

    if source:
        shutil.copytree(source, folder, ignore=unwanted, dirs_exist_ok=True)


def mounts_below(folder):
    """Where something is mounted at or below ``folder``."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        places = [line.split()[4].encode().decode("unicode_escape") for line in file]
    return [place for place in places if place == folder or place.startswith(folder.rstrip("/") + "/")]


def show(source, root, place, writable=False):
    """Let ``source`` be seen at ``place`` below ``root``."""
    target = Path(root) / str(place).lstrip("/")
    if os.path.islink(source) and str(place) in PROGRAMS:
        target.symlink_to(os.readlink(source))
        return
    source = os.path.realpath(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if os.path.isdir(source):
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    system("mount", source, target, None, BIND | RECURSIVE, None)
    for mounted in [] if writable else mounts_below(str(target)):
        found = os.statvfs(mounted).f_flag
        kept = sum(flag for seen, flag in KEPT_FLAGS.items() if found & seen)
        system("mount", None, mounted, None, BIND | REMOUNT | READ_ONLY | kept, None)


def pythons_places():
    """The folders that this Python is made of, as it names them and as they are; those below /usr are shown anyway."""
    named = [sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))]
    found = sorted({*named, *map(os.path.realpath, named)}, key=len)
    outer = [place for place in found if not place.startswith("/usr/") and place != "/usr"]
    return [place for place in outer if not any(place.startswith(other + "/") for other in outer)]


def build_walls(root, settings):
    """Make ``root`` the whole world of this process. It has all rights in its namespaces here, and loses them at exec."""
    system("mount", "none", "/", None, RECURSIVE | PRIVATE, None)
    system("mount", "world", root, "tmpfs", 2 | 4, "size=16m,mode=755")
    for folder in ("proc", "tmp", "dev/shm", HAND_IN[1:]):
        (Path(root) / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("tmp", "dev/shm", HAND_IN[1:]):
        system("mount", "hand-in", Path(root) / folder, "tmpfs", 2 | 4, f"size={DISK},mode=755")
    for place in filter(os.path.exists, PROGRAMS):
        show(place, root, place)
    for place in pythons_places():
        show(place, root, place)
    for place, source in settings["book"].items():
        show(source, root, f"{BOOK}/{place}")
    for place in settings["open"]:
        show(place, root, place, writable=True)
    for device in DEVICES:
        show(f"/dev/{device}", root, f"/dev/{device}", writable=True)
    copy_of_hand_in(settings["hand_in"], Path(root) / HAND_IN[1:])
    try:
        system("mount", "proc", Path(root) / "proc", "proc", 2 | 4 | 8, None)
    except OSError:  # a container may forbid it; the other namespaces still hide what other processes are
        show("/proc", root, "/proc", writable=True)
    system("mount", None, root, None, REMOUNT | READ_ONLY | 2 | 4, None)
    os.chroot(root)
    os.chdir(HAND_IN)


def enter_namespaces():
    """Users, network, processes and messages of our own. As user 1000, so that rights end at the next exec."""
    user, group = os.getuid(), os.getgid()
    system("unshare", NEW_USER | NEW_NETWORK | NEW_PROCESSES | NEW_IPC)
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"1000 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"1000 {group} 1", encoding="ascii")


def run_inside(root, settings, command):
    """Become ``command`` behind walls. Never returns."""
    try:
        system("prctl", DIE_WITH_PARENT, signal.SIGKILL)
        system("unshare", NEW_FILES)
        build_walls(root, settings)
        limit()
        limit_processes()
        system("prctl", NO_NEW_RIGHTS, 1, 0, 0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        command = [part.replace("{book}", BOOK) for part in command]
        os.execve(command[0], command, clean_environment("/tmp", BOOK))
    except BaseException as error:
        print(f"sandbox: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(125)


def run_with_walls(settings, command):
    """Run ``command`` behind walls and return its exit status."""
    root = tempfile.mkdtemp(prefix="walls-", dir="/tmp")
    enter_namespaces()
    child = os.fork()
    if not child:
        run_inside(root, settings, command)
    # Who interrupts this group of processes means the command.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # Only the child saw what was mounted here. Never remove a folder's contents that may be a mount of somebody's files.
    with contextlib.suppress(OSError):
        os.rmdir(root)
    return status


def run_without_walls(settings, command):
    """Run ``command`` in a folder of its own, with a copy of what it needs, and return its exit status."""
    with tempfile.TemporaryDirectory(prefix="hand-in-") as place:
        book, folder = Path(place) / "book", Path(place) / "hand-in"
        folder.mkdir()
        for name, source in settings["book"].items():
            target = book / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if os.path.isdir(source):
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        copy_of_hand_in(settings["hand_in"], folder)
        command = [part.replace("{book}", str(book)) for part in command]
        with subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(str(folder), str(book)),
            preexec_fn=limit if os.name == "posix" else None,
        ) as running:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: running.kill())
            return running.wait()


def main():
    settings, command = json.loads(sys.argv[1]), sys.argv[2:]
    settings = {"book": {}, "hand_in": None, "open": [], "walls": True} | settings
    settings["open"] = [os.path.expandvars(place) for place in settings["open"]]
    if settings["hand_in"] == ".":
        settings["hand_in"] = os.getcwd()
    status = (run_with_walls if settings["walls"] else run_without_walls)(settings, command)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
