"""Changes between waves and groups beside R and published examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import data_set, items_of, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits, same
from csat_stats import effects

R = "R 4.2.2 "
SCALES = {"Agree": "A", "Consc": "C", "Extra": "E", "Neuro": "N", "Open": "O"}


def comparisons() -> Iterator[Comparison]:
    figures: Any
    name, test = "effects.before_after", f"{R}`t.test`, `wilcox.test`, effectsize 0.8.3 `hedges_g`"
    noncentral = f"{R}`uniroot` on `pt(ncp=)`"
    search = "R effectsize 0.8.3 `hedges_g`, limits (stops its search early)"
    for data, figures in (("Student's sleep", sleep), ("airline_sample, Cleanliness", airline)):
        yield Comparison(name, data, test, figures)
    ranks = f"{test} (no ranks)"
    yield Comparison(name, "psych_bfi by gender, 5 scales", ranks, traits)
    yield Comparison(name, "Student's sleep", noncentral, sleep_sizes)
    for data, figures in [
        ("Student's sleep", sleep_limits),
        ("airline_sample, Cleanliness", partial(searched, "airline")),
        ("psych_bfi by gender, 5 scales", partial(searched, "bfi")),
    ]:
        yield Comparison(name, data, search, figures, "iterative")
    panel = f"{name}, panel"
    yield Comparison(panel, "Student's sleep", test, sleep_panel)
    yield Comparison(panel, "12 typed pairs, ties", f"{test}; `uniroot` on `pt(ncp=)`", tied)
    call = f"{R}`prop.test(correct=FALSE)`, effectsize 0.8.3 `cohens_h`"
    yield Comparison(f"{name}, shares", "48 of 80, 56 of 70", call, shares)
    call = f"{R}`binom.test`, Newcombe's formula"
    yield Comparison(f"{name}, shares, panel", "typed tables", call, paired_shares)
    for key, kind in (("independent", "shares"), ("paired", "shares, panel")):
        call, figures = "Newcombe 1998, printed to 4 decimals", partial(newcombe, key)
        yield Comparison(f"{name}, {kind}", "his examples", call, figures, "rounded", True)
    call = f'{R}`t.test`, `p.adjust("holm")`'
    yield Comparison("effects.compare_waves", "psych_bfi by gender, 5 scales", call, waves)
    waves_of = "Student's sleep, typed weights"
    call = "R survey 4.1-1 `svyby(covmat=TRUE)`, `svycontrast`; Welch's df"
    yield Comparison(f"{name}, weighted", waves_of, call, weighted)
    yield Comparison("effects.compare_waves, weighted", waves_of, call, weighted_columns)
    call = "R survey 4.1-1 `svymean` of the changes, `confint(df=)`"
    yield Comparison(f"{panel}, weighted", waves_of, call, weighted_panel)
    for kind, call in (
        ("means", "`power.t.test(tol=1e-13)`, `uniroot` on `pt(ncp=)`"),
        ("shares", "`power.prop.test`, `uniroot` on the power of the test"),
    ):
        call, figures = f"{R}{call}", partial(detectable, kind)
        yield Comparison(f"{name}, detectable", f"made {kind}", call, figures)


def _turned(result: Any, prefix: str, expected: Any) -> Iterable[Figure]:
    """Limits of after − before, where R takes the first group minus the second."""
    yield f"{prefix}_low", -getattr(result, f"{prefix}_high"), expected[0]
    yield f"{prefix}_high", -getattr(result, f"{prefix}_low"), expected[1]


def _independent(change: Any, expected: Mapping[str, Any], ranks: bool = True) -> Iterable[Figure]:
    yield "n", [change.n_before, change.n_after], expected["n"]
    yield "before_mean, after_mean", [change.before_mean, change.after_mean], expected["means"]
    welch = expected["welch"]
    yield from _turned(change, "conf", welch["ci95"])
    yield "statistic", -change.statistic, welch["t"]
    yield from fields(change, welch, {"df": "df", "p_value": "p"})
    yield "effect_size", -change.effect_size, expected["hedges_g"]["g"]
    if ranks:
        yield "p_rank", change.p_rank, expected["mann_whitney"]["p_continuity"]


def _sleep(paired: bool = False) -> Any:
    data = oracle("effects")["sleep_data"]
    waves = (pd.Series(data[name]) for name in ("drug1", "drug2"))
    return effects.before_after(*waves, paired=paired)


def sleep() -> Iterable[Figure]:
    return _independent(_sleep(), oracle("effects")["sleep_indep"])


def sleep_panel() -> Iterable[Figure]:
    change, expected = _sleep(paired=True), oracle("effects")["sleep"]
    means = [expected["mean_x"], expected["mean_y"]]
    yield "before_mean, after_mean", [change.before_mean, change.after_mean], means
    yield from _turned(change, "conf", expected["ci95"])
    yield "statistic", -change.statistic, expected["t"]
    yield from fields(change, expected, {"df": "df", "p_value": "p"})
    yield "p_rank", change.p_rank, expected["wilcoxon"]["p_continuity"]
    yield "effect_size", -change.effect_size, expected["effectsize_g"]


def sleep_sizes() -> Iterable[Figure]:
    reference = oracle("effects")
    yield from _turned(_sleep(), "effect_size", reference["sleep_indep"]["g_ci_exact"])
    yield from limits(_sleep(paired=True), reference["sleep"]["hedges_gz_ci"], "effect_size")


def sleep_limits() -> Iterable[Figure]:
    reference = oracle("effects")
    yield from _turned(_sleep(), "effect_size", reference["sleep_indep"]["hedges_g"]["ci95"])
    yield from limits(_sleep(paired=True), reference["sleep"]["effectsize_g_ci"], "effect_size")


def _airline() -> Any:
    women = data_set("airline_sample")["Gender"] == "Female"
    rating = items_of("airline_sample", ["Cleanliness"])["Cleanliness"]
    return effects.before_after(rating[women], rating[~women])


def _genders() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scales of psych_bfi of the two genders, means of the items answered."""
    gender = data_set("psych_bfi")["gender"]
    scales = {
        name: items_of("psych_bfi", [f"{stem}{i}" for i in range(1, 6)]).mean(axis=1)
        for name, stem in SCALES.items()
    }
    frame = pd.DataFrame(scales)
    return frame[gender == 1], frame[gender == 2]


