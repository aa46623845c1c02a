"""Set the book's public address everywhere: ``python -m tools.address https://github.com/you/fork [BRANCH]``.

BRANCH is a branch or a tag, main if left out. _config.yml holds the address: it turns on the launch
buttons. Every chapter's setup cell repeats it. Without arguments: write the present address again,
into a new chapter for example.
"""

import re
import sys

from tools import contract
from tools.notebooks import chapters_in, read, text_of

COLAB = "https://colab.research.google.com"
# What GitHub and git allow: an owner of letters, digits and single hyphens; a name that is not NAME.git;
# a branch of parts between slashes.
URL = re.compile(r"https://github\.com/[A-Za-z0-9]+(-[A-Za-z0-9]+)*/(?!\.\.?$)[\w.-]+(?<!\.git)", re.ASCII)
BRANCH = re.compile(r"(?!.*(\.\.|\.lock$|\.$))\w[\w.-]*(/\w[\w.-]*)*", re.ASCII)


def places():
    """Every file that holds the address."""
    notebooks = chapters_in([contract.ROOT / "chapters"])
    return [contract.ROOT / "_config.yml", *(path for path in notebooks if not contract.stands_alone(path))]


def refuse_unless_address(url, branch):
    if not URL.fullmatch(url):
        raise SystemExit(f"the address must look like https://github.com/you/fork and end there, not {url!r}")
    if not BRANCH.fullmatch(branch):
        raise SystemExit(f"the branch must look like main or v1.0, not {branch!r}")


def configured(text, url, branch):
    """_config.yml with the address, and with launch buttons if there is one."""
    for key, value in (
        ("repository", f'{{url: "{url}", branch: "{branch}"}}'),
        ("launch_buttons", f'{{colab_url: "{COLAB if url else ""}"}}'),
    ):
        text, count = re.subn(rf"^{key}: .*$", f"{key}: {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise SystemExit(f"_config.yml must have one line that begins with {key}:, not {count}")
    return text


def write(url, branch):
    """Write the address, already checked, into every place; "" and "" take it out again."""
    config, *chapters = places()
    config.write_text(configured(config.read_text(encoding="utf-8"), url, branch), encoding="utf-8")
    for path in chapters:
        notebook = read(path)
        notebook.cells[1].source = contract.SETUP.format(address=contract.address())
        path.write_text(text_of(notebook), encoding="utf-8")


def main(arguments):
    if not arguments:
        url, _, branch = contract.address().partition("@")
    elif len(arguments) <= 2:
        url, branch = [*arguments, "main"][:2]
        refuse_unless_address(url, branch)
    else:
        raise SystemExit(__doc__)
    write(url, branch)
    print(f"The book's address is {contract.address() or 'not set'}.")


if __name__ == "__main__":
    main(sys.argv[1:])
