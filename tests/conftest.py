import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"

settings.register_profile("default", deadline=None)
settings.load_profile("default")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it runs in the background ignore Ctrl-C, and all that this starts


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="fill in what the goldens leave to the program; read the diff")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch):
    """Keep the width and colours of whoever runs the tests out of them."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)
    os.umask(0o022)
