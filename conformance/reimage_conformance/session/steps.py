"""Planning: which reimages a run starts, the most important ones first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import MINIMUM_VERSION, TABLE_VERSIONS
from reimage_conformance.model import Identity, Profile
from reimage_conformance.protocol.addresses import UriForm, natural
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.thresholds import RESERVED_REIMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.model import Deployment, Target

SLOT, NAME = UriForm.SLOT, UriForm.NAME
SPELLING = (
    "version-name-upper",
    "field-names-upper",
    "charset-utf-8",
    "content-length-literal",
    "version-spaces",
    "fields-reversed",
)
OTHER_SPELLING = ("version-name-mixed", "field-names-lower", "charset-quoted", "expect-continue")
MERGE_BELOW_REIMAGES = 12
"""With a smaller max_reimages than this, the first steps are merged, so that one reimage tests several things."""
MERGE_NAMES_UP_TO = 3
"""With a max_reimages up to this, the steps by name are merged into one."""
STEPS_MEANWHILE = 3
"""How many steps another deployment may start while the first step of the main deployment runs, as is assumed for the budget."""
CONTENDING_REQUESTS = 2
"""The requests that are sent while a contended reimage runs: one to the same instance, one to another. Each may start one more
reimage."""


@dataclass(frozen=True, slots=True)
class Step:
    """One reimage to start: its instance, its request, and what is expected.

    With `contend`, two more requests are sent while it runs: for the same instance and for another one. `expected` is "succeeds",
    "fails" for an instance in failing_role_instances, or "open" where the documents do not say. With `observe` the instance is
    looked at and probed. `capital_slot` writes the slot in the URI with a capital letter.
    """

    name: str
    place: Place
    form: UriForm
    version: str | None = None
    variations: tuple[str, ...] = ()
    identity: Identity = Identity.PRIMARY
    contend: bool = False
    expected: str = "succeeds"
    query: str | None = None
    observe: bool = True
    capital_slot: bool = False
    stands_for: tuple[Step, ...] = ()
    """The merged steps: if this one is accepted, so are they; if it is refused, they are sent one by one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name and those of the steps that it stands for."""
        return (self.name, *(name for step in self.stands_for for name in step.names))

    @property
    def has_version_of_its_own(self) -> bool:
        """Whether it sends another version than that of the target file and the minimum version."""
        return self.version not in (None, MINIMUM_VERSION)

    @property
    def parts(self) -> tuple[Step, ...]:
        """The steps to try when it is refused: the merged ones, or itself with the target's version, or one for each variation."""
        if self.stands_for:
            return self.stands_for
        if self.has_version_of_its_own:
            return (replace(self, version=None),)
        if len(self.variations) > 1:
            return tuple(
                replace(self, name=f"{self.name}:{name}", variations=(name,), observe=False) for name in self.variations
            )
        return ()

    @property
    def is_plain(self) -> bool:
        """Whether it sends a request that must be accepted, and varies only the place, the form and the version."""
        return (
            not self.variations
            and self.query is None
            and self.expected == "succeeds"
            and self.identity is Identity.PRIMARY
        )


def role_of(instance: str) -> str:
    """The part of an instance name before its index; used for the order of steps only (REQ-NAME-INSTANCE)."""
    return natural(instance)[0]


def _encoded(step: Step) -> Step:
    """`step` merged with steps at a percent-encoded address; if it is accepted, one reimage tests all of them."""
    bare = replace(step, version=None, stands_for=())
    names = {"encoded": "instance-percent-encoded", "encoded-name": "container-percent-encoded"}
    parts = [replace(bare, name=name, variations=(variation,)) for name, variation in names.items()]
    return replace(
        step, name="+".join([step.name, *names]), variations=tuple(names.values()), stands_for=(step, *parts)
    )


def merged(steps: list[Step], limit: int) -> list[Step]:
    """`steps` merged, so that a `limit` of reimages below MERGE_BELOW_REIMAGES tests more.

    The minimum version is tested in the other slot, if there is one, and by name with the second certificate, if there
    is one. Up to MERGE_NAMES_UP_TO reimages, the first step by name tests the minimum version and the other spelling too. Above
    it, the minimum version is tested at a percent-encoded address.
    """
    by_name = {step.name: step for step in steps}
    if limit <= MERGE_NAMES_UP_TO:
        _merge_names(by_name)
    _merge_slots(by_name)
    for name in ("other-slot", "minimum-slot") if limit > MERGE_NAMES_UP_TO else ():
        if name in by_name:
            by_name[name] = _encoded(by_name[name])
    _merge_second_certificate(by_name)
    return list(by_name.values())


