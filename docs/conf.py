"""How Sphinx builds the documentation: make docs."""

from __future__ import annotations

import inspect
import re
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util.inspect import TypeAliasForwardRef
from sphinx.util.logging import getLogger

from lyaopt import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "lyaopt"
copyright = "the lyaopt maintainers, Apache-2.0"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = {"math"}  # as code hosts show formulas
myst_heading_anchors = 3  # links such as scenarios.md#the-shipped-scenarios, as code hosts make them
highlight_language = "text"  # of indented blocks: commands and formulas

html_theme = "furo"
html_title = f"lyaopt {version}"
html_static_path = ["_static"]
html_css_files = ["lyaopt.css"]
html_copy_source = False
html_math_renderer = "mathml"

default_role = "literal"  # docstrings have single backquotes for code
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
# Arrays and checked numbers go by short names, not by what pydantic makes of them.
_NUMBERS = dict.fromkeys(("Finite", "NonNegative", "Positive", "FromZeroToOne"), "float")
_PRIVATE = dict.fromkeys(("_AtLeastOne", "_Share", "_Correlation"), "float")
_OTHERS = {"Count": "int", "Whole": "int", "Flag": "bool", "Id": "str", "_Model": "str | Profile"}
_CHOICES = dict.fromkeys(("_Fading", "Network", "Start", "Credit"), "str")
_ARRAYS = {name: name for name in ("ArrayLike", "Floats", "Integers", "Rows")}
autodoc_type_aliases = {
    **_NUMBERS,
    **_PRIVATE,
    **_OTHERS,
    **_CHOICES,
    **_ARRAYS,
    "Range": "tuple[float, float]",
}
TypeAliasForwardRef.__repr__ = lambda self: self.name  # else its class is shown in `Floats | None`

napoleon_google_docstring = False
napoleon_use_rtype = False
# What stands before a colon in the first line of a property is no type.
GoogleDocstring._consume_inline_attribute = lambda self: ("", self._consume_to_end())

# Whatever is ours must be found; of other projects there is no inventory without a network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!lyaopt\.).*")]
_INTERNAL = (
    "simulation.layout.Layout",
    "simulation.linked_layout.LinkedLayout",
    "simulation.state.State",
    "policies.channel_states.ChannelStates",
    "policies.paired_trials.Trials",
    "learning.algorithms.Algorithm",
    "learning.flat_adam.FlatAdam",
    "learning.price_rules.PricedScenario",
    "learning.networks.ActorCritic",
    "learning.networks.Shape",
    "_kernels.simulation.priced_cuts.Cuts",
    "_kernels.simulation.prices.Prices",
    "_kernels.simulation.rules.RuleEntry",
    "_kernels.simulation.slow_channels.SlowChannels",
    "_kernels.simulation.state_types.ArrivalLaws",
    "_kernels.simulation.state_types.StreamKeys",
    "slot.inputs.SlotInputs",
    "slot.tables.Curves",
    "benchmark.document.BenchmarkDocument",
)
nitpick_ignore = [("py:class", f"lyaopt.{name}") for name in _INTERNAL]


def _names_only(app: Sphinx, what: str, name: str, obj: Any, options: Any, *_: Any) -> tuple[str, str] | None:
    """Constructors of dataclasses without types, which their attributes have; none of protocols."""
    if getattr(obj, "_is_protocol", False):
        return "", ""
    if what != "class" or not is_dataclass(obj):
        return None
    parameters = inspect.signature(obj).parameters.values()
    return str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters])), ""


def _as_mathml(node: nodes.Element, as_block: bool) -> str:
    try:
        return re.sub(r"\s*\n\s*", "", latex2mathml.tex2mathml(node.astext(), as_block=as_block))
    except MathError as error:
        getLogger(__name__).warning("%s", error, location=node)
        return ""


def _show_inline(self: Any, node: nodes.Element) -> None:
    self.body.append(_as_mathml(node, as_block=False))
    raise nodes.SkipNode


def _show_block(self: Any, node: nodes.Element) -> None:
    self.body.append(f'<div class="math">{_as_mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Formulas become MathML, which browsers show by themselves: pages need no script and no network."""
    app.add_html_math_renderer("mathml", (_show_inline, None), (_show_block, None))
    app.connect("autodoc-process-signature", _names_only)
