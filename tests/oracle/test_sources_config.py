"""Server configs, read as the real nats-server reads them.

``nats-server -t`` prints a digest of what it read; ours is computed from what was read here. Settings that take
any text are ``server_tags`` and ``server_metadata``; a setting that nothing knows is taken where a variable uses it.
"""

import hashlib
import json
import os
import re
import subprocess
import time

import pytest

from optimizer.claims.gojson import go_json
from optimizer.settings import Server
from optimizer.sources import read
from optimizer.sources.config_text import Plain, parse
from tests import signing
from tests.oracle.server import BINARY, OPERATOR, SYSTEM, TOOLS

pytestmark = pytest.mark.server

NOW = int(time.time())
DRAWS = 10_000 if os.environ.get("PERMOPT_BUDGET") == "long" else 400
ENVIRONMENT = {"OUTSIDE": "from outside", "QUOTED": "'q } q'", "ESCAPED": '"t\\t"'}


def server_reads(path, generation=Server.CURRENT):
    """The digest of a config, or None where the server refuses it."""
    tool = TOOLS / BINARY[generation]
    assert tool.exists(), f"{tool} is missing: sh tools/build.sh makes it"
    done = subprocess.run([tool, "-c", path, "-t"], capture_output=True, check=False, env=ENVIRONMENT, cwd=path.parent)
    found = re.search(rb"is valid \(sha256:([0-9a-f]{64})\)", done.stdout + done.stderr)
    return found and found[1].decode()


def digest(tree):
    def value(node):
        match node:
            case dict():
                return {key: value(node[key]) for key in sorted(node, key=str.encode)}
            case list():
                return [value(inner) for inner in node]
            case Plain(text):
                return text
        raise AssertionError(node)

    return hashlib.sha256(go_json(value(tree)) + b"\n").hexdigest()


class Draw:
    """A config of texts, lists and maps in any of the forms there are."""

    def __init__(self, chance, directory):
        self.chance, self.directory, self.files = chance, directory, 0

    def config(self):
        lines = [f"{self.key(name)}{self.sep()}{self.text()}" for name in ("one", "two")]
        lines += [f"{self.key('map')}{self.sep()}{self.map()}"]
        settings = [
            f"{self.key('server_tags')}{self.sep()}{self.list()}",
            f"{self.key('server_metadata')}{self.chance.choice([self.sep(), ' '])}{self.map(used=True)}",
        ]
        self.chance.shuffle(settings)
        text = self.gap() + "".join(line + self.end() for line in lines)
        text += "server_name: $one" + self.end() + "server_name: $two" + self.end()
        text += "server_metadata: $map" + self.end()
        text += "".join(line + self.end() for line in settings)
        return text if self.chance.random() < 0.7 else f"{{{text}}}"

    def pick(self, *choices):
        return self.chance.choice(choices)

    def word(self):
        inner = 'abcXYZ019_-.:/#=({["?*>$ü\u00a0'
        return self.pick(*"abcXYZ_/üé*>") + "".join(self.chance.choice(inner) for _ in range(self.chance.randrange(8)))

    def text(self, *, used=False):
        word = self.word()
        match self.chance.randrange(7 if used else 6):
            case 0 | 1:
                return f"{word} "
            case 2:
                return f"'{word} , }} \" \\t'"
            case 3:
                return (
                    '"'
                    + word.replace('"', '\\"')
                    + self.pick(" ", "\\n", "\\x41", "\\xc3\\xa4", "\\\\", "'", "}\n")
                    + '"'
                )
            case 4:
                return word + self.pick("", "\\t", "\\x2e", "\\\\") + "z "
            case 5:
                return f"(\n{word} }} ' \"\n )\n)\n"
            case _:
                return self.pick("$one ", "$two ", "$OUTSIDE ", "$QUOTED ", "$ESCAPED ")

    def key(self, name):
        return self.pick(name, f'"{name}"', f"'{name}'")

    def sep(self):
        return self.pick(" ", ":", "=", " : ", "\t= ", ": ")

    def gap(self):
        return self.pick("", "\n", " \n\t", "# x } ' \"\n", "\n// y {\r\n", "\r\n", "\n\n # z\n")

    def end(self):
        return self.pick("\n", ";", ",", "\r\n", " # c\n", " // c\n", "\n\n") + self.gap()

    def list(self):
        return "[" + "".join(self.gap() + self.text(used=True) + self.pick(",", "\n", " ,") for _ in range(3)) + "]"

    def map(self, *, used=False):
        def entry():
            if self.chance.random() < 0.2:
                return self.include()
            name = self.word() if self.chance.random() < 0.3 else f"k{self.chance.randrange(5)}"
            name = re.sub(r"[:=\"'\u00a0]", "", name)
            name = name if name.strip("/") else "k"
            return f"{self.key(name)}{self.sep()}{self.text(used=used)}"

        return "{" + "".join(self.gap() + entry() + self.end() for _ in range(self.chance.randrange(4))) + "}"

    def include(self):
        self.files += 1
        name = f"included{self.files}.conf"
        (self.directory / name).write_text(f"k{self.chance.randrange(5)}: {self.text()}{self.end()}", newline="")
        return (
            f"{self.pick('include', 'INCLUDE')} {self.pick('', '/', './')}{name}"
            if self.chance.random() < 0.5
            else (f"include {self.pick(chr(39) + name + chr(39), chr(34) + name + chr(34))}")
        )


