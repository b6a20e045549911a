"""What the framework reads off the functions that answer routes is read once, in processes of tests: they put together hundreds of applications
of the same routes, and reading signatures, fields and validators anew for each is more than half of that work.

Nothing of one application is handed to another but what was made of a function's code and annotations alone: what stands as a default, such as
what a route depends on, is each application's own. Servers that tests start from nothing are not touched by this, and the OpenAPI document that
comes out is compared with the published one by a test.
"""

from __future__ import annotations

from inspect import Parameter, Signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import fastapi._compat.v2 as fields
import fastapi.dependencies.utils as reading
from pydantic import ConfigDict, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

_adapters: Final[dict[tuple[object, str, str], TypeAdapter[Any]]] = {}
_signatures: Final[dict[tuple[object, ...], Signature]] = {}  # without defaults
_parameters: Final[
    dict[tuple[object, ...], tuple[object, reading.ParamDetails]]
] = {}  # with the annotation, so that no other gets its address
_read_signature = reading._get_signature
_analyze_param = reading.analyze_param


def _adapter(annotated: Any, *, config: ConfigDict | None = None) -> TypeAdapter[Any]:
    # What a metadata's text names by its address lives as long as its adapter does, so no other can have the same
    key = (annotated.__origin__, repr(annotated.__metadata__), repr(config))
    try:
        found = _adapters.get(key)
    except TypeError:  # a type that is no key
        return TypeAdapter(annotated, config=config)
    if found is None:
        found = _adapters[key] = TypeAdapter(annotated, config=config)
    return found


def _signature(call: Callable[..., Any]) -> Signature:
    if (
        not isinstance(call, FunctionType)
        or hasattr(call, "__wrapped__")
        or not all(isinstance(each, str) for each in call.__annotations__.values())
    ):  # annotations that are no text may be one application's own
        return _read_signature(call)
    key = (call.__module__, call.__code__, *call.__annotations__.items())
    found = _signatures.get(key)
    if found is None:
        whole = _read_signature(call)
        bare = [each.replace(default=Parameter.empty) for each in whole.parameters.values()]
        found = _signatures[key] = whole.replace(parameters=bare)
    names = call.__code__.co_varnames[: call.__code__.co_argcount]
    given = call.__defaults__ or ()
    defaults = {**dict(zip(names[len(names) - len(given) :], given, strict=True)), **(call.__kwdefaults__ or {})}
    if not defaults:
        return found
    return found.replace(
        parameters=[each.replace(default=defaults[name]) if name in defaults else each for name, each in found.parameters.items()]
    )


def _analyzed(*, param_name: str, annotation: Any, value: Any, path_param_names: set[str]) -> reading.ParamDetails:
    def analyze() -> reading.ParamDetails:
        return _analyze_param(param_name=param_name, annotation=annotation, value=value, path_param_names=path_param_names)

    if value is not Parameter.empty and not isinstance(value, str | int | None):
        return analyze()
    key = (param_name, id(annotation), type(value), value, param_name in path_param_names)
    if key not in _parameters:
        _parameters[key] = (annotation, analyze())
    return _parameters[key][1]


def remember_adapters() -> None:
    """From now on, in this process."""
    patch.object(fields, "TypeAdapter", _adapter).start()
    patch.object(reading, "_get_signature", _signature).start()
    patch.object(reading, "analyze_param", _analyzed).start()
