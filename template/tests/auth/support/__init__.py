# Owned by the Gatehouse template: updated by copier update, see ownership.toml.
"""What the tests of authentication stand on: servers, databases, a clock, the service itself."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.answers", f"{__name__}.mails", f"{__name__}.service")
