"""The fixtures."""

import pytest

from . import Sandbox

_SANDBOX = pytest.StashKey()


@pytest.fixture
def sandbox_arguments():
    """Arguments of the program `discord-sandbox`; to be overridden."""
    return []


@pytest.fixture
def sandbox(request, sandbox_arguments):
    """A sandbox for this test alone."""
    with Sandbox(*sandbox_arguments) as sandbox:
        request.node.stash[_SANDBOX] = sandbox
        yield sandbox


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    sandbox = item.stash.get(_SANDBOX, None)
    if report.failed and call.when == "call" and sandbox is not None:
        report.sections.append(("bot and sandbox", sandbox.transcript()))
        report.sections.append(("output of the bot", sandbox.bot_output()))
    return report
