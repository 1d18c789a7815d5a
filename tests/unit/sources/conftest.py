import pytest

from tests.unit.sources.stores import make_store


@pytest.fixture
def store(tmp_path):
    """Operator OP; accounts A (users one, two) and B (user three)."""
    made = make_store(tmp_path / "stores")
    first, second = made.account("A"), made.account("B")
    made.user("A", "one", first, pub={"allow": ["a.>"]})
    made.user("A", "two", first)
    made.user("B", "three", second)
    return made
