"""Whose a delivery from Jira is, and what it is about."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from exporters.jira.hooks import changed, delivery, verified

BODY = json.dumps({"issue": {"id": "10001", "key": "PLAN-1"}}).encode()
# From the test vectors of Atlassian's guide to securing webhooks.
ATLASSIAN = (
    "It's a Secret to Everybody",
    b"Hello World!",
    "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9",
)


def signed(secret: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def test_the_published_example_is_verified() -> None:
    """Secret, body and signature as Atlassian prints them."""
    secret, body, signature = ATLASSIAN
    assert verified(secret, {"X-Hub-Signature": signature}, body)


@pytest.mark.parametrize("name", ["X-Hub-Signature", "x-hub-signature", "X-HUB-SIGNATURE"])
def test_who_knows_the_secret_is_heard(name: str) -> None:
    """In any case of the header's name, and of the signature's."""
    assert verified("s3cret", {name: signed("s3cret", BODY)}, BODY)
    assert verified("s3cret", {name: signed("s3cret", BODY).upper()}, BODY)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "sha256=",
        signed("other", BODY),
        signed("s3cret", BODY + b" "),
        signed("s3cret", BODY).removeprefix("sha256="),
        "sha1=" + hmac.new(b"s3cret", BODY, hashlib.sha1).hexdigest(),
        signed("s3cret", BODY)[:-1],
        signed("s3cret", BODY) + "0",
        "sha256=" + "é" * 64,
    ],
)
def test_anything_else_is_not(said: str) -> None:
    """Another secret, other bytes, another method, a digit less or more, no digits."""
    assert not verified("s3cret", {"x-hub-signature": said}, BODY)


def test_without_a_secret_or_a_header_nothing_is_verified() -> None:
    """Not even what is signed with the empty secret."""
    assert not verified("", {"x-hub-signature": signed("", BODY)}, BODY)
    assert not verified("s3cret", {}, BODY)


def test_an_event_names_its_issues() -> None:
    """By id, which stays when an issue is moved; both ends of a link; each once."""
    assert changed(json.loads(BODY)) == ("10001",)
    link = {"issueLink": {"sourceIssueId": 10002, "destinationIssueId": 10003}}
    assert changed({"webhookEvent": "issuelink_created", **link}) == ("10002", "10003")
    assert changed({"issue": {"id": "1"}, "issues": [{"id": "1"}, {"id": "2"}]}) == ("1", "2")


@pytest.mark.parametrize("event", [None, [], "x", {}, {"issue": []}, {"issue": {"id": True}}])
def test_what_is_about_no_issue_names_none(event: object) -> None:
    """Whatever its shape."""
    assert changed(event) == ()  # type: ignore[arg-type]  # any JSON


def test_a_delivery_keeps_its_name() -> None:
    """So that a second one of the same can be told."""
    assert delivery({"X-Atlassian-Webhook-Identifier": " d-1 "}) == "d-1"
    assert delivery({}) == ""
