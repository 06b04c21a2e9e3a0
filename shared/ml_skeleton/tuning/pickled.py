"""Functions for other processes, wherever they were written: in a script, a notebook, a test, another function."""

import inspect
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


def pickled(task: object, function: Callable[..., object]) -> bytes:
    """Return a task that holds `function`, with the function's code unless another process finds that by its name."""
    import cloudpickle  # here, as only functions need it

    module = inspect.getmodule(function)
    if module is None or _is_found_afresh(module):
        return bytes(cloudpickle.dumps(task))
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(task))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _is_found_afresh(module: ModuleType) -> bool:
    """Tell whether an interpreter with this one's path would import the same file under the module's name."""
    if module.__name__ == "__main__" or getattr(module, "__file__", None) is None:
        return True  # cloudpickle sees to these itself
    spec: ModuleSpec | None = None
    for end in range(1, module.__name__.count(".") + 2):
        name = ".".join(module.__name__.split(".")[:end])
        spec = PathFinder.find_spec(name, spec.submodule_search_locations if spec else None)
        if spec is None:
            return False
    return spec is not None and spec.origin == module.__file__
