"""How `make docs` builds the site: Markdown as it lies here, no network, every warning an error."""

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "Gatehouse"
author = "the Gatehouse authors"
copyright = "the Gatehouse authors, MIT licence"  # noqa: A001 - the name that Sphinx reads

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
# README.md here says how to write these pages; it is for who reads the repository.
exclude_patterns = ["README.md"]

# Anchors as GitHub makes them, so that one link works here and there.
myst_heading_anchors = 4

html_theme = "furo"
html_title = "Gatehouse"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
# Furo loads nothing from elsewhere; these are the fonts that the reader's system has.
html_theme_options = {"top_of_page_buttons": []}


def _include_root_file(_: Sphinx, __: str, source: list[str]) -> None:
    """Put a file of the repository's root where a page includes it, with links that fit there."""
    include = re.compile(r"^```{include} ((?:\.\./)+)(\w+\.md)\n```$", re.MULTILINE)
    root = Path(__file__).parents[1]

    def text_of(match: re.Match[str]) -> str:
        up = match[1].removesuffix("../") or "./"
        text = (root / match[2]).read_text("utf-8").partition("\n")[2]  # the page has a title
        text = text.replace("](docs/", f"]({up}").replace("](CHANGELOG.md", f"]({up}changelog.md")
        # What else lies at the root is no page here.
        return re.sub(r"\[([^]]*)\]\((?!\.|#|https?:)[^)]*\)", r"\1", text)

    source[0] = include.sub(text_of, source[0])


def setup(app: Sphinx) -> None:
    """Tell Sphinx about the above."""
    app.connect("source-read", _include_root_file)
