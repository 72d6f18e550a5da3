import pytest

from tests.sandbox.ground import running_sandbox


@pytest.fixture
def ehr():
    with running_sandbox() as sandbox:
        yield sandbox
