"""Publish what Colab opens: ``python -m tools.publish [--push REMOTE]``.

Runs in a checkout whose address is set (tools.address) and whose site is built. Makes one commit
without parents that holds the library, the chapters and their student edition, checks that every
launch link of the site leads to a file in it, and pushes it to the branch that the address names.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from tools import contract
from tools.address import COLAB
from tools.classroom import student
from tools.notebooks import chapters_in, read, text_of

# What pip needs to install the library, and the notebooks. No workflows: their token may not push any.
PUBLISHED = ["LICENSE", "LICENSE-text", "README.md", "pyproject.toml", "resnext_lib", "chapters/*.ipynb"]


def git(*arguments, **variables):
    """What git prints, without the line's end; an error of git's ends the program."""
    done = subprocess.run(["git", *arguments], cwd=contract.ROOT, env={**os.environ, **variables},
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"git {arguments[0]} failed")
    return done.stdout.strip()


def lay_out(folder):
    """Copy what is published into ``folder``, and write the student edition beside the chapters."""
    for name in git("ls-files", "--", *PUBLISHED).split("\n"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(contract.ROOT / name, folder / name)
    (folder / "student").mkdir()
    for path in chapters_in([folder / "chapters"]):
        (folder / "student" / path.name).write_text(text_of(student(read(path))), encoding="utf-8")


def commit(folder):
    """Make a commit of ``folder`` without parents. Author and date are HEAD's: the same source, the same commit."""
    name, email, date = git("log", "-1", "--format=%an%n%ae%n%cI").split("\n")
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", name), ("EMAIL", email), ("DATE", date))}
    with tempfile.TemporaryDirectory() as index:
        index = {"GIT_INDEX_FILE": str(Path(index) / "index")}
        git("--work-tree", str(folder), "add", "--all", "--force", str(folder), **index)
        tree = git("write-tree", **index)
    source = git("rev-parse", "HEAD")
    return git("commit-tree", tree, "-m", f"Notebooks for Colab, made from {source}", **who)


class Links(HTMLParser):
    """The links of a page that lead to Colab."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        target = dict(attributes).get("href") or ""
        if tag == "a" and target.startswith(COLAB):
            self.found.append(target)


def launch_links(site):
    """{page: its links to Colab} for every page of a built site that has one."""
    links = {page.relative_to(site).as_posix(): Links(page).found for page in sorted(site.rglob("*.html"))}
    return {page: found for page, found in links.items() if found}


def link_to(path):
    """The address at which Colab opens ``path`` of the published branch."""
    url, _, branch = contract.address().partition("@")
    return f"{COLAB}/github/{url.removeprefix('https://github.com/')}/blob/{branch}/{path}"


def complaints(site, files):
    """What is wrong with a site's launch links: a chapter without one, or one that leads to none of ``files``."""
    links, known = launch_links(site), {link_to(path) for path in files}
    found = [f"{page}: {link} is not in the published branch"
             for page, targets in links.items() for link in targets if link not in known]
    for path in chapters_in([contract.ROOT / "chapters"]):
        if link_to(f"chapters/{path.name}") not in links.get(f"chapters/{path.stem}.html", []):
            found.append(f"chapters/{path.stem}.html: no launch link to its own notebook")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--push", metavar="REMOTE", help="push the commit to this remote; without it, only check")
    remote = parser.parse_args(arguments).push
    branch = contract.address().partition("@")[2]
    if not branch:
        raise SystemExit("the book has no address yet: make address URL=https://github.com/you/fork BRANCH=colab")
    if branch == git("rev-parse", "--abbrev-ref", "HEAD"):
        raise SystemExit(f"{branch} is the branch you are on; give the published copy one of its own: "
                         "make address URL=... BRANCH=colab")
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        made = commit(Path(folder))
    files = git("ls-tree", "-r", "--name-only", made).split("\n")
    if wrong := complaints(contract.ROOT / "_build" / "html", files):
        raise SystemExit("\n".join(wrong))
    if remote:
        git("push", "--force", remote, f"{made}:refs/heads/{branch}")
    print(f"{made}: {len(files)} files {'pushed to' if remote else 'ready for'} {branch}")


if __name__ == "__main__":
    sys.exit(main())
