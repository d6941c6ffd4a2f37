"""The description for package indexes: the README without what lies in the clone only, its picture and links to files.

Everything else is in setup.cfg.
"""

import re
from pathlib import Path

from setuptools import setup

text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
text = re.sub(r"!\[[^]]*\]\((?!\w+:)[^)]*\)\n+", "", text)
text = re.sub(r"\[([^]]*)\]\((?!\w+:)([^)]*)\)",
              lambda link: link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)", text)
setup(long_description=text, long_description_content_type="text/markdown")
