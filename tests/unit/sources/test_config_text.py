import time

import pytest

from optimizer.sources.config_text import Plain, Unset, parse


def plain(node):
    match node:
        case dict():
            return {key: plain(inner) for key, inner in node.items()}
        case list():
            return [plain(inner) for inner in node]
        case Plain(text):
            return text
        case Unset(name):
            return ("unset", name)


def parsed(text, include=None, **environment):
    tree, error = parse(text, include=lambda name: (include or {})[name], environment=environment)
    return plain(tree), error


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1", {"a": "1"}),
        ('a = \'x y\'; b: "p\\"q\\x41\\t"', {"a": "x y", "b": 'p"qA\t'}),
        ("a 'no\\tescape'", {"a": "no\\tescape"}),
        ("a x\\ty", {"a": "x\ty"}),
        ('a "\\xc3\\xa4\\q"', {"a": "ä\\q"}),
        ("a [1, 2\n3 # c\n]", {"a": ["1", "2", "3"]}),
        ("a { b { c: 1 } d: 2 }", {"a": {"b": {"c": "1"}, "d": "2"}}),
        ("a [ {b: 1}, {b: 2} ]\nc: 3", {"a": [{"b": "1"}, {"b": "2"}], "c": "3"}),
        ("u: nats://h:1#x # c\n// d\nv: 2", {"u": "nats://h:1#x", "v": "2"}),
        ("u: URL(http://h/{x)\nv: 2", {"u": "URL(http://h/{x)", "v": "2"}),
        ("a (\nraw } text\n )\n)\nb: 1", {"a": "\nraw } text\n )\n", "b": "1"}),
        ('{"a": {"b": "c"}, "d": ["e"]}', {"a": {"b": "c"}, "d": ["e"]}),
        ("a: 1\nA: 2\na: 3", {"a": "3", "A": "2"}),
        ("'q k': 1, \"r k\" = 2", {"q k": "1", "r k": "2"}),
        ("a\n\n= 1", {"a": "1"}),
        ("a: 1\r\nb: 2\r\n}", {"a": "1", "b": "2"}),
        ("} ] a: 1", {"a": "1"}),
        ("{a: 1", {"a": "1"}),
        ("a: ,b: 1;c }", {"a": "", "b": "1", "c": ""}),
        ("m {/a: 1, ,b: 2}", {"m": {"a": "1", ",b": "2"}}),
        ("a", {}),
        ("", {}),
        ("# only\n// comments", {}),
    ],
)
def test_a_config_is_maps_lists_and_texts(text, found):
    assert parsed(text) == (found, None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x: 1\na: $x", "1"),
        ("x: { y: 1 }\na: $x", {"y": "1"}),
        ("x: 1\na { x: 2, b: $x }", {"x": "2", "b": "2"}),
        ("x: 1\na { b [ $x ] }", {"b": ["1"]}),
        ("a: $x\nx: 1", ("unset", "x")),
        ("a: $HERE", "there"),
        ("a: $LIST", ["p", "q"]),
        ("a: $AGAIN", "there"),
        ("a: $LOOP", ("unset", "LOOP")),
        ("a: '$HERE'", "$HERE"),
        ('a: "$HERE"', "$HERE"),
        ("a: $HERE'", "$HERE"),
        ("a: $2a$11$x", "$2a$11$x"),
        ("a { b: $a }", {"b": ("unset", "a")}),
    ],
)
def test_a_variable_is_what_the_maps_around_it_set_or_else_the_environment(text, found):
    environment = {"HERE": "there", "LIST": "[p, q]", "AGAIN": "$HERE", "LOOP": "$LOOP"}
    tree, error = parsed(text, **environment)
    assert (tree["a"], error) == (found, None)


@pytest.mark.parametrize(
    "text",
    ["include f", "include 'f'", 'INCLUDE "f"', "include f;", "include\tf}", "m: {include f}\nx: $y", "include f'"],
)
def test_an_include_sets_what_its_file_sets(text):
    tree, error = parsed(text, {"f": {"y": Plain("1", "f")}})
    assert error is None
    assert tree in ({"y": "1"}, {"m": {"y": "1"}, "x": ("unset", "y")})


@pytest.mark.parametrize("text", ["include: f", "include=f", "'include' f", "includes f"])
def test_a_key_that_is_called_include_includes_nothing(text):
    tree, error = parsed(text)
    assert (list(tree.values()), error) == (["f"], None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a: 1\nb: "x', "ends inside a string that begins on line 2"),
        ("a: 1\nb: 'x", "ends inside a string that begins on line 2"),
        ('a: 1\n"b', "ends inside a string that begins on line 2"),
        ("a: 1\nb: (\nx", "ends inside a block that begins on line 2"),
        ("a: 1\nb {\nc: [\n d", "ends inside a block that begins on line 3"),
        ("a: 1\ninclude {b: 1}", "has an include without a file on line 2"),
        ("a: 1\ninclude\n", "has an include without a file on line 2"),
    ],
)
def test_what_is_cut_off_says_where_and_keeps_what_came_before(text, message):
    tree, error = parsed(text)
    assert tree["a"] == "1"
    assert error.message == message


@pytest.mark.parametrize(
    "piece",
    ["{", "[", "}", "a ", "a (\n", 'a: "\\"', "'", "a {", "a: b\n", "//", "#\n", "\\", ": ", "include x\n", "$a "],
)
def test_no_config_takes_more_than_linear_time(piece):
    def seconds(text):
        began = time.process_time()
        parse(text, include=lambda _: {}, environment={})
        return time.process_time() - began

    assert seconds(piece * 100_000) < 5  # quadratic would be hours
