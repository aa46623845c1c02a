"""Publish what Colab opens: ``python -m tools.publish [--push REMOTE]``.

Runs in a checkout whose address is set (tools.address) and whose site is built. Makes one commit
without parents that holds the library, the chapters and their student edition, as the last commit of
the checkout has them, with the address. Checks that every launch link of the site leads to a file in
it, and pushes it to the branch that the address names.

That push replaces the branch. So it is done only where the branch does not exist yet, or stands at a
commit that this command made; in every other case nothing is pushed, and it says what to do.
"""

import argparse
import os
import shutil
import sys
import tempfile
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path

from tools import address, facts
from tools.address import COLAB
from tools.classroom import student
from tools.git import (
    branch_tip,
    changes,
    git,
    in_last_commit,
    printed,
    refuse_unless_repository,
    remote_refs,
)
from tools.notebooks import chapters_in, read, text_of
from tools.translation import edition

# What pip needs to install the library, and the notebooks. No workflows: their token may not push any.
PUBLISHED = ["LICENSE", "LICENSE-text", "README.md", "pyproject.toml", "resnext_lib", "chapters/*.ipynb"]
SUBJECT = "Notebooks for Colab, made from"
# The last line names the commit's own content: who changes the content and keeps the message is found out.
MESSAGE = (
    SUBJECT
    + """ {source}

tools.publish made this commit and replaces it by its next one; never work on it.
Content: {tree}"""
)

FOREIGN = """{remote}'s branch {branch} was not made by this command, or somebody has committed to it since:
  {what}
It would be replaced, so nothing was pushed. Either publish to another branch:
  make address URL=... BRANCH=colab
  make book
or, if it is to be replaced, keep what is there under another name and remove it:
  git push {remote} {tip}:refs/heads/kept-{branch}
  git push {remote} --delete {branch}"""


# ------------------------------------------------------------------ what may be published


def is_published(name):
    return any(fnmatch(name, pattern) or name.startswith(f"{pattern}/") for pattern in PUBLISHED)


def refuse_another_address(url, branch):
    """Every place must hold the address of _config.yml, which may have been edited by hand."""
    texts = {path: address.text_at(path) for path in address.places()}
    wrong = [path.name for path, text in texts.items() if address.with_address(path, text, url, branch) != text]
    if wrong:
        raise SystemExit(
            f"the address {url}@{branch} is not in {', '.join(wrong)}: make address URL={url} BRANCH={branch}, "
            "then make book"
        )


def only_the_address_differs(name, url, branch):
    """Whether a file differs from the last commit by no more than what tools.address writes into it."""
    path = facts.ROOT / name
    if path not in address.places() or not path.is_file():
        return False
    try:
        return address.text_at(path) == address.with_address(path, in_last_commit(name), url, branch)
    except SystemExit:  # the last commit has no place for an address in it
        return False


def refuse_uncommitted(url, branch):
    """What is published says of itself which commit it was made from, so it must be that."""
    wrong = []
    for letters, name in changes():
        if letters == "??":
            wrong += [f"{name} (new)"] if is_published(name) else []
        elif set(letters) - {"M", " "} or not only_the_address_differs(name, url, branch):
            wrong.append(name)
    if wrong:
        raise SystemExit(
            "not committed, and what is published must be what its commit says:\n  "
            + "\n  ".join(wrong)
            + "\nCommit them (git add, git commit) or take them back (git restore), then make book and publish."
        )


def is_ours(commit):
    """Whether an earlier call of this command made ``commit``: no parents, our message, and the content that it names."""
    head, _, message = printed("cat-file", "commit", commit).partition("\n\n")
    lines = head.split("\n")
    tree = lines[0].removeprefix("tree ")
    orphan = not any(line.startswith("parent ") for line in lines)
    return orphan and message.startswith(SUBJECT) and message.rstrip("\n").endswith(f"\nContent: {tree}")


def refuse_own_branch(branch):
    """A branch of this checkout that holds anyone's work is not replaced."""
    if branch == git("rev-parse", "--abbrev-ref", "HEAD"):
        raise SystemExit(
            f"{branch} is the branch you are on; give the published copy one of its own: make address URL=... BRANCH=colab"
        )
    tip = branch_tip(branch)
    if tip and not is_ours(tip):
        raise SystemExit(
            f"{branch} is a branch of this checkout with work of its own; give the published copy another: "
            "make address URL=... BRANCH=colab, then make book"
        )


def refuse_unless_remote(remote):
    known = git("remote").splitlines()
    if remote not in known:
        raise SystemExit(
            f"REMOTE must be one of {', '.join(known) or '(there is none yet)'}, as git remote lists them, "
            f"not {remote!r}; git remote add NAME URL adds one"
        )


