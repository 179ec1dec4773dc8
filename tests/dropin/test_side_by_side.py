"""What gradio_client and rxgradio make of the same scenarios, on the same servers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import rxgradio
from tests.dropin import arguments, clients, failures, files, jobs
from tests.dropin.conftest import App, Theirs
from tests.dropin.scenario import SCENARIOS, Scenario, Script, outcome

SERVERS = {(version, tuple(each.app.items())) for each in SCENARIOS for version in each.on}
TRIED = [
    pytest.param(
        server,
        scenario,
        id=f"{server[0]}-{scenario.function.__name__}",
        # One process of the tests serves each release, and one app after another.
        marks=pytest.mark.xdist_group(f"side by side {server[0]}"),
    )
    for server in sorted(SERVERS)
    for scenario in SCENARIOS
    if server[0] in scenario.on and server[1] == tuple(scenario.app.items())
]


@pytest.mark.parametrize(("server", "scenario"), TRIED)
def test_the_same_comes_of_it_but_for_what_differs_on_purpose(
    server: tuple[str, App], scenario: Scenario, address: str, theirs: Theirs, tmp_path: Path
) -> None:
    function = scenario.function
    of_theirs = theirs.run(function.__module__, function.__name__, address, scenario.patience)
    of_ours = outcome(function, Script(rxgradio, address, tmp_path))
    scenario.compare(of_theirs, of_ours)


def test_no_two_scenarios_have_a_name_and_every_function_of_a_module_is_one() -> None:
    tried = Counter((version, each.function.__name__) for each in SCENARIOS for version in each.on)
    assert set(tried.values()) == {1}
    modules = {module.__name__ for module in (arguments, clients, failures, files, jobs)}
    assert {each.function.__module__ for each in SCENARIOS} == modules
