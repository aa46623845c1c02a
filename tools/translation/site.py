"""The Chinese site: built beside the English one, into its folder ``zh``.

``python -m tools.translation.site [FOLDER]``  FOLDER holds ``_build``; the book's own if it is left out.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tools.translation.edition import Chinese
from tools.translation.pages import ENGLISH_ONLY, ROOT, title_of, toc

# Not -m: python would read the module and build nothing.
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]


def settings(chinese, root=ROOT):
    """``_config.yml`` for the Chinese edition, as text."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = chinese.words(config["title"])
    config["author"] = chinese.words(config["author"])
    config["sphinx"]["config"]["language"] = "zh_CN"
    config["sphinx"]["config"]["html_theme_options"]["search_bar_text"] = chinese.words("Search this book...")
    extensions = config["sphinx"]["local_extensions"]
    config["sphinx"]["local_extensions"] = {name: str(root / path) for name, path in extensions.items()}
    for name in ("nb_code_prompt_show", "nb_code_prompt_hide"):
        config["sphinx"]["config"][name] = chinese.words(config["sphinx"]["config"][name])
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False)


def table_of_contents(chinese, root=ROOT):
    """``_toc.yml`` with the names of the parts in Chinese, and of the pages that stay English, as text."""
    table = toc(root)
    for part in table["parts"]:
        part["caption"] = chinese.words(part["caption"])
        for chapter in part["chapters"]:
            if chapter["file"] in ENGLISH_ONLY:
                chapter["title"] = chinese.words(title_of(chapter["file"], root))
    return yaml.safe_dump(table, allow_unicode=True, sort_keys=False)


def build(folder, root=ROOT):
    """Build the Chinese edition under ``folder`` and copy it to the English one's ``zh``. Returns the finished process."""
    work, chinese = folder / "_build" / "zh", Chinese(root=root)
    work.mkdir(parents=True, exist_ok=True)
    config, table = work / "_config.yml", work / "_toc.yml"
    config.write_text(settings(chinese, root), encoding="utf-8")
    table.write_text(table_of_contents(chinese, root), encoding="utf-8")
    options = ["-W", "-n", "--keep-going", "-q", "--path-output", str(work), "--config", str(config), "--toc", str(table)]
    finished = subprocess.run([*JUPYTER_BOOK, "build", str(root), *options], capture_output=True, text=True)
    if finished.returncode == 0:
        target = folder / "_build" / "html" / "zh"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "_build" / "html", target)
    return finished


def main(arguments=None):
    given = sys.argv[1:] if arguments is None else arguments
    finished = build(Path(given[0]) if given else ROOT)
    if finished.returncode:
        raise SystemExit(finished.stdout[-2000:] + finished.stderr[-4000:])


if __name__ == "__main__":
    main()
