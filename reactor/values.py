"""Values: named fields with defaults, given by keyword, never changed. Knows nothing of what they mean.

`dataclasses` writes code for each class and compiles it, and loads `inspect`: a fifth of the time in which a program
that has not served anybody yet imports this package.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Value:
    """A class whose annotated attributes, each with its default, are the fields.

    >>> class Point(Value):
    ...     x: int = 0
    ...     y: int = 0
    >>> Point(y=2), Point(y=2).replace(x=1) == Point(x=1, y=2)
    (Point(x=0, y=2), True)
    """

    _fields: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(dict.fromkeys((*cls._fields, *cls.__annotations__)))  # those that it inherits come first

    def __init__(self, *unnamed: Any, **given: Any) -> None:
        if unnamed:
            kind, fields = type(self).__name__, ", ".join(self._fields)
            raise TypeError(
                f"{kind}({unnamed[0]!r}): say which by its name, {kind}({self._fields[-1]}=...). It has {fields}"
            )
        for name in given:
            if name not in self._fields:
                raise TypeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self._fields)}")
        self._check(given)
        # Defaults are copied to the object: found there faster than in the class, and each connection reads a dozen.
        self.__dict__.update({name: getattr(self, name) for name in self._fields}, **given)

    def _check(self, given: dict[str, Any]) -> None:
        """Refuse what makes no sense. Called with what is given, before it is taken."""

    def replace(self, **changes: Any) -> Self:
        """Another, which differs in these fields."""
        return type(self)(**{**self.__dict__, **changes})

    __replace__ = replace  # for `copy.replace` (CPython 3.13)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed: `replace` makes another")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self._fields])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value) and type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self._fields])
        return f"{type(self).__name__}({fields})"
