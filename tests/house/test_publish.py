"""Publishing replaces one branch and nothing else: a real remote with a history and other people's commits is at stake."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from git_for_tests import git, setup_only

from tools import address, facts, publish

URL = "https://github.com/a/b"
GITLAB = "https://gitlab.com/group/part/b"
CONFIG = 'title: A book\nrepository: {url: "", branch: ""}\nlaunch_buttons: {colab_url: ""}\n'
SOMEBODY = {"GIT_AUTHOR_NAME": "Somebody Else", "GIT_COMMITTER_NAME": "Somebody Else"}


def link(path="chapters/01_a.ipynb", url=URL, branch="colab"):
    return f"https://colab.research.google.com/github/{url.removeprefix('https://github.com/')}/blob/{branch}/{path}"


def build_site(book, *links):
    page = book / "_build" / "html" / "chapters" / "01_a.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("".join(f'<a class="x" href="{link}">Colab</a>' for link in links), encoding="utf-8")


def prepare(book, *arguments):
    """``make address ARGUMENTS`` and what ``make book`` makes of it."""
    address.main(list(arguments))
    url, _, branch = facts.address().partition("@")
    build_site(
        book, *([link(url=url, branch=branch)] if url.startswith("https://github.com/") else []), "https://example.org/"
    )


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A clone of a book of one chapter, and the bare repository it came from: six commits of two people on main."""
    folder = tmp_path / "book"
    for name, text in {
        "_config.yml": CONFIG,
        "README.md": "A book.\n",
        ".gitignore": "_build\n",
        "notes.txt": "A note.\n",
        "resnext_lib/blocks.py": "depth = 50\n",
        "chapters/01_a.ipynb": nbformat.writes(setup_only("")),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "public.git")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "remote", "add", "origin", "../public.git")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The book")
    for number in range(5):
        git(
            folder, "commit", "--quiet", "--allow-empty", "--message", f"Change {number}", **(SOMEBODY if number % 2 else {})
        )
    git(folder, "push", "--quiet", "origin", "main")
    monkeypatch.setattr(facts, "ROOT", folder)
    return folder


def public(book, *arguments):
    return git(book.parent / "public.git", *arguments)


def refs(book):
    """{full name: commit} of all that the remote has."""
    return dict(line.split() for line in public(book, "for-each-ref", "--format=%(refname) %(objectname)").splitlines())


def refused(book, *says, remote="origin"):
    """Publishing is refused with these words, and the remote is as it was."""
    before = refs(book)
    with pytest.raises(SystemExit) as error:
        publish.main([f"--push={remote}"])
    assert isinstance(error.value.code, str), "without words, or with exit status 0"
    for words in says:
        assert words in error.value.code, error.value.code
    assert refs(book) == before
    return error.value.code


def elsewhere(book, branch):
    """Another clone of the remote, on a branch."""
    folder = book.parent / "elsewhere"
    shutil.rmtree(folder, ignore_errors=True)
    git(book.parent, "clone", "--quiet", "--branch", branch, "public.git", str(folder))
    return folder


def somebody_commits(book, branch, *options):
    """Another person changes a file of a public branch; returns their commit."""
    folder = elsewhere(book, branch)
    (folder / "README.md").write_text("A correction.\n", encoding="utf-8")
    git(folder, "commit", "--quiet", "--all", "--message", "Mend README", *options, **SOMEBODY)
    git(folder, "push", "--quiet", "--force", "origin", branch)
    return git(folder, "rev-parse", "HEAD")


# ------------------------------------------------------------------ what is published


