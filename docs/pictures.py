"""Pictures in the README and in the pages: drawn anew, or compared with what the code draws now.

python docs/pictures.py                draw all of them, and put them into examples/
python docs/pictures.py figure2.png    only these
python docs/pictures.py --check [DIR]  compare by the numbers behind them with new ones, or with those in a folder
"""

import os
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib

from kwant_dissip.figures import figure2
from kwant_dissip.plots.numbers import difference, read

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def _example(name):
    return lambda: runpy.run_path(str(EXAMPLES / name), run_name="__main__")


# What draws each of them into the current folder.
DRAWN_BY = {
    "figure2.png": lambda: figure2.make("."),
    "hot_spots_in_the_hall_bar.png": _example("hot_spots_in_the_hall_bar.py"),
    "landauer_and_local_heat.png": _example("landauer_and_local_heat.py"),
    "defect_ring.png": _example("defect_ring.py"),
    "nanotube_image.png": _example("nanotube_image.py"),
    "gaas_wire_image.png": _example("gaas_wire_image.py"),
    "tip_contrast.png": _example("nanotube_image.py"),
}


def draw(names, folder):
    """Draw pictures into a folder, each of what draws them once."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        for name in names:
            if not Path(name).exists():
                print(f"drawing {name}", flush=True)
                DRAWN_BY[name]()
    finally:
        os.chdir(before)


def check(names, folder):
    """Differences between what is shipped and pictures in a folder, by name."""
    found = {name: difference(read(EXAMPLES / name), read(Path(folder) / name))
             for name in names if (Path(folder) / name).exists()}
    return {name: text for name, text in found.items() if text}


def main(arguments):
    """Exit code."""
    matplotlib.use("Agg")
    names = [name for name in arguments if name in DRAWN_BY] or list(DRAWN_BY)
    with tempfile.TemporaryDirectory() as new:
        folder = next((argument for argument in arguments if Path(argument).is_dir()), new)
        if folder is new:
            draw(names, new)
        if "--check" in arguments:
            different = check(names, folder)
            for name, text in different.items():
                print(f"examples/{name} is not what the code draws now: {text}. Run make pictures, look at it, commit.")
            return bool(different)
        for name in names:
            shutil.copy(Path(folder) / name, EXAMPLES / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
