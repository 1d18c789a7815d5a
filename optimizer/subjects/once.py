"""What is worked out once: `functools.cached_property` without the lock that it takes in Python 3.11."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property as once
else:

    class once:  # noqa: N801 it reads like `property`
        """An attribute whose value is worked out when it is first asked for, and then kept in the instance.

        Two threads may both work it out; what they find is the same. The lock costs a tenth of a large store's run.
        """

        def __init__(self, work: object) -> None:
            self.work = work
            self.__doc__ = work.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self.name = name

        def __get__(self, instance: object, owner: type | None = None) -> object:
            if instance is None:
                return self
            value = instance.__dict__[self.name] = self.work(instance)
            return value


__all__ = ["once"]
