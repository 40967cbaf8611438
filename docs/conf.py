"""How `make docs` builds the site: Markdown as it lies here, no network, every warning an error."""

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