def _merge_names(by_name: dict[str, Step]) -> None:
    """Merges the first step by name with the minimum version and the other spelling."""
    first, minimum, spelling = by_name["control-name"], by_name.pop("minimum-name"), by_name.pop("spelling-name")
    by_name["control-name"] = replace(
        first,
        name="control-name+minimum-name+spelling-name",
        version=minimum.version,
        variations=spelling.variations,
        stands_for=(first, minimum, spelling),
    )


def _merge_slots(by_name: dict[str, Step]) -> None:
    """Merges the step in the other slot with the minimum version, where there are both."""
    if "other-slot" in by_name and "minimum-slot" in by_name:
        other, minimum = by_name["other-slot"], by_name.pop("minimum-slot")
        by_name["other-slot"] = replace(
            other, name="other-slot+minimum-slot", version=minimum.version, stands_for=(other, minimum)
        )


def _merge_second_certificate(by_name: dict[str, Step]) -> None:
    """Merges the minimum version by name with the second certificate, where there are both."""
    if "second-certificate" in by_name and "minimum-name" in by_name:
        minimum, identity = by_name["minimum-name"], by_name.pop("second-certificate").identity
        second = replace(minimum, name="second-certificate", version=None, identity=identity)
        by_name["minimum-name"] = replace(
            minimum, name="minimum-name+second-certificate", identity=identity, stands_for=(second, minimum)
        )


def _without_repeats(steps: Iterable[Step]) -> list[Step]:
    """The steps, without those whose name an earlier one has or stands for."""
    found: list[Step] = []
    taken: set[str] = set()
    for step in steps:
        if step.name not in taken:
            found.append(step)
        taken.update(step.names)
    return found


