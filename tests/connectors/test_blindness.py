"""Nothing outside a connector decides by the name of a channel: a sixth one must not need a change anywhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[2] / "app"
KNOWS_CHANNELS = ("connectors", "sandbox")


def names() -> frozenset[str]:
    """Of every API folder and every channel these serve."""
    folders = {path.name for path in (APP / "connectors").iterdir() if path.is_dir() and path.name[0] != "_"}
    return frozenset(folders | {"tokopedia"})


def decisions(tree: ast.AST) -> Iterator[ast.AST]:
    """Everything that chooses between two ways."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue | ast.Set):
            yield node
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield node.slice
        elif isinstance(node, ast.Dict):
            yield from (key for key in node.keys if key is not None)
        elif isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOOKUPS:
            yield node


_LOOKUPS = ("get", "startswith", "endswith", "pop", "setdefault")


def offences(source: str, channels: frozenset[str]) -> list[int]:
    """Lines on which a channel's name stands in a decision."""
    return sorted(
        {
            part.lineno
            for node in decisions(ast.parse(source))
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and part.value in channels
        }
    )


def test_no_decision_names_a_channel() -> None:
    channels = names()
    assert "shopee" in channels
    found = {
        f"{path.relative_to(APP)}:{line}"
        for path in APP.rglob("*.py")
        if path.relative_to(APP).parts[0] not in KNOWS_CHANNELS
        for line in offences(path.read_text(), channels)
    }

    assert found == set(), "ask what a connector can do (isinstance) or what it is like (facts)"


@pytest.mark.parametrize(
    "source",
    [
        'x = 1 if channel == "shopee" else 2',
        'if channel in ("shopee", "lazada"): pass',
        'match channel:\n    case "shopee":\n        pass',
        'LIMITS = {"shopee": 3}',
        'limit = LIMITS["shopee"]',
        'limit = LIMITS.get("shopee")',
        'is_it = channel.startswith("shopee")',
    ],
)
def test_the_check_sees_each_way_of_deciding(source: str) -> None:
    assert offences(source, frozenset({"shopee", "lazada"})) != []


def test_the_check_lets_texts_pass() -> None:
    assert offences('EXAMPLE = Field(examples=["shopee"])', frozenset({"shopee"})) == []