def airline() -> Iterable[Figure]:
    return _independent(_airline(), oracle("effects")["airline_gender_cleanliness"])


def traits() -> Iterable[Figure]:
    first, second = _genders()
    for scale in SCALES:
        change = effects.before_after(first[scale], second[scale])
        # Means equal on paper differ in the last bit of two programs' sums, and so in rank.
        yield from _independent(change, oracle("effects")["bfi_gender"][scale], ranks=False)


def searched(name: str) -> Iterable[Figure]:
    reference = oracle("effects")
    if name == "airline":
        cases = [(_airline(), reference["airline_gender_cleanliness"])]
    else:
        first, second = _genders()
        cases = [
            (effects.before_after(first[s], second[s]), reference["bfi_gender"][s]) for s in SCALES
        ]
    for change, expected in cases:
        yield from _turned(change, "effect_size", expected["hedges_g"]["ci95"])


def tied() -> Iterable[Figure]:
    expected = oracle("effects")["wilcoxon_zero_ties"]
    pair = (pd.Series(expected[name]) for name in ("before", "after"))
    change = effects.before_after(*pair, paired=True)
    names = {"estimate": "estimate", "statistic": "t", "df": "df", "p_value": "p"}
    yield from fields(change, expected, names | {"p_rank": "p_rank", "effect_size": "g"})
    yield from limits(change, expected["ci"])
    yield from limits(change, expected["g_ci"], "effect_size")


def _share(successes: int, n: int) -> pd.Series:
    return pd.Series([1] * successes + [0] * (n - successes))


def _cells(both: int, before: int, after: int, neither: int) -> tuple[pd.Series, pd.Series]:
    """Paired 0/1 answers with these frequencies."""
    counts = [both, before, after, neither]
    return pd.Series(np.repeat([1, 1, 0, 0], counts)), pd.Series(np.repeat([1, 0, 1, 0], counts))


def shares() -> Iterable[Figure]:
    expected = oracle("effects")["shares_independent"]
    waves = _share(*expected["before"]), _share(*expected["after"])
    change = effects.before_after(*waves)
    names = {"statistic": "z", "p_value": "p_value", "effect_size": "h"}
    yield from fields(change, expected, names)
    yield from limits(change, expected["ci"])
    yield from limits(change, expected["h_ci"], "effect_size")
    yield from limits(effects.before_after(*waves, conf_level=0.9), expected["ci90"])


