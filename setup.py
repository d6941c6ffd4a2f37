"""What setup.cfg cannot say: the kernels in C, built for several processors, and the description for package indexes.

That is the README without what lies in the clone only, its picture and links to files.
"""

import os
import platform
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError

# Doubles of a vector and flags of each build; the widest that the processor has is chosen at import.
_X86 = {"v2": (2, ["-march=x86-64-v2"]), "v3": (4, ["-march=x86-64-v3"]),
        "v4": (8, ["-march=x86-64-v4", "-mprefer-vector-width=512"])}
_BUILDS = _X86 if platform.machine() in ("x86_64", "AMD64") else {"plain": (2, [])}
# Sums of products may become one instruction; -ffast-math is not wanted: nan and inf must stay visible.
_FLAGS = ["-std=gnu11", "-O3", "-ffp-contract=fast", "-fopenmp-simd"]
_SOURCES = Path("kwant_dissip/native")


class Builds(build_ext):
    """One object of the same source for each build, linked into the extension that calls them."""

    def build_extension(self, ext: Extension) -> None:
        def compiled(name):
            lanes, flags = _BUILDS[name]
            return self.compiler.compile([str(_SOURCES / "kernels.c")], output_dir=str(Path(self.build_temp) / name),
                                         macros=[("LANES", str(lanes)), ("TABLE", f"build_{name}")],
                                         extra_postargs=_FLAGS + flags + shlex.split(os.environ.get("CFLAGS", "")))

        try:
            with ThreadPoolExecutor() as pool:
                for objects in pool.map(compiled, _BUILDS):
                    ext.extra_objects += objects
            super().build_extension(ext)
        except (CCompilerError, CompileError) as error:
            raise SystemExit("kwant_dissip needs a C compiler, gcc 11 or clang 12 and newer, and Python's headers, as "
                             f"kwant does. On Debian: apt install build-essential python3-dev.\n{error}") from error


_TEXT = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
_TEXT = re.sub(r"!\[[^]]*\]\((?!\w+:)[^)]*\)\n+", "", _TEXT)
_TEXT = re.sub(r"\[([^]]*)\]\((?!\w+:)([^)]*)\)",
               lambda link: link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)", _TEXT)
setup(long_description=_TEXT, long_description_content_type="text/markdown", cmdclass={"build_ext": Builds},
      ext_modules=[Extension("kwant_dissip.native._kernels", [str(_SOURCES / "_kernels.pyx")],
                             depends=[str(path) for path in _SOURCES.glob("*.[ch]")], include_dirs=[str(_SOURCES)])])