def test_publishing_again_makes_the_same_commit_and_a_change_moves_the_branch(book, capsys):
    prepare(book, URL, "colab")
    git(book, "commit", "--quiet", "--all", "--message", "The address")
    publish.main(["--push", "origin"])
    before = refs(book)
    assert set(before) == {"refs/heads/main", "refs/heads/colab"} and "pushed to colab" in capsys.readouterr().out
    publish.main(["--push", "origin"])
    assert refs(book) == before
    assert public(book, "log", "-1", "--format=%an %ct", "colab") == "A 1767323045"  # HEAD's, not today's
    (book / "README.md").write_text("Another book.\n", encoding="utf-8")
    git(book, "commit", "--quiet", "--all", "--message", "Another book")
    publish.main(["--push", "origin"])
    assert (
        refs(book)["refs/heads/main"] == before["refs/heads/main"]
        and refs(book)["refs/heads/colab"] != before["refs/heads/colab"]
    )
    assert public(book, "show", "colab:README.md") == "Another book." and public(book, "rev-list", "--count", "colab") == "1"
    assert git(book, "status", "--porcelain") == "" and git(book, "branch", "--format=%(refname:short)") == "main"


def test_without_push_nothing_leaves(book, capsys):
    prepare(book, URL, "colab")
    before = refs(book)
    publish.main([])
    assert refs(book) == before and "ready for colab" in capsys.readouterr().out


def test_a_bare_fork_that_was_published_once_is_published_again_from_a_fresh_shallow_clone(book, monkeypatch):
    """As the workflow does it: every time in a new clone of depth 1."""
    for text in ("First.\n", "Second.\n"):
        folder = elsewhere(book, "main")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", text)
        git(folder, "push", "--quiet", "origin", "main")
        shutil.rmtree(folder)
        git(book.parent, "clone", "--quiet", "--depth", "1", (book.parent / "public.git").as_uri(), str(folder))
        monkeypatch.setattr(facts, "ROOT", folder)
        prepare(folder, URL, "colab")
        publish.main(["--push", "origin"])
        assert git(folder, "rev-parse", "HEAD") in public(book, "log", "-1", "--format=%s", "colab")
    assert public(book, "rev-list", "--count", "main") == "8"


# ------------------------------------------------------------------ P1: what is never replaced


def test_P1_a_history_is_not_replaced_from_another_branch(book):
    git(book, "checkout", "--quiet", "-b", "work")
    prepare(book, URL, "main")
    refused(book, "main is a branch of this checkout with work of its own", "BRANCH=colab")
    assert public(book, "rev-list", "--count", "main") == "6"


@pytest.mark.parametrize("local", [True, False], ids=["with a local main", "without"])
def test_P1_a_history_is_not_replaced_from_a_detached_head(book, local):
    git(book, "checkout", "--quiet", "--detach")
    if not local:
        git(book, "branch", "--quiet", "--delete", "--force", "main")
    prepare(book, URL, "main")
    refused(book, "BRANCH=colab", *([] if local else ["origin's branch main was not made by this command", "Change 4"]))
    assert public(book, "rev-list", "--count", "main") == "6"


def test_P1_the_branch_one_is_on_is_not_replaced(book):
    prepare(book, URL, "main")
    refused(book, "main is the branch you are on", "BRANCH=colab")


def test_P1_without_BRANCH_it_is_colab_that_is_made_and_main_keeps_its_history(book):
    git(book, "checkout", "--quiet", "-b", "work")
    main = refs(book)["refs/heads/main"]
    prepare(book, URL)
    publish.main(["--push", "origin"])
    assert refs(book)["refs/heads/main"] == main and public(book, "rev-list", "--count", "main") == "6"
    assert public(book, "rev-list", "--count", "colab") == "1"


def test_P1_commits_of_others_are_not_replaced_and_the_advice_keeps_them(book):
    prepare(book, URL, "colab")
    publish.main(["--push", "origin"])
    theirs = somebody_commits(book, "colab")
    says = refused(
        book,
        "origin's branch colab was not made by this command, or somebody has committed to it since",
        "Somebody Else",
        "Mend README",
    )
    for command in re.findall(r"^  git (.+)$", says, re.MULTILINE):
        git(book, *command.split())
    publish.main(["--push", "origin"])
    assert refs(book)["refs/heads/kept-colab"] == theirs and public(book, "rev-list", "--count", "colab") == "1"


