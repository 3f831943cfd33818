"""No secret of a URL is shown or stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sql_url import hidden, redacted

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///runs.db", "sqlite:///runs.db"),
        ("sqlite:////home/me:you@here/runs.db?timeout=1", "sqlite:////home/me:you@here/runs.db"),
        ("postgresql://bench@db:5432/runs", "postgresql://bench@db:5432/runs"),
        ("postgresql://db:5432/runs", "postgresql://db:5432/runs"),
        (f"postgresql://bench:{SECRET}@db:5432/runs", "postgresql://bench:***@db:5432/runs"),
        (f"postgresql://db/runs?user=bench&password={SECRET}", "postgresql://db/runs"),
        (f"postgresql://bench@db/runs?password={SECRET}&sslpassword={SECRET}", "postgresql://bench@db/runs"),
        (f"postgresql://bench:x@{SECRET}@db/runs", "postgresql://bench:***@db/runs"),
        (f"postgresql://bench:x?{SECRET}@db/runs", "postgresql://bench:***@..."),
        (f"postgresql://bench:x/{SECRET}@db/runs", "postgresql://bench:***@db/runs"),
        (f"postgresql+psycopg://bench:{SECRET}@[::1]:5432/runs", "postgresql+psycopg://bench:***@[::1]:5432/runs"),
        (f"postgresql:bench:{SECRET}", "postgresql://..."),
    ],
)
def test_a_url_is_shown_without_password_and_options(url: str, shown: str) -> None:
    assert hidden(url) == shown


@pytest.mark.parametrize(
    ("word", "stored"),
    [
        ("--device", "--device"),
        ("suites/test_latency.py::test_latency", "suites/test_latency.py::test_latency"),
        ("sqlite:///runs.db#latest", "sqlite:///runs.db#latest"),
        (f"postgresql://bench:{SECRET}@db/runs#latest", "postgresql://bench:***@db/runs#latest"),
        (f"--compare=postgresql://bench:{SECRET}@db/runs#latest", "--compare=postgresql://bench:***@db/runs#latest"),
        (f"--compare=postgresql://db/runs?password={SECRET}#2026", "--compare=postgresql://db/runs#2026"),
        (f"--compare=postgresql://db/runs?password={SECRET}", "--compare=postgresql://db/runs"),
    ],
)
def test_a_word_of_a_command_line_is_stored_without_secrets(word: str, stored: str) -> None:
    assert redacted(word) == stored


@given(before=st.text("abc:@/?&=", max_size=8), after=st.text("abc:@/?&=", max_size=8))
def test_no_password_is_shown_however_it_is_written(before: str, after: str) -> None:
    for url in (
        f"postgresql://bench:{before}{SECRET}{after}@db/runs",
        f"postgresql://bench:pw@db/runs?x=1&password={before}{SECRET}{after}",
    ):
        assert SECRET not in hidden(url)
        assert SECRET not in redacted(f"--compare={url}#latest")