class Planner:
    """Chooses places and orders steps for one target."""

    def __init__(self, target: Target, profile: Profile) -> None:
        self._target, self._profile = target, profile
        usable = [d for d in target.deployments if d.role_instances]
        self.main = max(usable, key=lambda d: (d.slot == "production", len(d.role_instances)))
        self.others = [d for d in usable if d != self.main]

    def _ordered(self, deployment: Deployment) -> list[str]:
        return sorted(deployment.role_instances, key=natural)

    def place(self, deployment: Deployment, index: int = 0) -> Place:
        """The instance at position `index` in natural order, or the first one where there is none."""
        names = self._ordered(deployment)
        return Place(deployment, names[index if -len(names) <= index < len(names) else 0])

    @cached_property
    def namesakes(self) -> list[Place]:
        """The instances whose name several deployments of the target list.

        Those of the same cloud service as the main deployment come first, those of the main deployment itself last.
        """
        beside = sorted(self.others, key=lambda each: each.cloud_service != self.main.cloud_service)
        deployments = [*beside, self.main]
        names = [name for deployment in deployments for name in set(deployment.role_instances)]
        return [Place(d, name) for d in deployments for name in self._ordered(d) if names.count(name) > 1]

    @cached_property
    def witnesses(self) -> list[Place]:
        """Instances of the main deployment for bad requests: those that no step reimages, or else all in reverse order."""
        reimaged = {step.place.role_instance for step in self.steps if step.place.deployment == self.main}
        names = self._ordered(self.main)
        return [Place(self.main, name) for name in names if name not in reimaged] or [
            Place(self.main, name) for name in reversed(names)
        ]

    @cached_property
    def steps(self) -> list[Step]:
        """Every step of the profile, in order of importance."""
        first = Step("control-slot", self.place(self.main), SLOT)
        if self._profile is Profile.SMOKE:
            return [first]
        essential = list(self._essential())
        if self._target.limits.max_reimages < MERGE_BELOW_REIMAGES:
            essential = merged(essential, self._target.limits.max_reimages)
        steps = _without_repeats([first, *essential, *self._with_versions(self._further())])
        return [replace(step, contend=step is self._to_contend_with(steps)) for step in steps]

    def _to_contend_with(self, steps: list[Step]) -> Step:
        """The step to contend with: the first of the main deployment, or the second where that has two instances.

        With two instances, one step has to run without contention, so that the other instance must stay unchanged. The
        first one is taken all the same where a small max_reimages would be spent before the second, since the
        steps of other deployments run meanwhile.
        """
        here = [step for step in steps if step.place.deployment == self.main and step.expected == "succeeds"]
        if len(self.main.role_instances) != 2 or len(here) < 2:
            return here[0]
        ahead = steps.index(here[1]) + STEPS_MEANWHILE * len(self.others)
        needed = ahead + 1 + CONTENDING_REQUESTS + RESERVED_REIMAGES
        return here[1] if needed <= self._target.limits.max_reimages else here[0]

    @property
    def contended(self) -> Step | None:
        """The step that other requests contend with, if the profile has one."""
        return next((step for step in self.steps if step.contend), None)

    def _with_versions(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps; plain ones get the published versions in turn, beginning with the newest and the oldest."""
        later = [v for v in TABLE_VERSIONS if v > MINIMUM_VERSION and v != self._target.x_ms_version]
        versions = cycle([*later[-1:], *later[:-1]] or [None])
        for step in steps:
            yield replace(step, version=next(versions)) if step.is_plain else step

    def _essential(self) -> Iterator[Step]:
        """The steps after the first one that come before all others."""
        aside = self.others[0] if self.others else self.main
        other_slot = next((d for d in self.others if d.slot != self.main.slot), None)
        far = next((d for d in self.others if d != other_slot), aside)
        yield Step("control-name", self.place(far), NAME)
        if other_slot is not None:
            yield Step("other-slot", self.place(other_slot), SLOT)
        yield Step("minimum-slot", self.place(self.main, 1), SLOT, version=MINIMUM_VERSION)
        yield Step("spelling-name", self.place(far, -1), NAME, variations=SPELLING)
        for deployment in self._target.deployments:
            for name in deployment.failing_role_instances[:1]:
                yield Step("failing", Place(deployment, name), SLOT, expected="fails")
        yield Step("minimum-name", self.place(aside, 1), NAME, version=MINIMUM_VERSION)
        if self._target.is_https and self._target.second_client_certificate is not None:
            yield Step("second-certificate", self.place(aside), SLOT, identity=Identity.SECOND)

    def _further(self) -> Iterator[Step]:
        """Further steps: each role, the first and last index, repeats, spellings, and every deployment in both forms."""
        names = self._ordered(self.main)
        aside = self.others[0] if self.others else self.main
        for role in dict.fromkeys(role_of(name) for name in names):
            if role != role_of(self.place(self.main).role_instance):
                place = Place(self.main, next(n for n in names if role_of(n) == role))
                yield Step(f"role-{role}", place, SLOT)
                yield Step(f"role-{role}-name", place, NAME)
        same_role = [n for n in names if role_of(n) == role_of(names[0])]
        yield Step("again", self.place(self.main), NAME)
        if len(same_role) > 2:
            yield Step("last-index", Place(self.main, same_role[-1]), NAME)
            yield Step("second-index", Place(self.main, same_role[1]), NAME)
            yield Step("last-index-slot", Place(self.main, same_role[-1]), SLOT)
        for deployment in self.others:
            yield Step(f"{deployment.path}-slot", self.place(deployment, -1), SLOT)
            yield Step(f"{deployment.path}-name", self.place(deployment, 1), NAME)
        yield Step("spelling-slot", self.place(aside), SLOT, variations=OTHER_SPELLING)
        yield Step("encoded", self.place(self.main, 1), SLOT, variations=("instance-percent-encoded",))
        far = self.others[-1] if self.others else self.main
        yield Step("encoded-name", self.place(far), NAME, variations=("container-percent-encoded",))
        yield Step("chunked", self.place(aside, 1), NAME, variations=("chunked-empty",))
        yield Step("media-type", self.place(self.main, 2), SLOT, variations=("media-type-upper",))
        yield from self._open_questions()

    def _open_questions(self) -> Iterator[Step]:
        """Steps whose requests the documents define no answer for; they give observations, and no verdicts."""
        places = [self.place(d, i) for i in (0, 1) for d in (*self.others, self.main)]
        queries = {
            "comp-upper-name": "COMP=reimage",
            "comp-upper-value": "comp=REIMAGE",
            "comp-twice": "comp=reimage&comp=reimage",
            "extra-parameter": "comp=reimage&verbose=true",
        }
        for number, (name, query) in enumerate(queries.items()):
            yield Step(name, places[number % len(places)], NAME, query=query, observe=False, expected="open")
        yield Step("slot-case", places[0], SLOT, expected="open", observe=False, capital_slot=True)
