"""`without_collecting` leaves the collector as it was."""

from __future__ import annotations

import gc

from optimizer.collecting import without_collecting


def test_nothing_is_collected_meanwhile_and_the_collector_is_as_it_was_afterwards():
    assert gc.isenabled()
    with without_collecting():
        assert not gc.isenabled()
        with without_collecting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
