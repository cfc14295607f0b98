"""Shares, means, index, NPS, groups, crosstabs and ranks beside R."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from references import NotHere, data_set, items_of, oracle

from benchmarks.accuracy.comparison import Comparison, Figure, columns, fields, limits, same
from csat_stats import satisfaction

R, SURVEY = "R 4.2.2 ", "R survey 4.1-1 "
ALL = {"minimum_base": 0, "caution_base": 0}
STEMS = {"Image": "IMAG", "Expectation": "CUEX", "Quality": "PERQ", "Value": "PERV"}
STEMS |= {"Satisfaction": "CUSA"}
SETS = {"made": "made answers (n = 115)", "airline": "airline_sample"}
PAIR = ["estimate", "std_error", "conf_low", "conf_high", "statistic", "df", "p_value"]


def comparisons() -> Iterator[Comparison]:
    figures: Any
    t_test, wilson = f"{R}`t.test`", f"{R}`prop.test(correct=FALSE)`"
    adjusted = f"{R}base: Wald and adjusted Wald (Rocks 2016)"
    plain = [
        ("mean_score", "airline_sample, 14 items", t_test, means),
        ("top_box", "airline_sample, 14 items; ecsi_mobi CUSA1", wilson, top_boxes),
        ("index_score", "ecsi_mobi CUSA1", t_test, indices),
        ("distribution", "airline_sample, 14 items", f"{R}`table`", distributions),
        ("rank_dimensions", "airline_sample, 14 items", t_test, ranked_dimensions),
        ("by_segment", "airline_sample by Class", wilson, segments),
        ("dimension_scores", "ecsi_mobi, 5 scales", f"{R}`rowMeans`", dimensions),
        ("nps", "ecsi_mobi CUSL1, its counts", adjusted, promoters),
        ("nps_difference", "ecsi_mobi CUSL1, its counts, less others", adjusted, nps_differences),
        ("holm", "8 typed p values", f'{R}`p.adjust("holm")`', holm),
    ]
    for statistic, data, reference, figures in plain:
        yield Comparison(f"satisfaction.{statistic}", data, reference, figures)
    mean = f"{SURVEY}`svymean`, `svyvar`, `confint(df=degf)`"
    kish = f"{SURVEY}`svymean`, `prop.test(p * neff, neff, correct=FALSE)`"
    pairs = f'{R}`t.test`, `p.adjust("holm")`'
    weighted_pairs = f'{SURVEY}`svymean` of each group, `p.adjust("holm")`'
    chi = f"{R}`chisq.test(correct=FALSE)`, `uniroot` on `pchisq(ncp)`, effectsize 0.8.3"
    epsilon = f"{R}`kruskal.test`, effectsize 0.8.3 `rank_epsilon_squared`"
    ranks = f"{SURVEY}`svyranktest`; `svyglm` of the weighted mid-ranks"
    for name, data in SETS.items():
        for statistic, reference, figures in [
            ("mean_score, weighted", mean, weighted_means),
            ("index_score, weighted", mean, weighted_indices),
            ("top_box, weighted", kish, weighted_shares),
            ("nps, weighted", f"{mean}; adjusted in base R", weighted_promoters),
            ("nps_difference, weighted", f"{mean}; adjusted in base R", weighted_differences),
            ("distribution, weighted", f"{SURVEY}`svymean(~factor(q))`", weighted_distribution),
            ("rank_dimensions, weighted", mean, weighted_dimensions),
            ("by_segment, weighted", f"{mean}; {kish}", weighted_segments),
            ("cross_means, weighted", mean, weighted_cells),
            ("compare_groups", epsilon, kruskal),
            ("compare_groups, pairs", pairs, partial(group_pairs, False)),
            ("compare_groups, weighted", ranks, rank_test),
            ("compare_groups, weighted pairs", weighted_pairs, partial(group_pairs, True)),
            ("crosstab", chi, crossed),
            ("crosstab, weighted", f'{SURVEY}`svychisq("F")`, `svymean`', weighted_crossed),
        ]:
            yield Comparison(f"satisfaction.{statistic}", data, reference, partial(figures, name))
        early = "R effectsize 0.8.3 `cramers_v` (stops its search early)"
        yield Comparison(
            "satisfaction.crosstab", data, early, partial(cramer, name), "rounded", True
        )
    bayes = f'{R}`pt`, `p.adjust`; metafor 3.8-1 `rma(method="PM")`, `blup`'
    yield Comparison("satisfaction.rank_units", "made answers, 9 units", bayes, units)


# --- without weights


def _answers(counts: list[int]) -> pd.Series:
    """The answers 1, 2, … as often as counted."""
    return pd.Series(np.repeat(np.arange(1, len(counts) + 1), counts))


def _airline() -> Iterator[tuple[pd.Series, Mapping[str, Any]]]:
    """Each rating with R's figures of it; from its counts where the data are not here."""
    for name, expected in oracle("satisfaction")["airline_items"]["items"].items():
        try:
            scores = items_of("airline_sample", [name])[name]
        except NotHere:
            scores = _answers(expected["counts"])
        yield scores.rename(name), expected


