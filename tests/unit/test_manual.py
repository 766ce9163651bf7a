"""The manual page and the page about commands: as the commands are, and without a warning of what shows them."""

import subprocess
from pathlib import Path

from kpo_provision.cli import manual
from kpo_provision.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/man/kpo-provision.1"


def test_the_manual_page_is_up_to_date():
    assert PAGE.read_text() == manual.render_man_page(), "run: make update"


def test_the_page_about_commands_is_up_to_date():
    assert (ROOT / "docs/commands.md").read_text() == manual.render_command_reference(), "run: make update"


def test_every_command_has_an_example():
    text = manual.render_command_reference()
    for section in text.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        assert name == "Exit codes" or f"```\n{name.split()[0]}" in body, name
        assert name == "Exit codes" or body.count("```") == 4, f"{name} has no example"
    assert len(text.split("\n## kpo-provision")) > len(app.commands)


def test_groff_shows_it_without_a_warning():
    shown = subprocess.run(["groff", "-ww", "-man", "-Tutf8", PAGE], capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    assert "No colour, whatever its value." in shown.stdout
