"""Which design is chosen, and what is said of it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csat_stats.effects import StudyDesign, choose_design

ORDER = ["difference_in_differences", "interrupted_time_series", "panel", "independent_waves"]
TWO_WAVES: dict[str, Any] = {"n_waves": 2, "n_before": 300, "n_after": 280}


def possible(design: StudyDesign) -> list[str]:
    return [str(name) for name in design.table["design"][design.table["possible"]]]


def notes(design: StudyDesign) -> list[str]:
    return [str(note) for note in design.notes]


@pytest.mark.parametrize(
    ("facts", "designs"),
    [
        ({}, ["independent_waves"]),
        ({"panel_customers": 139}, ["independent_waves"]),
        ({"panel_customers": 140}, ["panel", "independent_waves"]),
        ({"n_before": 40, "n_after": 40, "panel_customers": 29}, ["independent_waves"]),
        (
            {"n_periods_before": 5, "n_periods_after": 3},
            ["interrupted_time_series", "independent_waves"],
        ),
        ({"n_periods_before": 4, "n_periods_after": 3}, ["independent_waves"]),
        ({"n_periods_before": 12, "n_periods_after": 2}, ["independent_waves"]),
        ({"n_control_before": 100, "n_control_after": 1}, ["independent_waves"]),
        (
            {
                "n_control_before": 90,
                "n_control_after": 80,
                "n_periods_before": 9,
                "n_periods_after": 9,
                "panel_customers": 250,
            },
            ORDER,
        ),
    ],
)
def test_the_strongest_possible_is_chosen(facts: dict[str, int], designs: list[str]) -> None:
    design = choose_design(**TWO_WAVES | facts)
    assert possible(design) == designs and design.chosen == designs[0]
    assert design.table["design"].tolist() == ORDER
    why = design.table["why"][ORDER.index(designs[0])]
    assert str(design.reason) == (f"Of the designs that are possible this is the strongest. {why}")
    assert notes(design) == [] and design.not_estimable is None


def test_what_is_said_of_each_design() -> None:
    design = choose_design(**TWO_WAVES, panel_customers=60, n_periods_before=6, n_periods_after=1)
    assert [str(why) for why in design.table["why"]] == [
        "There is no control group with two answers in both waves: 0 before and 0 after.",
        "There are 6 periods before and 1 after the action; a series needs 8, 3 of them on either "
        "side.",
        "60 customers answered twice, 21% of the smaller wave; a panel needs 30 and 50%.",
        "There are 2 waves, with 300 answers before and 280 after the action.",
    ]
    assert list(design.would_be_causal) == ORDER
    for text in design.would_be_causal.values():
        assert str(text).startswith("It would show a cause if ")
    assert design.n_used == 580
    plain = json.loads(json.dumps(design.to_dict()))
    assert plain["would_be_causal"]["panel"] == str(design.would_be_causal["panel"])
    assert plain["table"][3]["possible"] is True


def test_a_control_group_of_five() -> None:
    design = choose_design(**TWO_WAVES, n_control_before=5, n_control_after=60)
    assert design.chosen == "difference_in_differences"
    assert str(design.table["why"][0]) == (
        "A control group answered in both waves: 5 before and 60 after."
    )
    assert notes(design) == [
        "The control group has 5 answers in one of the waves: a few unusual customers decide the "
        "result, and its interval will be wide."
    ]
    assert design.n_used == 645


def test_a_small_wave() -> None:
    design = choose_design(n_waves=2, n_before=12, n_after=300)
    assert notes(design) == ["One of the waves has 12 answers only: the interval will be wide."]


def test_an_action_after_the_last_answer() -> None:
    dates: dict[str, Any] = {
        "action_date": datetime.date(2025, 6, 1),
        "last_date": datetime.date(2025, 5, 31),
    }
    design = choose_design(**TWO_WAVES, **dates, n_periods_before=9, n_periods_after=3)
    assert design.chosen is None and design.reason is None and possible(design) == []
    assert str(design.not_estimable) == (
        "The action is dated 2025-06-01, after the last answer of 2025-05-31: nothing can be shown "
        "yet."
    )
    same_day = dates | {"action_date": datetime.date(2025, 5, 31)}
    assert choose_design(**TWO_WAVES, **same_day).chosen == "independent_waves"


def test_one_wave() -> None:
    for n_waves, n_before, n_after in ((1, 300, 0), (2, 300, 1), (0, 0, 0)):
        design = choose_design(n_waves=n_waves, n_before=n_before, n_after=n_after)
        assert design.chosen is None and design.notes == ()
        assert str(design.not_estimable) == (
            "No comparison is possible: that takes two waves with two answers each, or a series of "
            "periods before and after the action."
        )
    series = choose_design(n_waves=1, n_before=90, n_after=0, n_periods_before=9, n_periods_after=9)
    assert series.chosen == "interrupted_time_series" and series.notes == ()


COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_more_of_anything_never_weakens_the_design(
    before: int, after: int, control: int, early: int, late: int, panel: int
) -> None:
    facts: dict[str, Any] = {
        "n_before": before + panel,
        "n_after": after + panel,
        "panel_customers": panel,
        "n_control_before": control,
        "n_control_after": control,
        "n_periods_before": early,
        "n_periods_after": late,
    }
    rank = len(possible(choose_design(n_waves=2, **facts)))
    for name in ("n_control_after", "n_periods_before", "n_periods_after"):
        more = choose_design(n_waves=2, **facts | {name: facts[name] + 5})
        assert len(possible(more)) >= rank
    design = choose_design(n_waves=2, **facts)
    assert (design.chosen is None) == (design.not_estimable is not None)


def test_wrong_use() -> None:
    with pytest.raises(ValueError) as error:
        choose_design(n_waves=2, n_before=-1, n_after=5)
    assert str(error.value) == "n_before is -1: a number of 0 or more is needed"
    with pytest.raises(ValueError) as error:
        choose_design(**TWO_WAVES, panel_customers=281)
    assert str(error.value) == "panel_customers is 281: the smaller wave has 280 answers"
