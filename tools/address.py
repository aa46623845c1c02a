"""Set the book's public address everywhere: ``python -m tools.address https://github.com/you/fork [BRANCH]``.

BRANCH is a branch or a tag, colab if left out: the branch that ``make publish`` makes. The repository may
stand on any host that serves git over https; the Colab button needs GitHub. _config.yml holds the address.
Every chapter's setup cell repeats it. Without arguments: write the present address again, into a new
chapter for example.
"""

import re
import sys
from urllib.parse import urlsplit

import nbformat
import yaml

from tools import contract, facts, writing
from tools.notebooks import chapters_in, text_of
from tools.setup_cell import setup_source

COLAB = "https://colab.research.google.com"
GITHUB = "github.com"
DEFAULT_BRANCH = "colab"
# What a browser, git and pip read alike: a host in small letters, then parts of letters, digits, dots and hyphens.
URL = re.compile(r"https://[a-z0-9]+((\.|-+)[a-z0-9]+)*(:\d{1,5})?(/~?\w[\w.-]*)+", re.ASCII)
# The path of a repository on hosts that are known; one with more parts leads to a page about it, NAME.git to the same.
OWNER_AND_NAME = r"/[\w.-]+/[\w.-]+(?<!\.git)"
PATHS = {
    GITHUB: r"/[A-Za-z0-9]+(-[A-Za-z0-9]+)*/[\w.-]+(?<!\.git)",
    "gitlab.com": r"/[\w.-]+(/[\w.-]+)+(?<!\.git)",
    "gitee.com": OWNER_AND_NAME,
    "bitbucket.org": OWNER_AND_NAME,
    "codeberg.org": OWNER_AND_NAME,
}
# They show pages or single files and hold no repository.
NO_REPOSITORIES = re.compile(r"www\.github\.com|raw\.githubusercontent\.com|.+\.(github|gitlab|gitee)\.io")
# What git allows, without the characters that a link or pip would read otherwise.
BRANCH = re.compile(r"(?!HEAD$)(?!.*\.\.)(?!.*\.lock(/|$))(?!.*\.$)(?=.{1,200}$)\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)
SETUP_LINE = re.compile(r'^BOOK = "', re.MULTILINE)


def places():
    """Every file that holds the address."""
    notebooks = chapters_in([facts.ROOT / "chapters"])
    return [facts.ROOT / "_config.yml", *(path for path in notebooks if not facts.stands_alone(path))]


def present():
    """The address as it is, (url, branch); ("", "") while there is none. Raises ``SystemExit`` for a damaged _config.yml."""
    try:
        url, _, branch = facts.address().partition("@")
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise SystemExit(
            '_config.yml must have a line repository: {url: "", branch: ""} that holds the address; '
            f"mend it, or take it back from git ({error})"
        ) from error
    if url:
        refuse_unless_address(url, branch)
    return url, branch


def host_of(url):
    return urlsplit(url).hostname or ""


def colab_of(url):
    """Where launch buttons lead: Colab opens notebooks from GitHub only."""
    return COLAB if host_of(url) == GITHUB else ""


def is_repository(url):
    """Whether ``url`` can be a repository's address, on the hosts that are known as on others."""
    if not URL.fullmatch(url) or NO_REPOSITORIES.fullmatch(host_of(url)):
        return False
    return re.fullmatch(PATHS.get(host_of(url), ".+"), urlsplit(url).path) is not None


def refuse_unless_address(url, branch):
    if not is_repository(url):
        raise SystemExit(
            f"the address must look like https://github.com/you/fork and end there, not {url!r} "
            "(another host than GitHub will do: https://gitlab.com/group/fork, https://git.example.org/fork)"
        )
    if is_repository(branch):
        raise SystemExit(
            f"the book has one address: {branch} stands where the branch belongs; a mirror has a clone of its own"
        )
    if not BRANCH.fullmatch(branch):
        raise SystemExit(f"the branch must look like main or v1.0, a name that git accepts, not {branch!r}")


def configured(text, url, branch):
    """_config.yml with the address, and with launch buttons if Colab can open it."""
    for key, value in (
        ("repository", f'{{url: "{url}", branch: "{branch}"}}'),
        ("launch_buttons", f'{{colab_url: "{colab_of(url)}"}}'),
    ):
        text, count = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise SystemExit(f"_config.yml must have one line that begins with {key}:, not {count}")
    return text


def with_setup_cell(path, text, url, branch):
    """A notebook's text with the address in its setup cell. Raises ``SystemExit`` where another cell stands there."""
    try:
        notebook = nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises several kinds, for JSON and for what is in it
        raise SystemExit(f"{path} is no notebook that can be read; mend it first ({error})") from error
    second = notebook.cells[1] if len(notebook.cells) > 1 else None
    setup = second is not None and second.cell_type == "code" and SETUP_LINE.search(second.source)
    empty = second is not None and second.cell_type == "code" and not second.source.strip()
    if not setup and contract.setup_cell not in contract.rules_for(path):
        return text
    if not setup and not empty:
        raise SystemExit(f"the second cell of {path} is not the setup cell and would be lost: put an empty one before it")
    right = setup_source(f"{url}@{branch}" if url else "")
    if second.source == right:
        return text
    second.source = right
    return text_of(notebook)


def with_address(path, text, url, branch):
    """``text``, the content of the place ``path``, with the address."""
    return configured(text, url, branch) if path.name == "_config.yml" else with_setup_cell(path, text, url, branch)


def text_at(path):
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise SystemExit(f"{path} cannot be read, and it holds the address: {error}") from error


def write(url, branch):
    """Write the address, already checked, into every place, or into none; "" and "" take it out again."""
    writing.replace({path: with_address(path, text_at(path), url, branch) for path in places()})


def main(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
        return
    if not arguments:
        url, branch = present()
    elif len(arguments) <= 2:
        url, branch = [*arguments, DEFAULT_BRANCH][:2]
        refuse_unless_address(url, branch)
    else:
        raise SystemExit(__doc__)
    write(url, branch)
    address = facts.address()
    print(f"The book's address is {address}." if address else "Every setup cell is as it should be; no address is set.")
    if url and not colab_of(url):
        print("Colab opens notebooks from GitHub only: the pages have no button for it, and everything else works.")


if __name__ == "__main__":
    main(sys.argv[1:])
