"""YAML in which `1e-4` is a number, as it is everywhere but in YAML 1.1.

The library's own reader takes it for text, so that a learning rate arrives as a
string; its writer, which shares the rule, would then leave a string "1e-4" bare.
"""

import re
from typing import Any

import yaml

_FLOAT = re.compile(
    r"""[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
       |[-+]?(?:[0-9][0-9_]*)[eE][-+]?[0-9]+
       |[-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?
       |[-+]?\.(?:inf|Inf|INF)
       |\.(?:nan|NaN|NAN)""",
    re.VERBOSE,
)


class _Reader(yaml.SafeLoader):
    """Reads plain YAML."""


class _Writer(yaml.SafeDumper):
    """Writes plain YAML."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what is there twice twice: nobody reads &id001."""
        return True


def _text_node(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Return what stands for a text; NEL is escaped, as readers take a bare one for a line break of any kind."""
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\x85" in text else None)


for _side in (_Reader, _Writer):
    _side.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:float"]
        for first, rules in _side.yaml_implicit_resolvers.items()
    }
    _side.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Writer.add_representer(tuple, lambda writer, found: writer.represent_list(found))
_Writer.add_representer(str, _text_node)


def read_yaml(text: str) -> Any:
    """Return the content of a YAML text; raise yaml.YAMLError for any other."""
    return yaml.load(text, Loader=_Reader)


def write_yaml(content: Any) -> str:
    """Return `content` as YAML that `read_yaml` reads back; raise yaml.YAMLError for what YAML does not have."""
    return yaml.dump(content, Dumper=_Writer, sort_keys=False, allow_unicode=True)
