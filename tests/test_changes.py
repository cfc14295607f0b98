"""Two versions of a study file: every change, and which figures still mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from csat_stats.study import Plan
from csat_stats.study.changes import Change, PlanChanges, changes

STUDY: dict[str, Any] = {
    "title": "A study",
    "data": {"responses": "a.csv"},
    "dimensions": {"Speed": ["q1", "q2"], "Staff": ["q3"]},
    "overall": "q9",
    "nps": "q10",
    "outcomes": {"again": {"column": "back", "yes": ["y"], "no": ["n"]}},
    "segments": {"city": ["north", "south"]},
    "targets": [{"name": "goal", "metric": "nps", "target": 20}],
}


def changed(new: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> PlanChanges:
    """From the study with ``old`` keys to the study with ``new`` ones."""
    plans = [Plan.model_validate(STUDY | dict(keys)) for keys in (old or {}, new)]
    return changes(*plans)


def broken(found: PlanChanges) -> dict[str, list[str]]:
    return {metric: [str(why) for why in reasons] for metric, reasons in found.broken.items()}


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"overall": {"column": "q9"}},
        {"conf_level": 0.95, "scale": {"low": 1}},
        {"dimensions": {"Staff": "q3", "Speed": ["q1", "q2"]}},
        {"segments": {"city": ["north", "south"]}, "reversed": []},
    ],
)
def test_the_same_said_otherwise_is_no_change(same: dict[str, Any]) -> None:
    found = changed(same)
    assert found.changes == ()
    assert found.broken == {}
    assert found.items == ("q1", "q2", "q3")
    assert found.comparable == (
        *("Speed", "Staff", "index", "overall", "satisfied", "nps", "again"),
    )


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"title": "B"}, [Change("title", "A study", "B")]),
        ({"client": "Acme"}, [Change("client", None, "Acme")]),
        ({"conf_level": 0.9}, [Change("conf_level", "0.95", "0.9")]),
        (
            {"targets": [{"name": "goal", "metric": "nps", "target": 25, "due": "2026-12-31"}]},
            [
                Change("targets.goal.target", "20", "25"),
                Change("targets.goal.due", None, "2026-12-31"),
            ],
        ),
        (
            {"targets": []},
            [Change("targets.goal.metric", "nps", None), Change("targets.goal.target", "20", None)],
        ),
        (
            {"segments": {"city": None, "region": None}},
            [Change("segments.city", "north, south", ""), Change("segments.region", None, "")],
        ),
        (
            {"dimensions": {"Speed": ["q2", "q1"], "Staff": ["q3"], "Price": ["q4", "q5"]}},
            [
                Change("dimensions.Speed", "q1, q2", "q2, q1"),
                Change("dimensions.Price", None, "q4, q5"),
            ],
        ),
        ({"scale": {"high": 7}}, [Change("scale.high", "5", "7")]),
        ({"exclusions": {"min_seconds": 30}}, [Change("exclusions.min_seconds", None, "30")]),
    ],
)  # fmt: skip
def test_every_change_is_told_by_its_key(new: dict[str, Any], told: list[Change]) -> None:
    assert list(changed(new).changes) == told


def test_targets_of_one_name_are_told_by_position() -> None:
    goals = [{"name": "goal", "metric": "nps", "target": t} for t in (20, 30)]
    found = changed({"targets": [goals[0], goals[1] | {"target": 40}]}, {"targets": goals})
    assert found.changes == (Change("targets.2.target", "30", "40"),)


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ({"dimensions": {"Speed": ["q1", "q4"], "Staff": ["q3"]}}, {"Speed": ["other items"]}),
        (
            {"scale": {"high": 7}},
            {key: ["another answer scale"] for key in ["Speed", "Staff", "index", "overall"]}
            | {"satisfied": ["another answer scale", "satisfied from another score"]},
        ),
        (
            {"overall": {"column": "q9", "scale": {"high": 10}}},
            {key: ["another answer scale"] for key in ["index", "overall"]}
            | {"satisfied": ["another answer scale", "satisfied from another score"]},
        ),
        ({"scale": {"satisfied_from": 5}}, {"satisfied": ["satisfied from another score"]}),
        ({"reversed": "q3"}, {"Staff": ["items turned round or no longer turned round"]}),
        (
            {"overall": "q8"},
            {key: ["read from another column"] for key in ["index", "overall", "satisfied"]},
        ),
        ({"nps": "q11"}, {"nps": ["read from another column"]}),
        (
            {"outcomes": {"again": {"column": "back", "yes": ["y", "yes"], "no": ["n"]}}},
            {"again": ["other answers count as yes or no"]},
        ),
        ({"index": {"formula": "of_maximum"}}, {"index": ["another formula"]}),
        ({"index": {"source": "dimensions"}}, {"index": ["another formula"]}),
        ({"labels": {"q1": "How fast"}, "thresholds": {"index": 80}}, {}),
        ({"dimensions": {"Speed": ["q1", "q2"], "Price": ["q4"]}}, {}),
    ],
)
def test_what_is_measured_otherwise_does_not_compare(
    new: dict[str, Any], why: dict[str, list[str]]
) -> None:
    found = changed(new)
    assert broken(found) == why
    assert not set(found.comparable) & set(why)
    back = changed({}, new)
    assert broken(back) == why and back.comparable == found.comparable


def test_an_index_of_dimensions_rests_on_all_of_them() -> None:
    source = {"index": {"source": "dimensions"}}
    other = {"dimensions": {"Speed": ["q1", "q2"], "Price": ["q4"]}}
    assert broken(changed(source | other, source)) == {"index": ["other items"]}


@pytest.mark.parametrize(
    ("new", "items"),
    [
        ({"dimensions": {"Speed": ["q1"], "Staff": ["q3", "q2"]}}, ("q1", "q2", "q3")),
        ({"dimensions": {"Speed": ["q1", "q4"], "Staff": ["q3"]}}, ("q1", "q3")),
        ({"reversed": ["q1"]}, ("q2", "q3")),
        ({"scale": {"low": 0}}, ()),
    ],
)
def test_an_item_stays_comparable_wherever_it_stands(
    new: dict[str, Any], items: tuple[str, ...]
) -> None:
    assert changed(new).items == items


def test_keys_that_decide_answers_and_verdicts_are_named() -> None:
    found = changed(
        {
            "missing": ["", "99"],
            "scale": {"not_applicable": ["8"]},
            "thresholds": {"index": 80},
            "targets": [{"name": "goal", "metric": "nps", "target": 25}],
            "title": "B",
        }
    )
    assert found.selection == ("missing", "scale.not_applicable")
    assert found.verdicts == ("targets.goal.target", "thresholds.index")
