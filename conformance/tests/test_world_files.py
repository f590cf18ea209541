"""Worlds of the emulator: the named ones, files, the mistakes in files, and the target files that are written for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reimage_conformance.embedding.memory import TurnedClock, memory_emulator, memory_target
from reimage_conformance.embedding.worlds import world_of
from reimage_conformance.emulator import LAYOUTS, NEIGHBOURS, DeploymentLayout, InstanceLayout, instances_of
from reimage_conformance.errors import UsageError, WorldError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
[[deployments]]
cloud_service = "shop"
slot = "staging"
name = "shop-green"
role_instances = ["Web_IN_0", "Web_IN_1", "cache"]
failing_role_instances = ["Web_IN_2"]

[[deployments]]
cloud_service = "shop"
slot = "production"
name = "shop-blue"
failing_role_instances = ["Worker_IN_1"]
[deployments.roles]
Web = 1
Worker = 2
"""
SHOP = (
    DeploymentLayout(
        "shop",
        "staging",
        "shop-green",
        (
            InstanceLayout("Web", "Web_IN_0"),
            InstanceLayout("Web", "Web_IN_1"),
            InstanceLayout("cache", "cache"),
            InstanceLayout("Web", "Web_IN_2", failing=True),
        ),
    ),
    DeploymentLayout("shop", "production", "shop-blue", instances_of({"Web": 1, "Worker": 2}, ["Worker_IN_1"])),
)
ROW = '[[deployments]]\ncloud_service = "shop"\nslot = "staging"\nname = "blue"\n'


def written(folder: Path, text: str) -> str:
    path = folder / "world.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_world_file_says_what_exists(tmp_path: Path) -> None:
    assert world_of(written(tmp_path, GOOD)) == SHOP + NEIGHBOURS


def test_a_target_file_is_a_world_file(tmp_path: Path) -> None:
    text = f'[target]\nname = "x"\nbase_url = "https://rig"\nsubscription_id = "s"\n{ROW}role_instances = ["A_IN_0"]\n'

    assert world_of(written(tmp_path, text))[0] == DeploymentLayout("shop", "staging", "blue", instances_of({"A": 1}))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_named_world_is_found_by_its_name(name: str) -> None:
    assert world_of(name) == LAYOUTS[name]


def test_the_named_worlds_hold_what_their_names_say() -> None:
    sizes = {name: [len(row.instances) for row in layout[: -len(NEIGHBOURS)]] for name, layout in LAYOUTS.items()}

    assert sizes == {
        "large": [15, 3, 3],
        "one-slot": [4],
        "two-instances": [2],
        "two-slots": [1, 1],
        "two-services": [2, 2],
        "one-instance": [1],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one [[deployments]] table is expected, found nothing"),
        ("deployments = 3\n", "at least one [[deployments]] table is expected, found the integer 3"),
        ("[[deployments]\n", "not valid TOML: "),
        ("[[deployment]]\n", 'unknown key "deployment" at the top level; did you mean "deployments"?'),
        (f'{ROW}instances = ["A"]\n', 'unknown key "instances" in [[deployments]] number 1; did you mean '),
        (
            '[[deployments]]\ncloud_service = "s"\nslot = "staging"\nroles = {A = 1}\n',
            'missing key "name" in [[deployments]] number 1; expected a non-empty string',
        ),
        (
            ROW.replace("staging", "stagin") + "roles = {A = 1}\n",
            '"slot" in [[deployments]] number 1 is expected to be "production" or "staging", found the string \'stagin\'; did you mean "staging"?',
        ),
        (
            ROW,
            'number 1 is expected to have either "role_instances" (names) or "roles" (a number for each), found neither',
        ),
        (f'{ROW}role_instances = ["A"]\nroles = {{A = 1}}\n', '"roles" (a number for each), found both'),
        (f"{ROW}role_instances = []\n", '"role_instances" in [[deployments]] number 1 is expected to be an array'),
        (f"{ROW}roles = {{}}\n", '"roles" in [[deployments]] number 1 is expected to be a table of roles'),
        (
            f"{ROW}roles = {{A = 0}}\n",
            '"A" in "roles" of [[deployments]] number 1 is expected to be a number of instances from 1 to 1000, found the integer 0',
        ),
        (f"{ROW}roles = {{A = 5000}}\n", "number of instances from 1 to 1000, found the integer 5000"),
        (f"{ROW}roles = {{A = true}}\n", "number of instances from 1 to 1000, found the boolean true"),
        (
            f'{ROW}roles = {{A = 2}}\nfailing_role_instances = ["A_IN_2"]\n',
            'number 1 is expected to name instances of "roles", found "A_IN_2"; did you mean "A_IN_1"?',
        ),
        (
            f"{ROW}roles = {{A = 1}}\n{ROW.replace('blue', 'green')}roles = {{A = 1}}\n",
            "two [[deployments]] of cloud service 'shop' have the slot 'staging'; expected one",
        ),
        (
            f"{ROW}roles = {{A = 1}}\n{ROW.replace('staging', 'production')}roles = {{A = 1}}\n",
            "two [[deployments]] of cloud service 'shop' have the name 'blue'; expected one",
        ),
    ],
)
def test_a_mistake_in_a_world_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(WorldError) as caught:
        world_of(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_world_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match=r"none\.toml: there is no such world file"):
        world_of(str(tmp_path / "none.toml"))


def test_a_world_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "world.toml"
    path.write_bytes(b"[[deployments]]\nname = '\xff'\n")

    with pytest.raises(WorldError, match=r"not UTF-8 text \(octet 24\)"):
        world_of(str(path))


def test_a_misspelt_world_is_met_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r'unknown world "two-instance"; did you mean "two-instances"\?'):
        world_of("two-instance")


def test_a_target_file_lists_the_world(tmp_path: Path) -> None:
    layout = world_of(written(tmp_path, GOOD))
    target = memory_target(memory_emulator(TurnedClock(), layout=layout))

    assert [(d.name, d.role_instances, d.failing_role_instances) for d in target.deployments] == [
        ("shop-green", ("Web_IN_0", "Web_IN_1", "cache"), ("Web_IN_2",)),
        ("shop-blue", ("Web_IN_0", "Worker_IN_0"), ("Worker_IN_1",)),
    ]


def test_a_target_file_may_list_a_part_of_the_world_without_the_probe() -> None:
    emulator = memory_emulator(TurnedClock(), layout=LAYOUTS["large"])
    part = (DeploymentLayout("contoso", "staging", "contoso-v2", (InstanceLayout("WebRole1", "WebRole1_IN_1"),)),)
    target = memory_target(emulator, listed=part, probe=False, max_reimages=2)

    assert [(d.name, d.role_instances) for d in target.deployments] == [("contoso-v2", ("WebRole1_IN_1",))]
    assert target.probe_url is None
    assert target.limits.max_reimages == 2


def test_names_in_a_target_file_are_as_in_the_world() -> None:
    layout = (DeploymentLayout("käse", "staging", "\U0001f6d2 y", (InstanceLayout("Ω", 'Ω"_IN_0'),)),)
    (deployment,) = memory_target(memory_emulator(TurnedClock(), layout=layout)).deployments

    assert (deployment.cloud_service, deployment.name, deployment.role_instances) == (
        "käse",
        "\U0001f6d2 y",
        ('Ω"_IN_0',),
    )
