"""Functions get other code: every module that imported them sees it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import CodeType, FunctionType, ModuleType


def give_code(module: ModuleType, name: str, changed: CodeType) -> None:
    """Give the function or method of this qualified name its code of the changed module."""
    for function in _functions_of(vars(module)):
        if function.__module__ == module.__name__ and function.__qualname__ == name:
            function.__code__ = _functions_in(changed)[name]
            return
    raise LookupError(f"no function {name} in {module.__name__}")


def _functions_in(code: CodeType) -> dict[str, CodeType]:
    """The code of functions and methods by qualified name."""
    found = {}
    for each in code.co_consts:
        if isinstance(each, CodeType):
            found[each.co_qualname] = each
            if "<" not in each.co_qualname:
                found |= _functions_in(each)
    return found


def _functions_of(names: Mapping[str, object]) -> Iterator[FunctionType]:
    for value in names.values():
        match value:
            case FunctionType():
                yield value
            case property(fget=FunctionType() as function):
                yield function
            case cached_property(func=function):
                yield function
            case classmethod() | staticmethod():
                yield value.__func__
            case type() if value.__module__ == names.get("__name__"):
                yield from _functions_of(vars(value))