def test_P1_our_own_commit_amended_by_somebody_is_not_replaced(book):
    prepare(book, URL, "colab")
    publish.main(["--push", "origin"])
    folder = elsewhere(book, "colab")
    message = git(folder, "log", "-1", "--format=%B")
    somebody_commits(book, "colab", "--amend", "--message", message)
    refused(book, "origin's branch colab was not made by this command", "Somebody Else")


@pytest.mark.parametrize("message", ["My pages", "Notebooks for Colab, made from nothing", ""], ids=repr)
def test_P1_another_commit_without_parents_is_not_replaced(book, message):
    tree = git(book, "rev-parse", "HEAD^{tree}")
    git(book, "push", "--quiet", "origin", git(book, "commit-tree", tree, "-m", message) + ":refs/heads/colab")
    prepare(book, URL, "colab")
    refused(book, "origin's branch colab was not made by this command")


def test_P1_a_local_branch_with_work_of_its_own_is_left_alone(book):
    git(book, "branch", "colab")
    prepare(book, URL, "colab")
    refused(book, "colab is a branch of this checkout with work of its own")


def test_P1_a_local_copy_of_the_published_branch_is_no_obstacle(book):
    prepare(book, URL, "colab")
    publish.main(["--push", "origin"])
    git(book, "fetch", "--quiet", "origin", "colab:colab")
    publish.main(["--push", "origin"])


@pytest.mark.parametrize("there_before", [True, False])
def test_P1_what_is_pushed_between_the_look_and_the_push_is_not_replaced(book, monkeypatch, there_before):
    prepare(book, URL, "colab")
    if there_before:
        publish.main(["--push", "origin"])
        git(book, "commit", "--quiet", "--allow-empty", "--message", "A change")
    look, theirs = publish.replaceable_tip, []

    def look_and_be_overtaken(remote, branch):
        found = look(remote, branch)
        if there_before:
            theirs.append(somebody_commits(book, "colab"))
        else:
            git(book, "push", "--quiet", "origin", "HEAD:refs/heads/colab")
            theirs.append(git(book, "rev-parse", "HEAD"))
        return found

    monkeypatch.setattr(publish, "replaceable_tip", look_and_be_overtaken)
    with pytest.raises(SystemExit, match="git push failed"):
        publish.main(["--push", "origin"])
    assert refs(book)["refs/heads/colab"] == theirs[0]


def test_P1_a_tag_of_that_name_is_not_overshadowed(book):
    git(book, "tag", "v1.0")
    git(book, "push", "--quiet", "origin", "v1.0")
    prepare(book, URL, "v1.0")
    refused(book, "origin has a tag v1.0")


# ------------------------------------------------------------------ P1: uncommitted work


def edit(book, name, text="new = True\n"):
    (book / name).parent.mkdir(exist_ok=True)
    (book / name).write_text(text, encoding="utf-8")


