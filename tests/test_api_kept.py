"""Answers that are kept in front of the application are the same as those given first."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api import create_app
from api.kept import AnswerCache, Kept, Key
from mathgloss.answers.service import Answers
from mathgloss.config import Settings

CONCEPT = "/api/v1/concepts/wd:Q181296"
PAGE = "/concept/wd:Q181296"


@pytest.fixture
def client(home: Path) -> FlaskClient:
    return create_app(Settings(home=home)).test_client()


@pytest.mark.parametrize("path", [CONCEPT, PAGE, "/", "/api/v1/search?q=group"])
@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}])
def test_a_kept_answer_is_the_first_one(
    client: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    first = client.get(path, headers=headers)
    again = client.get(path, headers=headers)
    assert (again.status, again.data) == (first.status, first.data)
    assert [*again.headers] == [*first.headers]


def test_a_kept_answer_is_validated(client: FlaskClient) -> None:
    tag = client.get(CONCEPT).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        unchanged = client.get(CONCEPT, headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        assert unchanged.headers["ETag"] == tag
        assert "Content-Length" not in unchanged.headers
        assert "Content-Security-Policy" in unchanged.headers
    assert client.get(CONCEPT, headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_has_the_headers_and_no_body(client: FlaskClient) -> None:
    whole = client.get(CONCEPT)
    head = client.head(CONCEPT)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.data))


def test_what_is_asked_for_first_by_head_is_not_kept_empty(client: FlaskClient) -> None:
    client.head(CONCEPT)
    assert client.get(CONCEPT).data


def test_an_error_is_not_kept(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Answers.concept

    def failing(self: Answers, *asked: object) -> dict[str, object]:
        raise ValueError("once")

    monkeypatch.setattr(Answers, "concept", failing)
    assert client.get(CONCEPT).status_code == 500
    monkeypatch.setattr(Answers, "concept", compute)
    assert client.get(CONCEPT).status_code == 200


def test_other_methods_pass(client: FlaskClient) -> None:
    client.get(CONCEPT)
    assert client.post(CONCEPT).status_code == 405
    assert client.options(CONCEPT).headers["Access-Control-Allow-Origin"] == "*"


def kept(size_bytes: int) -> Kept:
    return Kept([], [], '"tag"', b"x" * size_bytes)


def test_the_cache_forgets_what_was_not_used_longest() -> None:
    cache = AnswerCache(limit_bytes=20_000)
    keys: list[Key] = [(f"/{number}", "", "", "") for number in range(4)]
    for key in keys[:3]:
        cache.keep(key, kept(4_000))
    assert cache.find(keys[0])
    cache.keep(keys[3], kept(4_000))
    assert [cache.find(key) is not None for key in keys] == [True, False, True, True]
    cache.keep(keys[3], kept(10_000))
    assert cache.find(keys[3])
    assert sum(cache.find(key) is not None for key in keys) == 2


def test_a_large_answer_is_not_kept() -> None:
    cache = AnswerCache()
    cache.keep(("/", "", "", ""), kept(400_001))
    assert cache.find(("/", "", "", "")) is None
