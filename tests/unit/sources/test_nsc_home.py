"""What needs no nsc to be seen; tests/oracle/test_sources_nsc.py asks the real one where it looks."""

import json
import os

import pytest

from optimizer.errors import SourceError, UsageError
from tests.unit.sources.stores import make_store, read


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path / "home")})
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def nsc_json(home, **config):
    path = home / ".config/nats/nsc/nsc.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(config))


@pytest.mark.usefixtures("home")
def test_where_nsc_has_no_store_the_error_names_where_it_was_looked_for():
    with pytest.raises(SourceError, match=r"nsc has no store in `.*/\.local/share/nats/nsc/stores`") as caught:
        read(None)
    assert "SOURCE" in caught.value.hint


def test_several_operators_and_none_chosen_need_a_choice(home, store):
    make_store(store.root, "OTHER")
    nsc_json(home, store_root=str(store.root))
    with pytest.raises(UsageError) as caught:
        read(None)
    assert caught.value.hint == "choose with --operator: `OP`, `OTHER`"
    assert read(None, operator="OTHER").operator.claims.name == "OTHER"


def test_the_operator_in_nscs_context_is_read(home, store):
    make_store(store.root, "OTHER")
    nsc_json(home, store_root=str(store.root), operator="OTHER")
    assert read(None).operator.claims.name == "OTHER"
    assert read(None, operator="OP").operator.claims.name == "OP"


def test_nothing_is_written_where_nsc_never_ran(home):
    with pytest.raises(SourceError):
        read(None)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"a":' * 20_000, "\ufeff{}x"])
def test_a_broken_nsc_json_is_one_error(home, content):
    nsc_json(home)
    (home / ".config/nats/nsc/nsc.json").write_text(content)
    with pytest.raises(SourceError, match=r"nsc\.json` is not a JSON object"):
        read(None)


def test_a_store_root_that_is_gone_is_one_error(home):
    nsc_json(home, store_root=str(home / "gone"), operator="OP")
    with pytest.raises(SourceError, match="gone"):
        read(None)
