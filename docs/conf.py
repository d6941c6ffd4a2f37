"""How `make docs` builds the pages: sphinx, the examples run by sphinx-gallery, formulas by MathJax from a package."""

import ast
import importlib.util
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE / "_build"
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "common")]

import validation_table  # noqa: E402 (beside this file)

from kwant_dissip import __version__  # noqa: E402

# Of every process that the examples start, too.
os.environ["KWANT_DISSIP_GALLERY"] = "1"  # examples that take minutes run reduced, and say so
os.environ["PYTHONWARNINGS"] = "ignore:MUMPS is not available:RuntimeWarning"
warnings.filterwarnings("ignore", "MUMPS is not available", RuntimeWarning)



def titled(code):
    """An example whose docstring begins with a title, as the gallery asks for: its first sentence up to a colon."""
    text = ast.get_docstring(ast.parse(code))
    title = re.split(r"[:;,.]", text.splitlines()[0])[0]
    _, quotes, rest = code.removeprefix('"""').partition('"""')
    return f'r"""\n{title}\n{"=" * len(title)}\n\n{text}\n{quotes}{rest}'


# Examples write their pictures beside themselves: they run in a copy, and the clone stays as it is.
EXAMPLES = BUILT / "examples"
shutil.rmtree(EXAMPLES, ignore_errors=True)
EXAMPLES.mkdir(parents=True)
for example in sorted((HERE.parent / "examples").glob("*.py")):
    (EXAMPLES / example.name).write_text(titled(example.read_text()))
(EXAMPLES / "GALLERY_HEADER.rst").write_text(
    "Examples\n========\n\nEvery figure here was drawn by the code beside it when these pages were built. Two examples "
    "take minutes, and ran reduced: they say so, and what they leave out.\n")

# What of MathJax the formulas need, as a part of the pages: they read offline.
MATHJAX = BUILT / "static" / "mathjax"
_source = Path(importlib.util.find_spec("mathjax").submodule_search_locations[0]) / "static" / "mathjax" / "es5"
for part in ("tex-chtml.js", "output/chtml/fonts/woff-v2"):
    (MATHJAX / part).parent.mkdir(parents=True, exist_ok=True)
    if (_source / part).is_dir():
        shutil.copytree(_source / part, MATHJAX / part, dirs_exist_ok=True)
    else:
        shutil.copy2(_source / part, MATHJAX / part)

validation_table.write(BUILT / "validation_table.md")

project = "kwant_dissip"
author = "the kwant_dissip authors"
copyright = "the kwant_dissip authors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "numpydoc",
              "sphinx_copybutton", "sphinx_gallery.gen_gallery"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}  # which would load more from elsewhere

autosummary_generate = True
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
# Types of other packages, and those that stand for themselves.
nitpick_ignore_regex = [("py:.*", r"(\w+\.)*(ndarray|Any|Callable|Sequence|Iterable|Mapping|PathLike|Figure|Axes|"
                                  r"Dataset|FiniteSystem|Bath|Law|Result|Saved|KwantScatterer|TwoWires|State|Self|"
                                  r"PerSite|Conductance|Charge|Lattice|Equation|Builder|Site|Spots|"
                                  r"ConstantMeanFreePath|LandauerHeat|InitVar|Graph|Profile|AveragedProfile)")]
autodoc_default_options = {"members": True, "inherited-members": True}
numpydoc_show_class_members = False
# `name` in a docstring is code.
default_role = "code"

sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES.relative_to(HERE)),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,  # a page with scripts from elsewhere
    "remove_config_comments": True,
    "image_srcset": ["2x"],
    "within_subsection_order": "FileNameSortKey",
}

html_theme = "furo"
html_title = f"kwant_dissip {version}"
html_static_path = ["_build/static", "_static"]
html_css_files = ["pages.css"]
copybutton_exclude = ".linenos, .gp, .go"
html_copy_source = False
html_show_sourcelink = False
# The second builder looks at links within the pages only.
linkcheck_ignore = [r"https?://"]


def plain(app, what, name, obj, options, lines):  # noqa: ARG001
    """Formulas within sentences of docstrings are plain text: f_+ is no link, nor |x| a substitution."""
    is_formula, indent = False, 0
    for i, line in enumerate(lines):
        if is_formula and (not line.strip() or len(line) - len(line.lstrip()) > indent):
            continue
        is_formula, indent = line.lstrip().startswith(".. math::"), len(line) - len(line.lstrip())
        parts = re.split(r"(`+[^`]*`+)", line)
        parts[::2] = [re.sub(r"(?<=\w)_(?!\w)|\|", lambda match: "\\" + match[0], part) for part in parts[::2]]
        lines[i] = "".join(parts)


# Unions of types that have a name.
NAMED = {
    "float | Sequence[float] | ndarray | Callable[[...], float]": "PerSite",
    "float | Sequence[float] | ndarray | Callable[[ndarray], Any]": "Conductance",
    "Bath | Sequence[Bath]": "Bath | list[Bath]",
}


def short(app, what, name, obj, options, signature, result):  # noqa: ARG001
    """Types without their modules, and by their names where they have one."""
    def shortened(text):
        text = re.sub(r"(?<![\w'\"])~?(?:\w+\.)+(?=[A-Za-z])", "", text or "").replace("[...,", "[[...],")
        for union, name in NAMED.items():
            text = text.replace(union, name)
        return text

    return None if signature is None else (shortened(signature), shortened(result) or None)


def wide(app, name, source):  # noqa: ARG001
    """Pages with code of 120 columns have no table of contents beside them."""
    if name.startswith("gallery/") and name != "gallery/index":
        source[0] = ":hide-toc:\n\n" + source[0]


def setup(app):
    """Before numpydoc, which reads docstrings at priority 500."""
    app.connect("autodoc-process-docstring", plain, priority=400)
    app.connect("autodoc-process-signature", short, priority=900)
    app.connect("source-read", wide)