def replaceable_tip(remote, branch):
    """The commit at which the remote's branch stands and that may be replaced; "" if there is no such branch."""
    full, tag = f"refs/heads/{branch}", f"refs/tags/{branch}"
    refs = remote_refs(remote, full, tag)
    if tag in refs:
        raise SystemExit(
            f"{remote} has a tag {branch}, and a branch of that name would be mistaken for it. "
            "Nothing was pushed; choose another: make address URL=... BRANCH=colab, then make book"
        )
    tip = refs.get(full, "")
    if tip:
        git("fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--", remote, full)
        if not is_ours(tip):
            raise SystemExit(
                FOREIGN.format(
                    remote=remote,
                    branch=branch,
                    tip=tip,
                    what=git("show", "--no-patch", "--no-show-signature", "--format=%h %cn, %cs: %s", tip),
                )
            )
    return tip


# ------------------------------------------------------------------ making it


def lay_out(folder):
    """Copy what is published into ``folder``, and write the student edition beside the chapters."""
    for name in filter(None, printed("ls-files", "-z", "--", *PUBLISHED).split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(facts.ROOT / name, folder / name)
    (folder / "student").mkdir()
    if (facts.ROOT / "locale").is_dir():
        edition.write(folder / "zh", edition.Chinese(root=facts.ROOT))
    for path in chapters_in([folder / "chapters"]):
        (folder / "student" / path.name).write_text(text_of(student(read(path))), encoding="utf-8", newline="\n")


def commit(folder):
    """Make a commit of ``folder`` without parents. Author and date are HEAD's: the same source, the same commit."""
    shown = git("show", "--no-patch", "--no-show-signature", "--format=%H%n%an%n%ae%n%cI", "HEAD")
    source, name, email, date = shown.split("\n")
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email), ("DATE", date))
    }
    with tempfile.TemporaryDirectory() as index:
        variables = {
            "GIT_INDEX_FILE": os.path.join(index, "index"),
            "GIT_WORK_TREE": str(folder),
            "GIT_DIR": git("rev-parse", "--absolute-git-dir"),
        }
        git("add", "--all", "--force", str(folder), **variables)
        tree = git("write-tree", **variables)
    return git("commit-tree", tree, "-m", MESSAGE.format(source=source, tree=tree), **who)


# ------------------------------------------------------------------ launch links


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
    """The address at which Colab opens ``path`` of the published branch; None where Colab cannot."""
    url, branch = address.present()
    if not address.colab_of(url):
        return None
    return f"{COLAB}/github/{url.removeprefix('https://github.com/')}/blob/{branch}/{path}"


def complaints(site, files):
    """What is wrong with a site's launch links: a chapter without one, or one that leads to none of ``files``."""
    links, known = launch_links(site), {link_to(path) for path in files}
    found = [
        f"{page}: {link} is not in the published branch"
        for page, targets in links.items()
        for link in targets
        if link not in known
    ]
    for path in chapters_in([facts.ROOT / "chapters"]):
        wanted = link_to(f"chapters/{path.name}")
        if wanted and wanted not in links.get(f"chapters/{path.stem}.html", []):
            found.append(f"chapters/{path.stem}.html: no launch link to its own notebook")
    return found


def refuse_wrong_site(files):
    site = facts.ROOT / "_build" / "html"
    wrong = complaints(site, files)
    if not wrong and not any(site.glob("chapters/*.html")):  # without Colab nothing else would notice
        wrong = [f"{site} holds no built site"]
    if wrong:
        raise SystemExit("\n".join(wrong) + "\nBuild the site with the present address: make book")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--push", metavar="REMOTE", help="push the commit to this remote; without it, only check")
    remote = parser.parse_args(arguments).push
    refuse_unless_repository()
    url, branch = address.present()
    if not url:
        raise SystemExit("the book has no address yet: make address URL=https://github.com/you/fork BRANCH=colab")
    refuse_own_branch(branch)
    if remote is not None:
        refuse_unless_remote(remote)
    refuse_another_address(url, branch)
    refuse_uncommitted(url, branch)
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        made = commit(Path(folder))
    files = printed("ls-tree", "-r", "-z", "--name-only", made).rstrip("\0").split("\0")
    refuse_wrong_site(files)
    if remote is not None:
        tip = replaceable_tip(remote, branch)
        # The lease: should somebody push between the look and this, git refuses.
        git("push", "--quiet", f"--force-with-lease=refs/heads/{branch}:{tip}", "--", remote, f"{made}:refs/heads/{branch}")
    print(f"{made}: {len(files)} files {'pushed to' if remote is not None else 'ready for'} {branch}")


if __name__ == "__main__":
    sys.exit(main())
