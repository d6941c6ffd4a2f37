"""Pictures in the README and in the pages are what the code draws now, by the numbers behind their curves."""

import re
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from kwant_dissip.plots.numbers import difference, numbers_of, read, save
from paths import CLONE

sys.path.append(str(CLONE / "docs"))

import pictures


def figure(change=0.0):
    """A curve, an image, and cells."""
    made, (left, right) = plt.subplots(1, 2)
    x = np.linspace(0, 3, 200)
    left.plot(x, np.sin(x) + change)
    right.pcolormesh(np.outer(x[:20], x[:30]))
    right.imshow(np.outer(x[:9], x[:8]))
    return made


def test_numbers_behind_a_picture(tmp_path):
    """They are in the file, do not change with what is rounding, and do with what is seen."""
    path = tmp_path / "picture.png"
    save(figure(), path)
    assert difference(read(path), numbers_of(figure(1e-5))) is None
    assert "off by" in difference(read(path), numbers_of(figure(0.02)))
    empty, axis = plt.subplots()
    axis.plot([1, 2, 3])
    assert "curves and maps, not" in difference(read(path), numbers_of(empty))
    axis.figure.savefig(path)
    with pytest.raises(ValueError, match="does not hold the numbers behind it"):
        read(path)
    plt.close("all")


def test_every_picture_that_is_shown_can_be_drawn_anew():
    """And holds its numbers."""
    pages = [CLONE / "README.md", *(CLONE / "docs").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"examples/(\w+\.png)", page.read_text())}
    assert shown == set(pictures.DRAWN_BY) == {path.name for path in (CLONE / "examples").glob("*.png")}
    assert all(read(CLONE / "examples" / name) for name in shown)


QUICK = ["figure2.png", "gaas_wire_image.png"]


@pytest.mark.parametrize("name", QUICK)
def test_shipped_is_drawn_now(name, tmp_path):
    """The quick ones; the others are compared when the pages are built."""
    pictures.draw([name], tmp_path)
    assert pictures.check([name], tmp_path) == {}
    plt.close("all")
