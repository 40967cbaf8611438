# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""Judging a password is bounded work, whatever the password."""

import pytest

from app.auth.passwords import MAX_READINGS, _bounded, _is_weak

# Every sign that zxcvbn reads as a letter, in each of its readings: 576 of them took 7 seconds.
MANY_READINGS = "4@8({[</\\369&#!1|0$5+7%2" * 3


def test_signs_with_many_readings_are_left_out() -> None:
    assert _bounded(MANY_READINGS) == "483691057" + "2" + "483691057" + "2" + "483691057" + "2"


@pytest.mark.parametrize("password", ["p@$$w0rd!p@$$w0rd!", "correct horse battery staple"])
def test_ordinary_passwords_are_judged_whole(password: str) -> None:
    assert _bounded(password) == password


def test_known_words_in_disguise_are_weak_and_random_characters_are_not() -> None:
    assert MAX_READINGS > 1
    assert _is_weak("p@$$w0rd1p@$$w0rd1", [])
    assert not _is_weak("k4@8({[<Vq9&#!1|0$5+7%2xTm", [])