def _mobi() -> tuple[pd.Series, Mapping[str, Any]]:
    expected = oracle("satisfaction")["mobi_CUSA1"]
    return _answers(expected["counts"]), expected


def _spread(result: Any, expected: Mapping[str, Any]) -> Iterable[Figure]:
    """Estimate, standard deviation and error, and effective n, by R's names."""
    names = {"mean": "estimate", "sd": "std_dev", "se": "std_error", "neff": "n_effective"}
    given = {ours: theirs for theirs, ours in names.items() if theirs in expected}
    yield from fields(result, expected, given)
    for level in ("ci", "ci95"):
        if level in expected:
            yield from limits(result, expected[level])


def means() -> Iterable[Figure]:
    for scores, expected in _airline():
        yield from _spread(satisfaction.mean_score(scores), expected)
        yield from limits(satisfaction.mean_score(scores, conf_level=0.9), expected["ci90"])


def top_boxes() -> Iterable[Figure]:
    cases = [(scores, 4, expected) for scores, expected in _airline()]
    for scores, start, expected in [*cases, (_mobi()[0], 9, _mobi()[1])]:
        result, top2 = satisfaction.top_box(scores, start), expected["top2"]
        yield from fields(result, top2, {"n_satisfied": "k", "estimate": "p"})
        yield from limits(result, top2["wilson95"])


def indices() -> Iterable[Figure]:
    scores, expected = _mobi()
    for formula in ("range", "of_maximum"):
        result = satisfaction.index_score(scores, low=1, high=10, formula=formula)
        yield from _spread(result, expected[f"index_{formula}"])


def distributions() -> Iterable[Figure]:
    for scores, expected in _airline():
        table = satisfaction.distribution(scores.to_frame(), range(1, 6)).table
        yield "table.n", table["n"], expected["counts"]
        yield "table.share", table["share"], np.array(expected["counts"]) / expected["n"]


def ranked_dimensions() -> Iterable[Figure]:
    expected = {scores.name: values for scores, values in _airline()}
    frame = pd.DataFrame({scores.name: scores for scores, _ in _airline()})
    for row in satisfaction.rank_dimensions(frame).table.itertuples():
        yield from fields(row, expected[row.dimension], {"n": "n", "estimate": "mean"})
        yield from limits(row, expected[row.dimension]["ci95"])


def segments() -> Iterable[Figure]:
    levels = oracle("satisfaction")["airline_by_class"]["levels"]
    rows = [(name, i < v["k"]) for name, v in levels.items() for i in range(v["n"])]
    frame = pd.DataFrame(rows, columns=["class", "yes"])
    share = partial(satisfaction.top_box, satisfied_from=1)
    for row in satisfaction.by_segment(frame, "class", share, "yes").table.itertuples():
        yield from fields(row, levels[row.level], {"n": "n", "estimate": "p"})
        yield from limits(row, levels[row.level]["wilson95"])


def dimensions() -> Iterable[Figure]:
    data, expected = data_set("ecsi_mobi"), oracle("satisfaction")["mobi_scales"]
    items = {name: list(data.filter(regex=f"^{stem}\\d")) for name, stem in STEMS.items()}
    scores = satisfaction.dimension_scores(data, items)
    for name in items:
        yield "mean", scores[name].mean(), expected["means"][name]
        yield "standard deviation", scores[name].std(), expected["sd"][name]


def _recommendations(detractors: int, passives: int, promoters: int) -> pd.Series:
    return pd.Series(np.repeat([3, 8, 10], [detractors, passives, promoters]))


def _mobi_recommendations() -> pd.Series:
    expected = oracle("satisfaction")["nps"]
    return _recommendations(*(expected[x] for x in ("detractors", "passives", "promoters")))


def promoters() -> Iterable[Figure]:
    scores, expected = _mobi_recommendations(), oracle("satisfaction")["nps"]
    names = {"estimate": "nps", "std_error": "se_trinomial"}
    names |= {"share_promoters": "p_promoters", "share_detractors": "p_detractors"}
    wald = satisfaction.nps(scores, interval="wald")
    yield from fields(wald, expected, names)
    yield from limits(wald, expected["ci95_wald"])
    yield from limits(satisfaction.nps(scores), expected["mobi_adjusted"]["ci"])
    ninety = satisfaction.nps(scores, conf_level=0.9)
    yield from limits(ninety, expected["mobi_adjusted90"]["ci"])