UNCOMMITTED = {
    "an edited file": (lambda book: edit(book, "README.md"), "README.md"),
    "a staged file": (lambda book: (edit(book, "README.md"), git(book, "add", "README.md")), "README.md"),
    "a deleted file": (lambda book: (book / "resnext_lib/blocks.py").unlink(), "resnext_lib/blocks.py"),
    "a renamed file": (lambda book: git(book, "mv", "resnext_lib/blocks.py", "resnext_lib/new.py"), "resnext_lib/new.py"),
    "a new file of the library": (lambda book: edit(book, "resnext_lib/new.py"), "resnext_lib/new.py (new)"),
    "a file from which the site is made": (lambda book: edit(book, "notes.txt"), "notes.txt"),
    "a title beside the address": (
        lambda book: edit(book, "_config.yml", (book / "_config.yml").read_text(encoding="utf-8") + "author: x\n"),
        "_config.yml",
    ),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", UNCOMMITTED)
def test_P1_uncommitted_work_is_not_published_as_the_last_commits(book, case):
    change, name = UNCOMMITTED[case]
    prepare(book, URL, "colab")
    change(book)
    refused(book, f"  {name}\n", "git add, git commit")


def test_P1_an_edited_chapter_is_not_published_as_the_last_commits(book):
    prepare(book, URL, "colab")
    path = book / "chapters/01_a.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("# A chapter", "# Another"), encoding="utf-8")
    refused(book, "  chapters/01_a.ipynb\n")


def test_P1_the_address_alone_need_not_be_committed_and_what_is_published_is_the_commit_with_it(book):
    prepare(book, URL, "colab")
    edit(book, "private.txt")  # neither published nor part of the site
    assert {line.split()[-1] for line in git(book, "status", "--porcelain").splitlines()} == {
        "_config.yml",
        "chapters/01_a.ipynb",
        "private.txt",
    }
    publish.main(["--push", "origin"])
    assert git(book, "rev-parse", "HEAD") in public(book, "log", "-1", "--format=%s", "colab")
    files = public(book, "ls-tree", "-r", "--name-only", "colab").splitlines()
    assert files == ["README.md", "chapters/01_a.ipynb", "resnext_lib/blocks.py", "student/01_a.ipynb"]
    for name in ("README.md", "resnext_lib/blocks.py"):
        assert public(book, "rev-parse", f"colab:{name}") == git(book, "rev-parse", f"HEAD:{name}")
    made = nbformat.reads(public(book, "show", "colab:chapters/01_a.ipynb"), as_version=4)
    committed = nbformat.reads(git(book, "show", "HEAD:chapters/01_a.ipynb"), as_version=4)
    assert f'BOOK = "{URL}@colab"\n' in made.cells.pop(1).source and committed.cells.pop(1) and made == committed


# ------------------------------------------------------------------ P1: names are checked

REMOTES = [
    "",
    "upstream",
    "-x",
    "--upload-pack=touch pwned",
    "ext::sh -c touch% pwned",
    "../public.git",
    "origin main",
    "https://example.org/x",
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("remote", REMOTES)
def test_P1_a_remote_that_git_does_not_know_is_refused(book, remote):
    prepare(book, URL, "colab")
    refused(book, "REMOTE must be one of origin", repr(remote), "git remote add", remote=remote)
    assert not (book / "pwned").exists()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("branch", ["HEAD", "x.lock/y", "x:refs/heads/main", "-x", "+main", "refs/heads/*"])
def test_P1_an_address_edited_by_hand_is_checked_as_well(book, branch):
    prepare(book, URL, "colab")
    config = book / "_config.yml"
    config.write_text(config.read_text(encoding="utf-8").replace('"colab"}', f'"{branch}"}}'), encoding="utf-8")
    git(book, "commit", "--quiet", "--all", "--message", "By hand")
    refused(book, "the branch must look like", repr(branch))


def test_chapters_with_another_address_than_the_config_are_refused(book):
    prepare(book, URL, "colab")
    config = book / "_config.yml"
    config.write_text(config.read_text(encoding="utf-8").replace("/a/b", "/a/c"), encoding="utf-8")
    git(book, "commit", "--quiet", "--all", "--message", "By hand")
    refused(
        book,
        "the address https://github.com/a/c@colab is not in 01_a.ipynb: make address URL=https://github.com/a/c BRANCH=colab",
    )


def other_address(book):
    address.main(["https://github.com/a/c", "colab"])


REFUSED = [
    (lambda book: address.write("", ""), "make address URL=https://github.com/you/fork BRANCH=colab"),
    (other_address, "is not in the published branch"),
    (lambda book: build_site(book), "01_a.html: no launch link to its own notebook"),
    (lambda book: shutil.rmtree(book / "_build"), "01_a.html: no launch link to its own notebook"),
    (
        lambda book: (book / "_config.yml").write_text("title: x\n", encoding="utf-8"),
        "_config.yml must have a line repository:",
    ),
    (lambda book: (book / "_config.yml").unlink(), "_config.yml must have a line repository:"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("spoil", "says"), REFUSED)
def test_what_is_not_ready_is_not_published(book, spoil, says):
    prepare(book, URL, "colab")
    spoil(book)
    refused(book, says)


@pytest.mark.parametrize(
    "wrong", [link(branch="y"), link(url="https://github.com/a/c"), link("chapters/02_a.ipynb"), f"{link()}#x"]
)
def test_a_launch_link_that_leads_nowhere_is_found(book, wrong):
    prepare(book, URL, "colab")
    build_site(book, link(), wrong)
    found = publish.complaints(book / "_build" / "html", ["chapters/01_a.ipynb", "README.md"])
    assert found == [f"chapters/01_a.html: {wrong} is not in the published branch"]


# ------------------------------------------------------------------ other hosts than GitHub


@pytest.mark.parametrize("url", [GITLAB, "https://gitee.com/someone/b", "https://git.example.org:8443/~someone/b.git"])
def test_fault_29_another_host_is_published_without_a_launch_button(book, url):
    prepare(book, url, "colab")
    publish.main(["--push", "origin"])
    made = nbformat.reads(public(book, "show", "colab:student/01_a.ipynb"), as_version=4)
    assert f'BOOK = "{url}@colab"\n' in made.cells[1].source


def test_fault_29_elsewhere_a_launch_link_is_wrong_and_so_is_no_site(book):
    prepare(book, GITLAB, "colab")
    build_site(book, link())
    refused(book, f"{link()} is not in the published branch")
    shutil.rmtree(book / "_build")
    refused(book, "holds no built site", "make book")


# ------------------------------------------------------------------ where there is no repository, no git, no right


def as_program(book, *arguments, **variables):
    """The command as make starts it, for the book in ``book``."""
    root = Path(facts.__file__).parents[1]  # not facts.ROOT, which a test moves
    (book / "tools").symlink_to(root / "tools")
    path = f"{book}{os.pathsep}{root}"
    return subprocess.run(
        [sys.executable, "-m", "tools.publish", *arguments],
        cwd=book,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **variables},
    )


def in_words(done, *says):
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    for words in says:
        assert words in done.stderr, done.stderr


def test_the_exit_status_tells(book):
    prepare(book, URL, "main")
    in_words(as_program(book, "--push", "origin"), "main is the branch you are on")


def test_without_git_it_says_so(book):
    prepare(book, URL, "colab")
    in_words(as_program(book, "--push", "origin", PATH=str(book / "nowhere")), "git was not found")


def test_a_downloaded_archive_is_no_repository(book):
    prepare(book, URL, "colab")
    shutil.rmtree(book / ".git")
    in_words(as_program(book), "must be a git repository", "git clone")


def test_a_folder_inside_another_repository_is_not_taken_for_it(book, monkeypatch):
    inner = book / "archive"
    shutil.copytree(book, inner, ignore=shutil.ignore_patterns(".git", "archive"))
    monkeypatch.setattr(facts, "ROOT", inner)
    prepare(inner, URL, "colab")
    refused(book, "lies inside the repository", "git clone")


def test_a_repository_without_a_commit_is_told_to_make_one(book):
    prepare(book, URL, "colab")
    shutil.rmtree(book / ".git")
    git(book, "init", "--quiet")
    refused(book, "no commit yet")


def test_a_remote_that_cannot_be_reached_is_reported_with_gits_words(book):
    prepare(book, URL, "colab")
    git(book, "remote", "add", "gone", "../gone.git")
    refused(book, "git ls-remote failed", "gone.git", remote="gone")
