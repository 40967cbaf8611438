"""Methods of literal text, as paths and names are made with them."""

from __future__ import annotations

from .objects import Native
from .operators import MAX_TEXT
from .values import Constant, Sequence, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arguments import Arguments, Site
    from .interpreter import Interpreter

TEXT_METHODS = {
    "lower", "upper", "strip", "lstrip", "rstrip", "title", "replace", "removeprefix",
    "removesuffix", "format", "startswith", "endswith", "join",
}  # fmt: skip


def text_method(value: Constant, name: str) -> Value:
    text = value.value
    if not isinstance(text, str) or name not in TEXT_METHODS:
        return Unknown(f"attribute {name}")

    def run(interpreter: Interpreter, arguments: Arguments, site: Site) -> Value:
        given = [
            [e.value for e in one.items if isinstance(e, Constant)] if isinstance(one, Sequence)
            else one.value if isinstance(one, Constant) else None
            for one in arguments.positional
        ]  # fmt: skip
        size = len(text) * len(str(given))  # no method makes more than this of what it is given
        wide = name == "format" and ":" in text  # but for a width: "{:>1000000000}"
        if None in given or arguments.open or arguments.keywords or wide or size > MAX_TEXT**2:
            return Unknown("text made at run time")
        try:
            return Constant(getattr(text, name)(*given))
        except (TypeError, ValueError, LookupError, AttributeError):
            return Unknown("text made at run time")

    return Native(name, run)