def nps_differences() -> Iterable[Figure]:
    interval: Any
    reference = oracle("satisfaction")["nps_difference"]
    other = _recommendations(*reference["other"])
    for interval, key in (("adjusted_wald", "adjusted"), ("wald", "wald")):
        expected = reference[key]
        result = satisfaction.nps_difference(_mobi_recommendations(), other, interval=interval)
        names = {"std_error": "se", "statistic": "z", "p_value": "p"}
        yield from fields(result, expected, names)
        yield from limits(result, expected["ci"])


def holm() -> Iterable[Figure]:
    expected = oracle("satisfaction")["holm"]
    result = satisfaction.holm({str(i): p for i, p in enumerate(expected["p"])})
    return columns(result.table, expected, {"p_holm": "p_holm"})


def units() -> Iterable[Figure]:
    reference = oracle("satisfaction")["units_made"]
    frame = pd.DataFrame(reference["data"])
    for kind in ("unweighted", "unweighted90", "weighted"):
        expected = reference[kind]
        weights = frame["w"] if kind == "weighted" else None
        level = 0.9 if kind.endswith("90") else 0.95
        result = satisfaction.rank_units(frame, "u", "y", weights=weights, conf_level=level)
        names = {"n": "n", "estimate": "mean", "std_error": "se", "rank": "rank"}
        names |= {"rank_low": "low", "rank_high": "high", "estimate_shrunk": "shrunk"}
        yield from columns(result.table.set_index("unit").loc[expected["units"]], expected, names)
        yield from fields(result, expected, {"grand_mean": "mu", "between_sd": "tau"})


# --- with weights, and by group


def _studied(name: str) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """Scores q (1–5), r (0–10), t without ties, segments g and c, weight w; R's figures of them."""
    expected = oracle("satisfaction")[f"weighted_{name}"]
    if name == "made":
        return pd.DataFrame(expected["data"]), expected
    raw = data_set("airline_sample")
    frame = pd.DataFrame({"q": raw["Cleanliness"].where(raw["Cleanliness"] > 0), "t": raw["ID"]})
    frame["r"] = (2 * raw["Cleanliness"] + raw["Seat Comfort"]) % 11
    weights = 0.5 + raw["Flight Distance"] / 1000
    return frame.assign(g=raw["Class"], c=raw["Customer Type"], w=weights), expected