def paired_shares() -> Iterable[Figure]:
    for expected in oracle("effects")["shares_paired"]["cases"]:
        change = effects.before_after(*_cells(*expected["cells"]), paired=True)
        yield from fields(change, expected, {"p_value": "p_value", "effect_size": "h"})
        yield from limits(change, expected["ci"])


def newcombe(key: str) -> Iterable[Figure]:
    for case in oracle("effects")[f"newcombe_{key}"]["cases"]:
        if key == "paired":
            both, first, second, neither = case["cells"]
            change = effects.before_after(*_cells(both, second, first, neither), paired=True)
        else:
            change = effects.before_after(_share(*case["second"]), _share(*case["first"]))
        yield from limits(change, (case["low"], case["high"]))


def waves() -> Iterable[Figure]:
    reference = oracle("effects")
    table = effects.compare_waves(*_genders()).table.set_index("column")
    yield "p_holm", table["p_holm"], [reference["holm"]["bfi"][scale] for scale in table.index]
    for scale, row in table.iterrows():
        expected = reference["bfi_gender"][scale]
        yield "before, after", row[["before", "after"]], expected["means"]
        yield from _turned(row, "conf", expected["welch"]["ci95"])
        yield "effect_size", -row["effect_size"], expected["hedges_g"]["g"]
        yield "p_value", row["p_value"], expected["welch"]["p"]
        yield "n_before, n_after", row[["n_before", "n_after"]], expected["n"]


# --- weights, and what could have been shown


def _weights() -> tuple[tuple[pd.Series, pd.Series], pd.Series, pd.Series, Mapping[str, Any]]:
    reference = oracle("effects")
    drugs = tuple(pd.Series(reference["sleep_data"][name]) for name in ("drug1", "drug2"))
    expected = reference["weighted"]
    first, second = (pd.Series(expected[f"weights_{wave}"]) for wave in ("before", "after"))
    return drugs, first, second, expected  # type: ignore[return-value]


def weighted() -> Iterable[Figure]:
    drugs, first, second, expected = _weights()
    change = effects.before_after(*drugs, weights_before=first, weights_after=second)
    names = same("estimate", "std_error", "df") | {"p_value": "p"}
    yield from fields(change, expected, names)
    yield from limits(change, expected["ci"])
    for field, ours, theirs in columns(
        change.table, expected, {"mean": "means", "std_error": "ses"}
    ):
        yield f"table.{field}", ours, theirs


def weighted_columns() -> Iterable[Figure]:
    drugs, first, second, expected = _weights()
    frames = (pd.DataFrame({"hours": drug}) for drug in drugs)
    table = effects.compare_waves(*frames, weights_before=first, weights_after=second).table
    row = table.iloc[0]
    yield "table.before, after", row[["before", "after"]], expected["means"]
    yield "table.conf_low, conf_high", row[["conf_low", "conf_high"]], expected["ci"]
    yield "table.p_value, p_holm", row[["p_value", "p_holm"]], [expected["p"]] * 2


def weighted_panel() -> Iterable[Figure]:
    drugs, first, _, _ = _weights()
    expected = oracle("effects")["weighted_panel"]
    change = effects.before_after(*drugs, paired=True, weights_before=first)
    yield from fields(change, expected, same("estimate", "std_error") | {"p_value": "p"})
    yield from limits(change, expected["ci"])


def _with_moments(n: int, sd: float) -> pd.Series:
    """n answers with mean 0 and this standard deviation."""
    ranks = np.arange(n) - (n - 1) / 2
    return pd.Series(ranks * sd / ranks.std(ddof=1))


def detectable(kind: str) -> Iterable[Figure]:
    if kind == "means":
        twelve, wave = _with_moments(12, 2), _with_moments(25, 1.3)
        panel = _with_moments(40, 1)
        changes = {
            "equal": effects.before_after(wave, wave),
            "unequal": effects.before_after(_with_moments(30, 1.2), _with_moments(90, 0.8)),
            "equal_99": effects.before_after(twelve, twelve, conf_level=0.99),
            "panel": effects.before_after(panel, panel + _with_moments(40, 0.9), paired=True),
        }
    else:
        waves = _share(60, 100), _share(62, 100)
        changes = {
            "share_equal": effects.before_after(*waves),
            "share_fall": effects.before_after(*waves, target=0.5),
            "share_unequal": effects.before_after(_share(48, 80), _share(40, 70)),
            "share_panel": effects.before_after(*_cells(20, 10, 5, 25), paired=True),
        }
    expected = oracle("effects")["detectable"]
    for name, change in changes.items():
        yield "detectable", change.detectable, expected[name]
