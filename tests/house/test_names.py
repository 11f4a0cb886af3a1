"""Our package names are generic, so no dependency may shadow them."""

from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["backend", "collab", "exporters", "retrieval", "evals"])
def test_our_names_are_ours(name: str) -> None:
    """No dependency may install a package that shadows one of ours."""
    assert set(packages_distributions().get(name, [])) <= {"stratmaster"}
    module = import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)
