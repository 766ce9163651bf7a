"""``python -m kpo_provision``."""

from kpo_provision.cli import main

main()
