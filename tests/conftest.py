"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# A machine with two busy cores may take any time for one example; `make test` has its own limit for all.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
