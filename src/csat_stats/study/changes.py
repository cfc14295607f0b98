"""What changed between two versions of a study file, and which figures still mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csat_stats.results import Message, message, typeset
from csat_stats.study.plan import Plan

# Keys that decide which answers are analysed, and keys a verdict is held against.
_SELECTION = ("data", "missing", "respondent", "duration", "wave", "exclusions")
_VERDICTS = ("targets", "thresholds")

_WHY = {
    "items": message("other items"),
    "scale": message("another answer scale"),
    "reversed": message("items turned round or no longer turned round"),
    "column": message("read from another column"),
    "codes": message("other answers count as yes or no"),
    "from": message("satisfied from another score"),
    "formula": message("another formula"),
}


@dataclass(frozen=True)
class Change:
    """One entry before and after; None where it was not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class PlanChanges:
    """Every change of a study file.

    Attributes
    ----------
    changes
        Key by key, in the order of the study file; a default counts as written out.
    comparable
        Metrics in both that are measured the same way.
    broken
        Metrics in both that are not, each with the reasons.
    items
        Items in both that were answered on the same scale, in the same direction.
    """

    changes: tuple[Change, ...]
    comparable: tuple[str, ...]
    broken: Mapping[str, tuple[Message, ...]]
    items: tuple[str, ...]

    @property
    def selection(self) -> tuple[str, ...]:
        """Changed keys that decide which answers are analysed."""
        return self._below(_SELECTION) + self._below(("scale.not_applicable",))

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Changed keys that verdicts are held against."""
        return self._below(_VERDICTS)

    def _below(self, parents: tuple[str, ...]) -> tuple[str, ...]:
        keys = (change.key for change in self.changes)
        return tuple(k for k in keys if any(k == p or k.startswith(f"{p}.") for p in parents))


def changes(before: Plan, after: Plan) -> PlanChanges:
    """Compare two study files by what they mean, not by how they are written.

    A dimension is comparable when its items, their scale and their direction are the same; the
    index when what it is made of is; a share when the same answers count.

    Examples
    --------
    >>> old = Plan(title="A", data={"responses": "a.csv"}, dimensions={"Speed": ["q1", "q2"]})
    >>> new = old.model_copy(update={"dimensions": {"Speed": ["q1", "q3"]}})
    >>> found = changes(old, new)
    >>> found.changes
    (Change(key='dimensions.Speed', before='q1, q2', after='q1, q3'),)
    >>> found.items, [str(why) for why in found.broken["Speed"]]
    (('q1',), ['other items'])
    """
    old, new = dict(_leaves(_tree(before))), dict(_leaves(_tree(after)))
    written = [dict(_leaves(_tree(plan, exclude_defaults=True))) for plan in (before, after)]
    keys = sorted({**written[0], **written[1]}, key=lambda key: _position(key, [*new, *old]))
    broken = {}
    both = [metric for metric in before.metrics if metric in after.metrics]
    for metric in both:
        parts = [_definition(plan, metric) for plan in (before, after)]
        shared = [name for name in parts[0] if name in parts[1]]
        reasons = tuple(_WHY[name] for name in shared if parts[0][name] != parts[1][name])
        if reasons:
            broken[metric] = reasons
    items = [item for item in before.items if item in after.items]
    return PlanChanges(
        tuple(
            Change(".".join(key), old.get(key), new.get(key))
            for key in keys
            if old.get(key) != new.get(key)
        ),
        tuple(metric for metric in both if metric not in broken),
        broken,
        tuple(i for i in items if _item(before, i) == _item(after, i)),
    )


def _position(key: tuple[str, ...], order: list[tuple[str, ...]]) -> tuple[int, int]:
    """Top-level keys in the order of the schema, what is below them in that of the file."""
    return list(Plan.model_fields).index(key[0]), order.index(key)


def _tree(plan: Plan, **options: Any) -> dict[str, Any]:
    """The study file as nested mappings; targets go by their names."""
    tree = plan.model_dump(mode="json", **options)
    goals = tree.get("targets", [])
    named = {goal["name"]: {k: v for k, v in goal.items() if k != "name"} for goal in goals}
    if len(named) < len(goals):
        named = {str(number): goal for number, goal in enumerate(goals, 1)}
    return tree | {"targets": named}


def _leaves(tree: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, value as text) of everything that is said; a segment may be named and no more."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _leaves(value, (*key, name))
    elif tree not in (None, []) or key[0] == "segments":
        parts = tree if isinstance(tree, list) else [tree]
        yield key, ", ".join(_text(part) for part in parts if part is not None)


def _text(value: Any) -> str:
    return typeset("{:g}", value) if isinstance(value, float) else str(value)


def _item(plan: Plan, item: str) -> tuple[object, ...]:
    return plan.scale.low, plan.scale.high, item in plan.reversed


def _definition(plan: Plan, metric: str) -> dict[str, object]:
    """What a metric is made of, by the names of ``_WHY``."""
    if metric in plan.dimensions:
        items = set(plan.dimensions[metric])
        return {
            "items": items,
            "scale": (plan.scale.low, plan.scale.high),
            "reversed": items & set(plan.reversed),
        }
    if metric == "index":
        if plan.index_source == "overall":
            base = _definition(plan, "overall")
        else:
            base = {
                "items": {name: set(items) for name, items in plan.dimensions.items()},
                "scale": (plan.scale.low, plan.scale.high),
                "reversed": set(plan.reversed),
            }
        return base | {"formula": (plan.index_source, plan.index.formula)}
    if metric == "nps":
        return {"column": plan.nps}
    if metric in plan.outcomes:
        outcome = plan.outcomes[metric]
        return {"column": outcome.column, "codes": (set(outcome.yes), set(outcome.no))}
    assert plan.overall is not None
    scale = plan.overall_scale
    base = {"column": plan.overall.column, "scale": (scale.low, scale.high)}
    return base | {"from": scale.top_box} if metric == "satisfied" else base
