"""The bot of thirty lines, tested as its author would; and what a failing test shows."""

import pathlib

import pytest

pytest_plugins = ["pytester"]

BOT = pathlib.Path(__file__).parent / "bot.py"


@pytest.fixture
def maya(sandbox):
    sandbox.run_bot(BOT)
    sandbox.wait_for_command("greet", user="maya")
    return sandbox.user("maya")


def test_it_greets(maya):
    outcome = maya.command("general", "greet", {"name": "Jonas"})
    assert outcome["message"]["content"] == "Hello, Jonas!"


def test_it_hears_its_name(sandbox, maya):
    maya.message("general", f"<@{sandbox.addresses['application_id']}> are you there?")
    reply = sandbox.wait_for_message("general", "At your service.", user="maya")
    assert reply["mentions"][0]["username"] == "maya"


def test_it_waits_when_it_is_told_to(sandbox, maya):
    sandbox.fault("status", method="POST", path="/channels/*/messages", status=429, ms=100)
    maya.message("general", f"<@{sandbox.addresses['application_id']}> are you there?")
    sandbox.wait_for_message("general", "At your service.", user="maya")
    posts = [e for e in sandbox.journal() if e["method"] == "POST" and "messages" in e["path"]]
    assert [post["status"] for post in posts] == [429, 200]


def test_the_world_can_be_added_to_and_put_back(sandbox, maya):
    before = sandbox.snapshot()
    sandbox.add_role("Crew")
    olga = sandbox.add_user("olga", roles=["Crew"])
    assert sandbox.addresses["users"]["olga"] == olga
    sandbox.add_channel("staff")
    sandbox.user("olga").message("staff", f"<@{sandbox.addresses['application_id']}> hello?")
    sandbox.wait_for_message("staff", "At your service.", user="olga")
    sandbox.restore(before)
    assert "staff" not in sandbox.addresses["channels"]
    # The bot identifies anew, and its command is still there.
    sandbox.wait_for_command("greet", user="maya")
    assert maya.command("general", "greet", {"name": "Sven"})["ok"]
    sandbox.reset()
    assert sandbox.view("maya")["commands"] == []


def test_a_failure_shows_what_was_said(pytester):
    pytester.makepyfile(
        """
        def test_fails(sandbox):
            sandbox.user("maya").message("general", "Hello?")
            sandbox.run_bot(%r)
            sandbox.wait_for_command("greet", user="maya")
            assert False
        """
        % str(BOT)
    )
    result = pytester.runpytest_subprocess("-p", "discord_sandbox.pytest_plugin")
    result.stdout.fnmatch_lines(["*bot and sandbox*", "*PUT /applications/*/commands*-> 200*"])
