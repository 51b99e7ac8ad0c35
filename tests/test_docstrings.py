"""The examples in the docstrings of the package run: each `>>>` is executed, and gives what stands below it."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import protocols
import reactor

MODULES = sorted(
    module.name
    for package in (reactor, protocols)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", ["reactor", "protocols", *MODULES])
def test_the_examples_of_a_module_run(name):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        if test.examples:  # to run one without looks at every file that Python has read lines of
            runner.run(test)
    assert not runner.failures