def weighted_means(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    for level, key in ((0.95, "mean"), (0.9, "mean90")):
        result = satisfaction.mean_score(frame["q"], weights=frame["w"], conf_level=level)
        yield from _spread(result, expected[key])


def weighted_indices(name: str) -> Iterable[Figure]:
    formula: Any
    frame, expected = _studied(name)
    for formula, key in (("range", "index"), ("of_maximum", "of_maximum")):
        result = satisfaction.index_score(
            frame["q"], low=1, high=5, formula=formula, weights=frame["w"]
        )
        yield from _spread(result, expected[key])


def weighted_shares(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    result = satisfaction.top_box(frame["q"], 4, weights=frame["w"])
    yield from fields(result, expected["top2"], {"n_satisfied": "k", "estimate": "p"})
    yield "n_effective", result.n_effective, expected["mean"]["neff"]
    yield from limits(result, expected["top2"]["ci"])


def weighted_promoters(name: str) -> Iterable[Figure]:
    interval: Any
    frame, expected = _studied(name)[0], _studied(name)[1]["nps"]
    for interval, key in (("wald", "wald"), ("adjusted_wald", "adjusted")):
        result = satisfaction.nps(frame["r"], weights=frame["w"], interval=interval)
        groups = ["share_detractors", "share_passives", "share_promoters"]
        theirs = expected | dict(zip(groups, expected["shares"], strict=True))
        names = {"estimate": "nps", "std_error": "se", "n_effective": "neff"} | same(*groups)
        yield from fields(result, theirs, names)
        yield from limits(result, expected[key])


def weighted_differences(name: str) -> Iterable[Figure]:
    interval: Any
    frame, reference = _studied(name)
    first = frame["g"] == frame["g"].iloc[0]
    a, b = frame[first], frame[~first]
    for interval, key in (("wald", "wald"), ("adjusted_wald", "adjusted")):
        weights = {"weights_a": a["w"], "weights_b": b["w"]}
        result = satisfaction.nps_difference(a["r"], b["r"], interval=interval, **weights)
        yield "nps_a", result.nps_a, reference["nps_a"]["nps"]
        yield "nps_b", result.nps_b, reference["nps_b"]["nps"]
        yield "std_error", result.std_error, reference["nps_difference"][key]["se"]
        yield from limits(result, reference["nps_difference"][key]["ci"])


def weighted_distribution(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    result = satisfaction.distribution(frame[["q"]], range(1, 6), weights=frame["w"])
    return columns(result.table, expected, {"share": "distribution"})


def weighted_dimensions(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    table = satisfaction.rank_dimensions(frame[["q", "r"]], weights=frame["w"]).table
    row = table[table["dimension"] == "q"].iloc[0]
    yield from fields(row, expected["mean"], {"n": "n", "estimate": "mean"})
    yield from limits(row, expected["mean"]["ci"])


def weighted_segments(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    share = partial(satisfaction.top_box, satisfied_from=4)
    for statistic, key in ((satisfaction.mean_score, None), (share, "top")):
        table = satisfaction.by_segment(frame, "g", statistic, "q", weights=frame["w"]).table
        for row in table.itertuples():
            group = expected["by_group"][row.level]
            yield "n", row.n, group["n"]
            group = group[key] if key else group
            yield "estimate", row.estimate, group["p" if key else "mean"]
            yield from limits(row, group["ci"])


def weighted_cells(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    table = satisfaction.cross_means(frame, "q", "g", "c", weights=frame["w"], **ALL).table
    cells = table.set_index(["row", "column"])
    for cell, figures in expected["cells"].items():
        row = cells.loc[tuple(cell.split("|"))]
        yield from fields(row, figures, {"n": "n", "estimate": "mean", "std_error": "se"})
        yield from limits(row, figures["ci"])


def kruskal(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    result = satisfaction.compare_groups(frame, "g", "q")
    names = {"statistic": "H", "df": "df", "p_value": "p", "estimate": "eps2"}
    return fields(result, expected["kruskal"], names)


def rank_test(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    answered = frame[frame["q"].notna()]
    answered = answered.assign(first=answered["g"] == answered["g"].iloc[0])
    names = {"statistic": "F", "df_error": "ddf", "p_value": "p"}
    for data, group, score, key in [
        (frame, "g", "q", "rank_weighted"),
        (answered, "g", "t", "rank_no_ties"),
        (answered, "first", "t", "rank_two_groups"),
    ]:
        result = satisfaction.compare_groups(data, group, score, weights=data["w"])
        own = names | ({"estimate": "r2"} if "r2" in expected[key] else {})
        yield from fields(result, expected[key], own)


def group_pairs(weighted: bool, name: str) -> Iterable[Figure]:
    frame, reference = _studied(name)
    expected = reference["pairs_weighted" if weighted else "pairs"]
    weights = frame["w"] if weighted else None
    pairs = satisfaction.compare_groups(frame, "g", "q", weights=weights).pairs
    table = pairs.set_index(["a", "b"])
    for a, b, figures, p_holm in zip(*(expected[k] for k in expected), strict=True):
        turned = (a, b) not in table.index
        row = table.loc[(b, a) if turned else (a, b)]
        difference, error, low, high, statistic, df, p = figures
        if turned:
            difference, low, high, statistic = -difference, -high, -low, -statistic
        theirs = [difference, error, low, high, statistic, df, p]
        for field, value in zip(PAIR, theirs, strict=True):
            yield field, row[field], value
        yield "p_holm", row["p_holm"], p_holm


def _crossed(result: Any, expected: Mapping[str, Any], first: str) -> Iterable[Figure]:
    yield from fields(result, expected, {"estimate": "v", "v_corrected": "v_corrected"})
    yield "p_value", result.p_value, expected["p"]
    yield from limits(result, expected["v_ci"])
    yield "table.expected", result.table["expected"], np.ravel(expected["expected"])
    yield "table.residual", result.table["residual"], np.ravel(expected["stdres"])
    yield from limits(result.table.iloc[0], expected[first])


def crossed(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)[0], _studied(name)[1]["crosstab"]
    result = satisfaction.crosstab(frame, "g", "c")
    yield from fields(result, expected, {"statistic": "chisq", "df": "df"})
    yield "table.n", result.table["n"], np.ravel(expected["counts"])
    yield from _crossed(result, expected, "wilson_first")


def weighted_crossed(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)[0], _studied(name)[1]["crosstab_weighted"]
    result = satisfaction.crosstab(frame, "g", "c", weights=frame["w"])
    names = {"statistic": "F", "df": "ndf", "df_error": "ddf", "design_effect": "deff"}
    yield from fields(result, expected, names)
    yield "table.estimate", result.table["estimate"], np.ravel(expected["shares"])
    yield from _crossed(result, expected, "ci_first")


def cramer(name: str) -> Iterable[Figure]:
    frame, expected = _studied(name)
    return limits(satisfaction.crosstab(frame, "g", "c"), expected["crosstab"]["v_ci_effectsize"])