def test_drawn_configs_are_read_as_the_server_reads_them(tmp_path, chance):
    def include(name):
        text = (tmp_path / name.lstrip("/")).read_bytes().decode()
        tree, error = parse(text, include=include, environment=ENVIRONMENT)
        assert error is None
        return tree

    path, taken = tmp_path / "server.conf", 0
    for _ in range(DRAWS):
        text = Draw(chance, tmp_path).config()
        path.write_text(text, newline="")
        theirs = server_reads(path)
        if theirs is None:
            continue
        taken += 1
        tree, error = parse(text, include=include, environment=ENVIRONMENT)
        assert error is None, text
        assert digest(tree) == theirs, f"{text}\n{json.dumps(tree, default=repr, indent=1)}"
    assert taken > DRAWS / 10  # about a quarter


ACCOUNTS = [signing.account(name) for name in ("config A", "config B")]
ACCOUNT_TOKENS = [signing.sign(signing.account_claims(key, "A"), OPERATOR) for key in ACCOUNTS]
SYSTEM_ACCOUNT = signing.sign(signing.account_claims(SYSTEM, "SYS"), OPERATOR)
OPERATOR_TOKEN = signing.sign(signing.operator_claims(OPERATOR, "OP", system_account=SYSTEM.public), OPERATOR)
WORDS = {
    "op": OPERATOR_TOKEN,
    "sys": SYSTEM.public,
    "pre": "\n".join(
        f"  {key}: {token}" for key, token in zip([SYSTEM, *ACCOUNTS], [SYSTEM_ACCOUNT, *ACCOUNT_TOKENS], strict=True)
    ),
    "json": ",".join(
        f'"{key}":"{token}"' for key, token in zip([SYSTEM, *ACCOUNTS], [SYSTEM_ACCOUNT, *ACCOUNT_TOKENS], strict=True)
    ),
}
FORMS = {
    "plain": "operator: %(op)s\nsystem_account: %(sys)s\nresolver: MEMORY\nresolver_preload: {\n%(pre)s\n}\n",
    "separators": "operator = '%(op)s'; system %(sys)s\nresolver=MEM\nresolver_preload={\n%(pre)s\n}",
    "upper case": 'OPERATOR: "%(op)s"\nRESOLVER: memory\nRESOLVER_PRELOAD {\n%(pre)s\n}',
    "comments": "# a\noperator: %(op)s # b\n// c\nresolver: MEMORY // d\nresolver_preload: { # e\n%(pre)s\n// f\n}\n",
    "JSON": '{"operator": "%(op)s", "resolver": "MEMORY", "resolver_preload": {%(json)s}}',
    "a list": "operators: [ %(op)s ]\nresolver: MEMORY\nresolver_preload: {\n%(pre)s\n}\n",
    "a file": "operator: 'op.jwt'\nresolver: MEMORY\nresolver_preload: {\n%(pre)s\n}\n",
    "variables": "T { %(json)s }\nO: %(op)s\noperator: $O\nresolver: MEMORY\nresolver_preload: $T\n",
    "environment": "operator: $OPERATOR_OUTSIDE\nresolver: MEMORY\nresolver_preload: {\n%(pre)s\n}\n",
    "include": "operator: %(op)s\nresolver: MEMORY\ninclude 'sub/preload.conf'\n",
    "include inside": "operator: %(op)s\nresolver: MEMORY\nresolver_preload { include sub/accounts.conf\n}\n",
    "include twice": "include ./sub/operator.conf\nresolver: MEMORY\ninclude /sub/preload.conf;",
    "the last counts": "resolver_preload { x: y }\noperator: %(op)s\nresolver: MEMORY\ninclude sub/preload.conf\n",
    "CRLF": "operator: %(op)s\r\nresolver: MEMORY\r\nresolver_preload {\r\n%(pre)s\r\n}\r\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_config_the_server_takes_is_read_whatever_its_form(tmp_path, monkeypatch, server, form):
    monkeypatch.setenv("OPERATOR_OUTSIDE", OPERATOR_TOKEN)
    monkeypatch.setitem(ENVIRONMENT, "OPERATOR_OUTSIDE", OPERATOR_TOKEN)
    (tmp_path / "sub").mkdir()
    (tmp_path / "op.jwt").write_text(OPERATOR_TOKEN)
    (tmp_path / "sub/accounts.conf").write_text(WORDS["pre"])
    (tmp_path / "sub/preload.conf").write_text("resolver_preload {\n include accounts.conf\n}")
    (tmp_path / "sub/operator.conf").write_text("include ../op.conf")
    (tmp_path / "op.conf").write_text(f"operator: {OPERATOR_TOKEN}")
    path = tmp_path / "server.conf"
    path.write_text(FORMS[form] % WORDS, newline="")
    assert server_reads(path, server)
    for source in (str(path), f"conf:{path}"):
        hierarchy = read(source, now=NOW)
        assert hierarchy.operator.token.text == OPERATOR_TOKEN
        assert [account.token.text for account in hierarchy.accounts.values()] == [SYSTEM_ACCOUNT, *ACCOUNT_TOKENS]
        assert hierarchy.skipped == ()
