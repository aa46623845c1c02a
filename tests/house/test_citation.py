"""A state that one can cite: one version, a valid citation file, templates that a host accepts."""

import json
import re

import pytest
import yaml

from resnext_lib import __version__ as VERSION
from tools.facts import ROOT


def test_the_citation_and_the_newest_change_have_the_version_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == VERSION
    newest = re.search(r"^## (\S+?):", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1]
    assert newest == VERSION


def test_the_citation_has_what_the_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys() and citation["cff-version"] == "1.2.0"
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", citation["date-released"])
    assert citation["references"][0]["url"].endswith("1611.05431")


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem)
def test_an_issue_form_asks_for_a_place_or_a_deed_and_for_details(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= form.keys()
    identifiers = [field["id"] for field in form["body"]]
    assert len(set(identifiers)) == len(identifiers) >= 3
    for field in form["body"]:
        assert field["type"] in {"input", "textarea", "dropdown"} and field["attributes"]["label"]
    assert sum(field.get("validations", {}).get("required", False) for field in form["body"]) >= 3


def test_the_development_container_installs_what_ci_installs():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(re.sub(r"^//.*$", "", text, flags=re.M))
    for package in ("chromium-headless-shell", "fonts-noto-cjk", "dataset-fashion-mnist"):
        assert package in container["onCreateCommand"]
