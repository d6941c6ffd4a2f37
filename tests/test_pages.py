"""The README and the pages: what is printed there holds, and fits."""

import configparser
import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

CLONE = Path(__file__).parent.parent
PAGES = [CLONE / "README.md", *sorted((CLONE / "docs").glob("*.md"))]
# Columns of code that a page of 1400 pixels shows beside its two bars.
COLUMNS = 88


def code(page):
    """Lines of code in a page, with their numbers; indented ones only where nothing else is indented."""
    fence = None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fence = None if fence is not None else line
        elif fence is not None and not fence.startswith("```{"):
            yield number, line
        elif fence is None and line.startswith("    ") and not line.lstrip().startswith(("-", "*")):
            yield number, line[4:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_fits(page):
    assert [number for number, line in code(page) if len(line) > COLUMNS] == []


def test_the_readmes_example_prints_what_it_says(tmp_path, monkeypatch):
    text = (CLONE / "README.md").read_text()
    found = re.search(r"```python\n(.*?)```\s+It prints \(on one line\)\s+(.*?)\n\n\(", text, re.DOTALL)
    program, printed = found.groups()
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    plt.close("all")
    assert (tmp_path / "own_model.png").stat().st_size

    def numbers(line):
        return [float(number) for number in re.findall(r"-?[\d.]+(?:e-?\d+)?", line)]

    said, found = " ".join(printed.split()), output.getvalue().strip()
    assert re.sub(r"[\d.e-]+", "", said) == re.sub(r"[\d.e-]+", "", found)
    assert numbers(said)[:4] == pytest.approx(numbers(found)[:4], rel=1e-3)  # the error is another one elsewhere


def test_one_version():
    setup = configparser.ConfigParser()
    setup.read(CLONE / "setup.cfg", encoding="utf-8")
    version = setup["metadata"]["version"]
    assert f"version: {version}\n" in (CLONE / "CITATION.cff").read_text()
    headings = re.findall(r"^## (.*)$", (CLONE / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == version
