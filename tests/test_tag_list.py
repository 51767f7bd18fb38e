"""The tags of DKIM keys and DMARC policies are read as RFC 6376 has them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.tag_list import TagError, tags


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v=DMARC1; p=none", {"v": "DMARC1", "p": "none"}),
        ("v=DMARC1;p=none;", {"v": "DMARC1", "p": "none"}),
        (" v = DMARC1 ;\tP = Reject ; ", {"v": "DMARC1", "p": "Reject"}),
        ("v=DKIM1; p=", {"v": "DKIM1", "p": ""}),
        ("p=abc=", {"p": "abc="}),
        ("rua=mailto:a@x.test,mailto:b@x.test!10m", {"rua": "mailto:a@x.test,mailto:b@x.test!10m"}),
        ("", {}),
        (";;", {}),
    ],
)
def test_tags_are_read(text: str, found: dict[str, str]) -> None:
    assert tags(text) == found


@pytest.mark.parametrize("text", ["v", "v=DMARC1; none", "=x", "p=none; p=reject", "p=none; P=none", "ü=1"])
def test_what_is_no_tag_is_named(text: str) -> None:
    with pytest.raises(TagError):
        tags(text)


@given(st.text() | st.from_regex(r"(\s?[a-z]{1,3}\s?=[^;]{0,9};){0,6}"))
def test_any_text_is_tags_or_refused(text: str) -> None:
    with contextlib.suppress(TagError):
        for name, value in tags(text).items():
            assert name == name.lower()
            assert value in text
