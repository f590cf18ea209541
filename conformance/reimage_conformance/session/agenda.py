"""The agenda of the campaign: the steps that still have to be sent, in the order in which they are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from reimage_conformance.model import Deployment
    from reimage_conformance.session.step_runs import Result
    from reimage_conformance.session.steps import Step


class Agenda:
    """The pending steps, those that start only when a case asks for them, and those that were refused once.

    `pending` holds the steps that may start, the most important first. `starts_on_demand` says that other steps are held
    back until a case asks for them.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self.pending = list(steps)
        self.starts_on_demand = False
        self._held_back: list[Step] = []
        self._postponed: dict[str, Result] = {}  # by name, the first results of steps that are sent again later

    def hold_back_all_but(self, step_names: Collection[str], on_demand: Callable[[Step], bool]) -> None:
        """Keeps only the steps of these names pending.

        Another step is held back if `on_demand` is true of it; else it is dropped.
        """
        keep = [step for step in self.pending if not set(step_names).isdisjoint(step.names)]
        self._held_back = [step for step in self.pending if step not in keep and on_demand(step)]
        self.pending, self.starts_on_demand = keep, True

    def ask_for(self, name: str | None = None) -> bool:
        """Makes the held-back step of this name pending, without a name all of them; gives whether there was one."""
        asked = [step for step in self._held_back if name is None or name in step.names]
        self._held_back = [step for step in self._held_back if step not in asked]
        self.pending += asked
        return bool(asked)

    def is_pending(self, name: str) -> bool:
        """Whether a pending step has this name, or stands for a step of this name."""
        return any(name in step.names for step in self.pending)

    def take(self, step: Step) -> None:
        """Removes a step from the pending ones."""
        self.pending.remove(step)

    def take_all(self) -> list[Step]:
        """Removes every pending step, and gives them."""
        taken, self.pending = self.pending, []
        return taken

    def put_first(self, steps: Iterable[Step]) -> None:
        """Adds steps that are tried before all others."""
        self.pending[:0] = steps

    def postpone(self, step: Step, refused: Result) -> None:
        """Adds a step again that was refused; it is tried after all others, or first after `put_postponed_first`."""
        self._postponed[step.name] = refused
        self.pending.append(step)

    def first_refusal(self, step: Step) -> Result | None:
        """The first result of a step that was postponed, None for one that was not."""
        return self._postponed.get(step.name)

    def put_postponed_first(self, deployment: Deployment) -> None:
        """Puts the postponed steps of a deployment before all others, since nothing holds it any more."""
        first = [step for step in self.pending if step.name in self._postponed and step.place.deployment == deployment]
        self.pending = first + [step for step in self.pending if step not in first]
