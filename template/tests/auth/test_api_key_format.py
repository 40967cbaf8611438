# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""A key can be told from everything else without asking anybody, and no part of it exchanged."""

import re
import zlib
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.api_key_format import KEY_PATTERN, KeyKind, checksum, make_key, read_key

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KINDS: tuple[KeyKind, ...] = ("user", "svc")
positions = st.integers(min_value=0)
characters = st.characters(codec="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_has_the_published_form(kind: KeyKind) -> None:
    text, parts = make_key(kind)
    prefix, own_kind, public_id, rest = text.split("_")
    assert (prefix, own_kind, len(public_id), len(rest)) == ("gate", kind, 12, 43 + 6)
    assert re.fullmatch(KEY_PATTERN, text)
    assert read_key(text) == parts
    assert (parts.kind, parts.id, parts.digest) == (kind, public_id, sha256(text.encode()).digest())


def test_the_checksum_is_the_crc_of_all_that_stands_before_it_in_base_62() -> None:
    # Computed another way than the service does, from the description alone.
    text, _ = make_key("user")
    number = 0
    for character in text[-6:]:
        number = number * 62 + BASE62.index(character)
    assert number == zlib.crc32(text[:-6].encode())


def test_a_secret_has_256_bits_and_no_two_are_alike() -> None:
    keys = [make_key("user")[0] for _ in range(2000)]
    assert len({key.split("_")[2] for key in keys}) == len(keys)
    secrets = [key.split("_")[3][:43] for key in keys]
    numbers = []
    for secret in secrets:
        number = 0
        for character in secret:
            number = number * 62 + BASE62.index(character)
        numbers.append(number)
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 2**256
    # Each bit is set in about half of 2,000 keys; 8 standard deviations is 179.
    for bit in range(256):
        assert abs(sum(number >> bit & 1 for number in numbers) - 1000) < 179


@given(position=positions, character=characters)
def test_a_key_with_any_one_character_changed_is_none(position: int, character: str) -> None:
    text, _ = make_key("svc")
    at = position % len(text)
    changed = text[:at] + character + text[at + 1 :]
    assert changed == text or read_key(changed) is None


@given(position=positions)
def test_a_key_with_two_neighbours_exchanged_is_none(position: int) -> None:
    text, _ = make_key("user")
    at = position % (len(text) - 1)
    changed = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert changed == text or read_key(changed) is None


def test_a_key_of_one_kind_is_none_of_the_other_and_its_hash_covers_the_kind() -> None:
    text, parts = make_key("user")
    swapped = text.replace("_user_", "_svc_")
    assert read_key(swapped) is None
    # Even with a checksum computed for it, which anybody can: then the hash is another one.
    repaired = swapped[:-6] + checksum(swapped[:-6])
    read = read_key(repaired)
    assert read is not None
    assert read.digest != parts.digest


@given(text=st.text())
def test_no_other_text_is_a_key(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize(
    "around", ["{}\n", " {}", "{} ", "{}{}", "x{}", "{}0", "\x00{}", "{}=", "{}_"]
)
def test_a_key_with_something_around_it_is_none(around: str) -> None:
    text, _ = make_key("user")
    assert read_key(around.format(text, text)) is None


def test_digits_of_other_scripts_are_no_digits() -> None:
    text, _ = make_key("user")
    changed = re.sub(r"\d", lambda found: chr(0x0660 + int(found.group())), text)
    assert changed == text or read_key(changed) is None


@pytest.mark.parametrize(
    "line",
    [
        "X-API-Key: {}",
        'API_KEY="{}"',
        "curl -H 'Authorization: Bearer {}' https://api.example.com",
        "https://api.example.com/?api_key={}&page=2",
        "key={};",
        "({})",
        "{},{}",
        "- {}",
    ],
)
def test_a_scanner_finds_keys_where_they_are_left_lying(line: str) -> None:
    text, _ = make_key("user")
    assert set(re.findall(KEY_PATTERN, line.format(text, text))) == {text}


def test_a_scanner_takes_no_look_alike_for_a_key() -> None:
    noise = b"".join(sha256(bytes([number])).digest() for number in range(256))
    for encoded in (b64encode(noise), urlsafe_b64encode(noise), noise.hex().encode()):
        assert re.findall(KEY_PATTERN, f"gate_user_{encoded.decode()}") == []
    text, _ = make_key("user")
    # The form is right and the checksum is not: the scanner rejects it offline.
    assert read_key(text[:-1] + ("1" if text[-1] == "0" else "0")) is None


def test_the_pattern_is_one_that_every_engine_reads_alike() -> None:
    # RE2, which the big scanners run, knows neither look-around nor back-references.
    assert re.fullmatch(r"(?:\\b|[\w?:()|\[\]{}-])+", KEY_PATTERN)
    assert "(?=" not in KEY_PATTERN
    assert "(?<" not in KEY_PATTERN
