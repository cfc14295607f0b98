"""What every statistic returns: sentences, the rules of a result, and its three outputs."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import math
import pkgutil
from dataclasses import FrozenInstanceError, dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

import csat_stats
from csat_stats import display, reliability
from csat_stats.report import tables
from csat_stats.report.html import clean
from csat_stats.results import Message, Result, message, typeset

METHOD = message("Mean of {k} items.", k=2)


@dataclass(frozen=True, kw_only=True)
class Example(Result):
    p_value: float | None = None
    design: str = "panel"
    weights: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)


# --- sentences ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "value", "shown"),
    [
        ("{:.1f}", -2.04, "−2.0"),
        ("{:+.1f}", -0.04, "0.0"),
        ("{:+.1f}", 0.04, "+0.0"),
        ("{:.1%}", -0.125, "−12.5%"),
        ("{:,d}", -1200, "−1,200"),
        ("{}", "-a", "-a"),
    ],
)
def test_figures_have_a_true_minus_sign_and_zero_has_none(
    pattern: str, value: Any, shown: str
) -> None:
    assert typeset(pattern, value) == shown


def test_a_message_is_translated_with_the_messages_in_it() -> None:
    words = {"{who} left: {n}.": "{n} 人离开：{who}。", "Customers": "客户"}
    text = message("{who} left: {n}.", who=message("Customers"), n=-3)
    assert str(text) == "Customers left: −3."
    assert text.render(lambda source: words.get(source, source)) == "−3 人离开：客户。"


def test_a_value_may_be_called_text() -> None:
    assert str(message("Read as {text}.", text="UTF-8")) == "Read as UTF-8."


def test_braces_in_values_are_left_alone() -> None:
    assert str(message("{name} is empty.", name="{0} {name}")) == "{0} {name} is empty."


def test_messages_are_values() -> None:
    assert message("a {n}", n=1) == message("a {n}", n=1) != message("a {n}", n=2)
    with pytest.raises(FrozenInstanceError):
        message("a").text = "b"  # type: ignore[misc]


# --- the rules of a result ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["estimate", "conf_low", "conf_high"])
def test_a_figure_is_never_nan(name: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Example(n_used=3, method=METHOD, **{name: math.nan})
    assert str(refusal.value) == f"Example.{name} is NaN: say not_estimable instead"


def test_a_result_cannot_be_changed_and_gives_its_table_away_as_a_copy() -> None:
    result = Example(n_used=3, method=METHOD, table=pd.DataFrame({"n": [1]}))
    with pytest.raises(FrozenInstanceError):
        result.estimate = 1.0  # type: ignore[misc]
    frame = result.to_frame()
    frame.loc[0, "n"] = 9
    assert result.table["n"].tolist() == [1]


def test_every_result_of_the_package_is_frozen_and_keyword_only() -> None:
    for module in pkgutil.walk_packages(csat_stats.__path__, "csat_stats."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind: type) -> list[type]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    found = [kind for kind in below(Result) if kind.__module__.startswith("csat_stats.")]
    assert len(found) > 15
    for kind in found:
        options = kind.__dataclass_params__  # type: ignore[attr-defined]
        assert options.frozen and "__dict__" not in getattr(kind, "__slots__", ()), kind
        assert kind.__match_args__ == (), f"{kind.__name__} takes values by position"


# --- as plain data --------------------------------------------------------------------------------


def test_a_dict_of_a_result_is_json() -> None:
    frame = pd.DataFrame(
        {
            "item": ["q1", "甲"],
            "n": pd.array([1, None], dtype="Int64"),
            "estimate": [0.5, np.nan],
            "wave": pd.Categorical(["a", None]),
            "kept": [True, False],
        }
    )
    result = Example(
        estimate=float(np.float64(0.25)),
        n_used=2,
        method=METHOD,
        notes=(message("Kept {n}.", n=1),),
        p_value=0.5,
        table=frame,
        weights=frame[["n"]],
    )
    data = result.to_dict()
    assert json.loads(json.dumps(data, allow_nan=False, ensure_ascii=False)) == {
        "estimate": 0.25,
        "conf_low": None,
        "conf_high": None,
        "conf_level": 0.95,
        "n_used": 2,
        "n_dropped": 0,
        "method": "Mean of 2 items.",
        "notes": ["Kept 1."],
        "not_estimable": None,
        "table": [
            {"item": "q1", "n": 1, "estimate": 0.5, "wave": "a", "kept": True},
            {"item": "甲", "n": None, "estimate": None, "wave": None, "kept": False},
        ],
        "p_value": 0.5,
        "design": "panel",
        "weights": [{"n": 1}, {"n": None}],
    }


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.array([1.5, np.nan]), [1.5, None]),
        (pd.Series([1.0], index=["a"]), {"a": 1.0}),
        (pd.Timestamp("2026-09-30"), "2026-09-30T00:00:00"),
        (pd.NaT, None),
        ({1: (2, message("b"))}, {"1": [2, "b"]}),
        (math.inf, None),
        (pd.NA, None),
        (dt.date(2026, 9, 30), "2026-09-30"),
    ],
)
def test_any_value_becomes_plain(value: Any, plain: Any) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Holder(Result):
        value: Any

    found = Holder(n_used=1, method=METHOD, value=value).to_dict()["value"]
    assert found == plain
    json.dumps(found, allow_nan=False)


# --- as a notebook shows it -----------------------------------------------------------------------


class Page(HTMLParser):
    """Tags with their classes and scopes, and the text outside the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._style = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style and data.strip():
            self.texts.append(data.strip())


