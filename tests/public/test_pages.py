"""The README and the pages: what is printed there holds, and fits."""

import configparser
import contextlib
import io
import re
import warnings

import matplotlib.pyplot as plt
import pytest

from paths import CLONE

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


def programs(page):
    """Pieces of Python in a page, each with what a traceback needs to name its lines.

    A comment ``<!-- not run: why -->`` above a piece leaves it out.
    """
    text = page.read_text()
    for found in re.finditer(r"^(<!-- not run: [^>]+ -->\n)?```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if found[1] is None:
            yield compile("\n" * text[:found.start(2)].count("\n") + found[2], page, "exec")


def run(page, folder, names):
    """All of them in order, in a fresh folder; the names that there are then."""
    names = {**names, "__name__": page.stem}
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for program in programs(page):
            exec(program, names)
    plt.close("all")
    return names


@pytest.fixture(scope="module")
def first_steps(tmp_path_factory):
    """What the first steps leave behind."""
    return run(CLONE / "docs" / "first_steps.md", tmp_path_factory.mktemp("first_steps"), {})


@pytest.mark.parametrize("page", [page for page in PAGES if any(programs(page))], ids=lambda page: page.name)
def test_code_runs_in_order(page, first_steps, tmp_path):
    """Each page by itself, without a warning; where it refers to the first steps, after those."""
    if page.name == "first_steps.md":
        assert (first_steps["state"].current[0], len(first_steps["found"].bias)) == (pytest.approx(1.993e-3, 1e-3), 15)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(page, tmp_path, first_steps if "(first_steps.md)" in page.read_text() else {})


def test_one_version():
    setup = configparser.ConfigParser()
    setup.read(CLONE / "setup.cfg", encoding="utf-8")
    version = setup["metadata"]["version"]
    assert f"version: {version}\n" in (CLONE / "CITATION.cff").read_text()
    headings = re.findall(r"^## (.*)$", (CLONE / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == version
