"""Fixtures for programs as a user runs them."""

from __future__ import annotations

import resource
import runpy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit import webdriver
from tests.kit.program import ROOT


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Browser]:
    """One for all, as to start one takes seconds of two cores: who has used it leaves it as `page` does."""
    driver = webdriver.Driver(tmp_path_factory.mktemp("browser"))
    yield driver.browser()
    driver.close()


@pytest.fixture
def page(browser: webdriver.Browser) -> Iterator[webdriver.Browser]:
    """The browser, without a page. Each server has another port, and so another origin and another memory."""
    yield browser
    browser.resize(1000, 700)
    browser.open("about:blank")
    browser.complaints()  # they are this test's


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run an example that ends by itself, as `__main__` but in our process: a process of its own costs 0.2 s.

    Gives its status, stdout and stderr. What it does with signals, its log and stdin is for `theatre`.
    """
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)  # a server asks for more

    def invoke(name: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return int(left.value.code or 0), *capfd.readouterr()

    yield invoke
    resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)