RESULT = Example(
    estimate=-2.5,
    conf_low=-4.125,
    conf_high=-0.875,
    conf_level=0.9,
    n_used=1212,
    n_dropped=30,
    method=METHOD,
    notes=(message("One <b>note</b>."),),
    p_value=0.0004,
    weights=pd.DataFrame({"w": [1.0, 2.0]}),
    table=pd.DataFrame(
        {
            "item": ["<script>alert(1)</script>", "甲"],
            "estimate": [-3.25, np.nan],
            "conf_low": [-10.5, np.nan],
            "p_value": [0.0123, np.nan],
            "n": [1200, 3],
        }
    ),
)


def test_a_result_is_shown_with_interval_base_table_and_method() -> None:
    assert Page(RESULT._repr_html_()).texts == [
        "Example: −2.50, 90% interval [−4.12, −0.88], n = 1,212 (30 dropped)",
        "p_value < .001 · design panel · weights 2 × 1",
        *("item", "estimate", "conf_low", "p_value", "n"),
        *("<script>alert(1)</script>", "−3.2", "−10.5", ".012", "1,200"),
        *("甲", "–", "–", "–", "3"),
        "Mean of 2 items. One <b>note</b>.",
    ]


def test_what_cannot_be_estimated_is_said_in_words() -> None:
    result = replace(
        RESULT,
        estimate=None,
        conf_low=None,
        conf_high=None,
        p_value=None,
        not_estimable=message("{n} rows are too few.", n=1),
        table=pd.DataFrame(),
    )
    assert Page(result._repr_html_()).texts[0] == "Example: not estimable. 1 rows are too few."


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"conf_low": None}, "Example: −2.50, n = 1,212 (30 dropped)"),
        ({"estimate": None, "n_dropped": 0}, "Example: n = 1,212"),
        (
            {"conf_high": math.inf},
            "Example: −2.50, 90% interval [−4.12, ∞], n = 1,212 (30 dropped)",
        ),
    ],
)
def test_a_headline_says_what_there_is(changes: dict[str, Any], headline: str) -> None:
    assert Page(replace(RESULT, **changes)._repr_html_()).texts[0] == headline


def test_a_table_is_marked_up_as_in_the_report() -> None:
    """Same tags, classes and scopes as the report's own tables, less great-tables' extras."""
    frame = RESULT.to_frame()[["item", "n"]]
    shown = frame.assign(n=["1,200", "3"])
    report = clean(tables.to_html(shown, ["n"]))

    def outline(source: str) -> list[tuple[str, set[str], str | None]]:
        names = {"gt_left", "gt_right", "gt_row", "gt_col_heading", "gt_table"}
        return [
            (tag, names & set((found.get("class") or "").split()), found.get("scope"))
            for tag, found in Page(source).tags
            if tag not in ("div", "p", "style")
        ]

    assert outline(display.table(frame)) == outline(report)


def test_nothing_of_the_data_becomes_markup() -> None:
    frame = pd.DataFrame({"<i>a</i>": ["<b>x</b>"], "n": [1]})
    result = replace(RESULT, table=frame, design="<u>y</u>", method=message("<s>z</s>"))
    tags = {tag for tag, _ in Page(result._repr_html_()).tags}
    assert tags == {"div", "style", "p", "table", "thead", "tbody", "tr", "th", "td"}


def test_the_style_touches_nothing_else_of_a_notebook() -> None:
    style = RESULT._repr_html_().partition("<style>")[2].partition("</style>")[0]
    rules = [rule for rule in style.strip().splitlines() if rule]
    assert all(rule.startswith((".csat-result ", "div.csat-result ")) for rule in rules)
    assert len(style) < 1000 and "http" not in style


def test_a_result_left_in_a_notebook_is_clean_in_the_report() -> None:
    page = clean(RESULT._repr_html_())
    assert "border-collapse" not in page
    assert Page(page).texts == Page(RESULT._repr_html_()).texts


def test_a_long_table_is_cut_and_says_so() -> None:
    page = display.table(pd.DataFrame({"n": range(1500)}))
    assert page.count("<tr>") == 20
    assert Page(page).texts[-1] == "The first 20 of 1,500 rows."


@pytest.mark.parametrize(
    ("figures", "shown"),
    [
        ([68.54, 2.0], ["68.5", "2.0"]),
        ([3.527, None], ["3.53", "–"]),
        ([0.8341, 0.01], ["0.834", "0.010"]),
        ([0.00123], ["0.00123"]),
        ([0.0000123], ["1.23e-05"]),
        ([1234.5], ["1,234.5"]),
        ([12.0, 3.0], ["12", "3"]),
        ([math.inf, 2.5], ["∞", "2.50"]),
        ([math.nan], ["–"]),
    ],
)
def test_figures_that_stand_together_share_their_digits(
    figures: list[float | None], shown: list[str]
) -> None:
    pattern = display.pattern_of(figures)
    assert [display.number(figure, pattern) for figure in figures] == shown


@pytest.mark.parametrize(
    ("p", "shown"),
    [(0.0004, "< .001"), (0.001, ".001"), (0.0126, ".013"), (1.0, "1.000"), (None, "–")],
)
def test_p_values_have_three_digits_and_no_leading_zero(p: float | None, shown: str) -> None:
    assert display.p_value(p) == shown


def test_a_real_result_shows_its_own_figures() -> None:
    answers = pd.DataFrame({"q1": [1, 2, 3, 4, 5, 3], "q2": [1, 3, 3, 5, 4, 2]})
    texts = Page(reliability.cronbach_alpha(answers)._repr_html_()).texts
    assert texts[0].startswith("CronbachAlpha: 0.889, 95% interval [")
    assert "k 2" in texts[1] and "alpha_if_deleted" in texts
    assert isinstance(message("a"), Message)
