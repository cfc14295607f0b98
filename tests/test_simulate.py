"""The invented study: what is committed, what it promises, and that its truth can be found."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import chi2

from csat_stats.simulate import AfterSales, after_sales, write_csv

DEMO = Path(__file__).resolve().parents[1] / "data" / "raw" / "demo"
TABLES = ("responses", "population", "contacts", "tickets", "actions", "history")
DIMENSIONS = ["响应效率", "专业能力", "服务态度", "流程体验", "服务结果"]
ITEMS = [
    *["Q1报修响应速度", "Q2上门及时", "Q3故障判断准确", "Q4维修技术熟练", "Q5礼貌热情"],
    *["Q6耐心解释", "Q7预约方便", "Q8收费透明", "Q9问题一次解决", "Q10修后使用稳定"],
]
STEPS = ["首次响应时间", "上门时间", "完成时间"]
SEEDS = (1, 2, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def study() -> AfterSales:
    return after_sales()


@pytest.fixture(scope="module")
def others() -> list[AfterSales]:
    return [after_sales(seed) for seed in SEEDS]


def honest(study: AfterSales) -> pd.DataFrame:
    """Responses without the careless, the doubled and the repeated ones, dimensions added."""
    marks = study.truth["blemish_ids"]
    careless = marks.loc[marks["kind"] != "duplicate", "答卷编号"]
    rows = study.responses.drop_duplicates()
    rows = rows[~rows["答卷编号"].isin(careless)]
    pairs = [ITEMS[2 * d : 2 * d + 2] for d in range(5)]
    means = [rows[pair].astype("float64").mean(axis=1) for pair in pairs]
    return rows.assign(**dict(zip(DIMENSIONS, means, strict=True)))


def pooled(studies: list[AfterSales]) -> pd.DataFrame:
    return pd.concat([honest(study) for study in studies], ignore_index=True)


def minutes_to_response(tickets: pd.DataFrame) -> pd.Series:
    waited = pd.to_datetime(tickets["首次响应时间"]) - pd.to_datetime(tickets["受理时间"])
    return waited.dt.total_seconds() / 60


# --- what is committed


@pytest.mark.parametrize("name", TABLES)
def test_committed_tables_are_what_the_seed_gives(
    study: AfterSales, name: str, tmp_path: Path
) -> None:
    write_csv(study, tmp_path)
    made = (tmp_path / f"{name}.csv").read_bytes()
    assert (DEMO / f"{name}.csv").read_bytes() == made
    assert made.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in made


def test_command_writes_the_six_tables_and_says_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "csat_stats.simulate", str(tmp_path / "new")]
    done = subprocess.run(command, check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert written == sorted(f"{name}.csv" for name in TABLES)


def test_folder_holds_the_tables_and_a_description_and_is_small() -> None:
    assert sorted(path.name for path in DEMO.iterdir()) == sorted(
        ["README.md", *(f"{name}.csv" for name in TABLES)]
    )
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 2_500_000


def test_seed_decides(study: AfterSales) -> None:
    again, other = after_sales(), after_sales(7)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(study, name), getattr(again, name))
    assert not study.responses.equals(other.responses)
    assert study.truth["means"].equals(other.truth["means"])


def test_too_few_per_wave_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("n_per_wave is 199: at least 200 are needed")):
        after_sales(n_per_wave=199)
    assert after_sales(n_per_wave=200).truth["panel_customers"] == 25


# --- schema and keys


def test_responses_have_the_columns_and_values_of_the_questionnaire(study: AfterSales) -> None:
    rows = study.responses
    before = "答卷编号 客户编号 工单号 波次 服务日期 提交时间 作答时长秒 大区 城市级别 服务类型"
    between = "客户类型 报修渠道 工程师"
    after = "总体满意度 推荐意愿 90天内复购 复购日期 90天内推荐 意见建议"
    assert [*rows] == [*before.split(), *between.split(), *ITEMS, *after.split()]
    levels = {
        "波次": "改进前 改进后",
        "大区": "华东 华南 华北 西南",
        "城市级别": "一线 新一线 二线 三线及以下",
        "服务类型": "安装 维修 保养 退换",
        "客户类型": "新客户 老客户 VIP客户",
        "报修渠道": "电话 微信 APP 门店",
        "90天内复购": "是 否",
        "90天内推荐": "是 否",
    }
    for column, names in levels.items():
        assert set(rows[column]) == set(names.split()), column
    for column in [*ITEMS, "总体满意度"]:
        assert set(rows[column].dropna()) == {1, 2, 3, 4, 5}, column
    assert set(rows["推荐意愿"].dropna()) == set(range(11))
    assert rows["答卷编号"].str.fullmatch(r"A\d{6}").all()
    assert rows["客户编号"].str.fullmatch(r"K\d{6}").all()
    assert rows["工程师"].str.fullmatch(r"G\d{4}").all()
    full = rows.drop(columns=[*ITEMS, "提交时间", "作答时长秒", "推荐意愿", "复购日期", "意见建议"])
    assert full.notna().all(axis=None)


def test_waves_lie_before_and_after_the_improvement(study: AfterSales) -> None:
    days = study.responses.groupby("波次")["服务日期"].agg(["min", "max"])
    assert days.loc["改进前", "min"] >= "2026-03-01" and days.loc["改进前", "max"] <= "2026-04-30"
    assert days.loc["改进后", "min"] >= "2026-07-01" and days.loc["改进后", "max"] <= "2026-08-31"


def test_responses_fit_their_tickets_and_engineers_their_region(study: AfterSales) -> None:
    tickets = study.tickets
    assert tickets["工单号"].is_unique
    shared = ["客户编号", "大区", "城市级别", "服务类型", "工程师"]
    joined = study.responses.merge(
        tickets, on=["工单号", *shared], how="left", validate="many_to_one", indicator=True
    )
    assert (joined["_merge"] == "both").all()
    assert (joined["完成时间"].str[:10] == joined["服务日期"]).all()
    assert (joined["提交时间"] > joined["完成时间"])[joined["提交时间"].notna()].all()
    assert tickets["工程师"].nunique() == 60
    assert tickets.groupby("工程师")["大区"].nunique().eq(1).all()
    assert not ((tickets["城市级别"] == "一线") & (tickets["大区"] == "西南")).any()


def test_tickets_run_forward_and_open_ones_are_the_latest(study: AfterSales) -> None:
    tickets = study.tickets
    columns = (
        "工单号 客户编号 大区 城市级别 服务类型 优先级 受理时间 首次响应时间 上门时间 完成时间"
    )
    assert [*tickets] == [*columns.split(), "工程师", "是否一次解决", "是否重开", "投诉类型"]
    assert 2_600 <= len(tickets) <= 5_000
    assert set(tickets["优先级"]) == {"紧急", "重要", "一般"}
    times = tickets[["受理时间", *STEPS]].apply(pd.to_datetime)
    for earlier, later in zip(["受理时间", *STEPS], STEPS, strict=False):
        assert (times[later] > times[earlier])[times[later].notna()].all()
        assert times.loc[times[earlier].isna(), later].isna().all()
    still_open = tickets["完成时间"].isna()
    assert 5 <= still_open.sum() <= 60
    assert times.loc[still_open, "受理时间"].min() > pd.Timestamp("2026-08-20")
    assert times[STEPS].max().max() <= pd.Timestamp("2026-09-01")
    for column in ("是否一次解决", "是否重开"):
        assert (tickets[column].isna() == still_open).all()
        assert set(tickets[column].dropna()) == {"是", "否"}
    assert 0.03 < tickets["投诉类型"].notna().mean() < 0.12


def test_frame_and_register(study: AfterSales) -> None:
    frame = study.population
    assert [*frame] == ["城市级别", "服务类型", "客户类型", "客户数"]
    assert len(frame) == len(frame.drop_duplicates(["城市级别", "服务类型", "客户类型"])) == 48
    assert abs(frame["客户数"].sum() - 60_000) < 48
    assert (frame["客户数"] > 0).all()
    actions = study.actions
    columns = "编号 措施 针对维度 负责部门 开始日期 完成日期 进度 状态 目标"
    assert [*actions] == columns.split()
    assert set(actions["针对维度"]) == set(DIMENSIONS)
    assert actions["进度"].between(0, 100).all()
    due, exported = actions["完成日期"], "2026-09-01"
    unfinished = actions["进度"] < 100
    assert ((actions["状态"] == "已完成") == ~unfinished).all()
    assert ((actions["状态"] == "逾期") == (unfinished & (due < exported))).all()
    assert ((actions["状态"] == "未开始") == (actions["开始日期"] > exported)).all()


def test_contacts_complete_are_those_who_responded(study: AfterSales) -> None:
    contacts = study.contacts
    assert [*contacts] == "邀请编号 波次 大区 城市级别 服务类型 客户类型 联系结果".split()
    assert contacts["邀请编号"].is_unique
    assert contacts.notna().all(axis=None)
    cells = ["波次", "大区", "城市级别", "服务类型", "客户类型"]
    once = study.responses.drop_duplicates(["客户编号", "工单号"])
    completes = contacts[contacts["联系结果"] == "完成"]
    assert completes.groupby(cells).size().equals(once.groupby(cells).size())
    assert set(contacts["联系结果"].value_counts().index[:3]) == {"完成", "未接通", "拒访"}


def test_invitations_follow_the_frame_and_fewer_answer_where_said(study: AfterSales) -> None:
    strata = ["城市级别", "服务类型", "客户类型"]
    frame = study.population.set_index(strata)["客户数"]
    for _, wave in study.contacts.groupby("波次"):
        invited = wave[strata].value_counts().reindex(frame.index)
        assert len(wave) == pytest.approx(1200 / 0.35, abs=24)
        assert (invited - frame * 1200 / 0.35 / 60_000).abs().max() < 6
        rate = (wave["联系结果"] == "完成").groupby(wave["城市级别"]).mean()
        assert rate["三线及以下"] < rate.drop("三线及以下").min() - 0.05
        rate = (wave["联系结果"] == "完成").groupby(wave["客户类型"]).mean()
        assert rate["新客户"] < rate["老客户"] < rate["VIP客户"]


# --- blemishes


def test_counts_of_blemishes_are_exact(study: AfterSales) -> None:
    rows, counts = study.responses, study.truth["blemishes"]
    whole = {"duplicates": 12, "resubmissions": 8, "speeders": 28, "straight_liners": 24}
    gaps = {"submitted_missing": 6, "seconds_missing": 9, "recommend_missing": 36}
    items = dict.fromkeys(ITEMS, 48) | {"Q8收费透明": 120}
    assert counts == whole | gaps | items
    once = rows.drop_duplicates()
    assert len(rows) == 2 * 1200 + sum(whole.values())
    assert len(rows) - len(once) == counts["duplicates"]
    assert once["答卷编号"].is_unique
    assert once.duplicated(["客户编号", "工单号"]).sum() == counts["resubmissions"]
    assert (once["作答时长秒"] < 30).sum() == counts["speeders"]
    assert rows["提交时间"].isna().sum() == counts["submitted_missing"]
    assert rows["作答时长秒"].isna().sum() == counts["seconds_missing"]
    assert rows["推荐意愿"].isna().sum() == counts["recommend_missing"]
    assert rows[ITEMS].isna().sum().to_dict() == items


def test_marked_responses_are_what_they_are_marked_as(study: AfterSales) -> None:
    marks = study.truth["blemish_ids"]
    rows = study.responses.drop_duplicates().set_index("答卷编号")

    def marked(kind: str) -> pd.DataFrame:
        return rows.loc[marks.loc[marks["kind"] == kind, "答卷编号"]]

    assert (marked("speeder")["作答时长秒"] < 30).all()
    straight = marked("straight_liner")
    assert (straight[ITEMS].nunique(axis=1) == 1).all()
    assert straight["作答时长秒"].between(31, 55).any() and (straight["作答时长秒"] > 60).any()
    assert set(rows.index[rows.index.isin(marked("duplicate").index)]) == set(
        study.responses.loc[study.responses["答卷编号"].duplicated(), "答卷编号"]
    )
    again = marked("resubmission")
    first = rows.drop(again.index).merge(again, on=["客户编号", "工单号"], suffixes=("", "_again"))
    assert len(first) == len(again)
    later = pd.to_datetime(first["提交时间_again"]) - pd.to_datetime(first["提交时间"])
    assert later.between("2min", "10min").all()


def test_panel_customers_keep_who_they_are(study: AfterSales) -> None:
    rows = honest(study)
    waves = rows.groupby("客户编号")["波次"].nunique()
    assert (waves == 2).sum() == study.truth["panel_customers"] == 150
    panel = rows[rows["客户编号"].isin(waves.index[waves == 2])]
    kept = panel.groupby("客户编号")[["城市级别", "大区", "客户类型"]].nunique()
    assert (kept == 1).all(axis=None)
    wide = panel.pivot(index="客户编号", columns="波次", values="总体满意度").astype("float64")
    assert wide["改进前"].corr(wide["改进后"]) > 0.3


# --- open answers


def test_open_answers_vary_and_survive_the_file(study: AfterSales) -> None:
    texts = study.responses["意见建议"].dropna()
    assert 0.42 < len(texts) / len(study.responses) < 0.48
    counts = texts.value_counts()
    assert counts[counts > 10].sum() < 0.05 * len(texts)
    for part in ("\n", '"', ",", "“", "👍", "等待时间长", "态度好", "收费不透明", "师傅很专业"):
        assert texts.str.contains(part, regex=False).any(), part
    assert not texts.str.contains(r"[{}*#]").any()
    read = pd.read_csv(io.BytesIO((DEMO / "responses.csv").read_bytes()), encoding="utf-8-sig")
    assert read["意见建议"].dropna().tolist() == texts.tolist()


def test_open_answers_fit_the_scores(study: AfterSales) -> None:
    labels = study.truth["remarks"].set_index("答卷编号")
    rows = honest(study).drop_duplicates("答卷编号").set_index("答卷编号").join(labels, how="inner")
    complete = rows[rows[ITEMS].notna().all(axis=1)]
    for tone, direction in (("负面", "min"), ("正面", "max")):
        some = complete[complete["tone"] == tone]
        named = some.apply(lambda row: row[row["dimension"]], axis=1)
        assert (named == some[DIMENSIONS].agg(direction, axis=1)).all()
    assert (rows.loc[rows["tone"] == "正面", "总体满意度"] >= 4).all()
    twice = rows["意见建议"].str.contains("了两次|来了三趟|第一次没")
    fixed = study.tickets.set_index("工单号")["是否一次解决"]
    assert twice.sum() > 20
    assert (rows.loc[twice, "工单号"].map(fixed) == "否").all()


# --- the truth


def test_stated_truth(study: AfterSales) -> None:
    means = study.truth["means"].set_index(["wave", "tier", "scale"])
    response = means.xs("响应效率", level="scale")
    for column in ("sample", "population"):
        assert response[column]["改进前", "一线"] == pytest.approx(2.8, abs=1e-12)
        assert response[column]["改进后", "一线"] == pytest.approx(3.7, abs=1e-12)
        assert response[column]["改进前", "全部"] == pytest.approx(3.2, abs=0.02)
        rest = response[column].drop(index=["一线", "全部"], level="tier").unstack("wave")
        np.testing.assert_allclose(rest["改进后"] - rest["改进前"], 0.05, atol=1e-12)
    assert study.truth["did"] == pytest.approx(0.85, abs=1e-12)
    assert study.truth["tier1_change"] - study.truth["common_trend"] == study.truth["did"]
    everywhere = means.xs("全部", level="tier")["sample"].unstack("scale")
    assert everywhere[DIMENSIONS[1:]].round(9).to_numpy().tolist() == [[3.9, 4.1, 3.6, 3.8]] * 2
    weights = pd.Series(study.truth["overall_weights"])
    np.testing.assert_allclose(everywhere[weights.index] @ weights, everywhere["总体满意度"])
    np.testing.assert_allclose(study.truth["recommend_shares"].sum(axis=1), 1)


def test_means_are_recovered(others: list[AfterSales]) -> None:
    rows = pooled(others)
    expected = others[0].truth["means"].set_index(["wave", "tier", "scale"])["sample"]
    scales = [*DIMENSIONS, "总体满意度"]
    groups = rows.astype({"总体满意度": "float64"}).groupby(["波次", "城市级别"])[scales]
    found, error = groups.mean().stack(), groups.sem().stack()
    z = (found - expected.reindex(found.index)) / error
    assert z.notna().sum() == 2 * 4 * 6
    assert z.abs().max() < 3.5
    assert (z**2).mean() < 2


def test_effect_is_recovered_by_difference_in_differences(others: list[AfterSales]) -> None:
    found = []
    for study in others:
        rows = honest(study)
        tier1 = np.where(rows["城市级别"] == "一线", "一线", "其他")
        cells = rows.groupby([tier1, rows["波次"]])["响应效率"].agg(["mean", "sem"])
        mean, error = cells["mean"].unstack(), np.sqrt((cells["sem"] ** 2).sum())
        change = mean["改进后"] - mean["改进前"]
        found.append((change["一线"] - change["其他"] - study.truth["did"]) / error)
    assert np.abs(found).max() < 3
    assert abs(np.mean(found)) < 3 / np.sqrt(len(found))


def test_weights_to_the_frame_recover_the_population(others: list[AfterSales]) -> None:
    strata = ["城市级别", "服务类型", "客户类型"]
    rows = pooled(others)
    drawn = rows.groupby(strata).size().rename("n")
    frame = others[0].population.merge(drawn.reset_index(), on=strata, validate="one_to_one")
    rows = rows.merge(frame, on=strata)
    weight = rows["客户数"] / rows["n"]
    expected = others[0].truth["means"].set_index(["tier", "wave", "scale"])["population"]["全部"]
    for wave, wave_rows in rows.groupby("波次"):
        for scale in DIMENSIONS:
            some = wave_rows.dropna(subset=[scale])
            found = np.average(some[scale], weights=weight[some.index])
            error = 1.2 * some[scale].std() / np.sqrt(len(some))
            assert abs(found - expected[wave, scale]) < 3.5 * error, (wave, scale)


def test_sample_over_represents_vip_and_under_represents_small_towns(study: AfterSales) -> None:
    rows, frame = honest(study), study.population

    def share(column: str, level: str) -> tuple[float, float]:
        in_frame = frame.loc[frame[column] == level, "客户数"].sum() / frame["客户数"].sum()
        return float((rows[column] == level).mean()), float(in_frame)

    sample, population = share("客户类型", "VIP客户")
    assert sample > 1.3 * population
    sample, population = share("城市级别", "三线及以下")
    assert sample < 0.85 * population


@pytest.mark.parametrize("outcome", ["90天内复购", "90天内推荐"])
def test_logit_coefficients_are_recovered(others: list[AfterSales], outcome: str) -> None:
    truth = np.array(list(others[0].truth["logit"][outcome].values()))

    def fit(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        rows = rows[rows[ITEMS].notna().all(axis=1)]
        chosen = (rows[outcome] == "是").astype(float)
        fitted = sm.Logit(chosen, sm.add_constant(rows[DIMENSIONS])).fit(disp=0)
        return fitted.params.to_numpy() - truth, fitted.cov_params().to_numpy()

    misses, covariance = fit(pooled(others))
    assert misses @ np.linalg.solve(covariance, misses) < chi2.isf(1e-4, len(truth))
    assert np.sqrt(np.diag(covariance))[1:].max() < 0.05
    covered = [
        np.abs(miss) < 1.96 * np.sqrt(np.diag(cov)) for miss, cov in map(fit, map(honest, others))
    ]
    assert np.mean(covered) > 0.85


def test_rates_are_those_of_a_plausible_study(others: list[AfterSales]) -> None:
    rows = pooled(others)
    assert 0.35 < (rows["90天内复购"] == "是").mean() < 0.45
    asked = rows.dropna(subset=["推荐意愿"])
    score = (asked["推荐意愿"] >= 9).astype(int) - (asked["推荐意愿"] <= 6).astype(int)
    nps = 100 * score.groupby(asked["波次"]).mean()
    assert 5 < nps["改进前"] < nps["改进后"] - 3
    assert nps["改进后"] < 25
    by_customer = rows.groupby("客户类型")[DIMENSIONS[1:]].mean()
    assert (by_customer.loc["VIP客户"] < by_customer.loc["老客户"] - 0.05).all()


def test_overall_and_recommendation_follow_their_stated_rules(others: list[AfterSales]) -> None:
    rows = pooled(others)
    complete = rows[rows[ITEMS].notna().all(axis=1)]
    fit = sm.OLS(complete["总体满意度"].astype(float), sm.add_constant(complete[DIMENSIONS])).fit()
    expected = pd.Series({"const": 0.0} | others[0].truth["overall_weights"])
    z = (fit.params - expected) / fit.get_robustcov_results("HC3").bse
    assert z.abs().max() < 3
    shares = others[0].truth["recommend_shares"]
    for overall, some in rows.dropna(subset=["推荐意愿"]).groupby("总体满意度"):
        expected_mean = shares[int(overall) - 1] @ np.arange(11)
        given = some["推荐意愿"].astype(float)
        assert abs(given.mean() - expected_mean) < 3.5 * given.sem()


def test_items_form_five_reliable_dimensions(study: AfterSales) -> None:
    rows = honest(study)
    correlation = rows[ITEMS].astype("float64").dropna().corr().to_numpy()
    within = np.array([correlation[2 * d, 2 * d + 1] for d in range(5)])
    alpha = 2 * within / (1 + within)
    assert np.all((alpha > 0.75) & (alpha < 0.88))
    inverse = np.linalg.inv(correlation)
    scale = np.sqrt(np.diag(inverse))
    partial = -inverse / np.outer(scale, scale)
    apart = ~np.eye(10, dtype=bool)
    squares = (correlation[apart] ** 2).sum()
    assert 0.80 < squares / (squares + (partial[apart] ** 2).sum()) < 0.90
    reduced = correlation - np.diag(1 / np.diag(inverse))
    assert (np.linalg.eigvalsh(reduced) > 0.2).sum() == 5


def test_quick_responses_are_recovered(others: list[AfterSales]) -> None:
    tickets = pd.concat([study.tickets for study in others], ignore_index=True)
    quick = minutes_to_response(tickets) <= 30
    improved = np.where(tickets["受理时间"] >= "2026-05-15", "改进后", "改进前")
    expected = others[0].truth["within_30_min"]
    assert expected.loc[["改进前", "改进后"], "一线"].tolist() == [0.82, 0.90]
    for (wave, tier), some in quick.groupby([improved, tickets["城市级别"]]):
        share = expected.loc[wave, tier]
        assert abs(some.mean() - share) < 3.5 * np.sqrt(share * (1 - share) / len(some))


def test_better_engineers_are_scored_higher(others: list[AfterSales]) -> None:
    scores = pooled(others).groupby("工程师")["专业能力"].mean()
    ability = others[0].truth["engineer_shift"]["专业能力"]
    assert len(ability) == 60
    assert scores.corr(ability.reindex(scores.index), method="spearman") > 0.8


# --- around the waves


def test_purchases_have_dates_and_some_lie_before_the_survey(study: AfterSales) -> None:
    rows = study.responses[study.responses["提交时间"].notna()]
    bought = rows["90天内复购"] == "是"
    assert (rows["复购日期"].notna() == bought).all()
    days = pd.to_datetime(rows["复购日期"]) - pd.to_datetime(rows["提交时间"]).dt.normalize()
    early = rows["答卷编号"].isin(study.truth["early_purchases"])
    assert (days[bought & ~early].dt.days.between(1, 90)).all()
    assert (days[early].dt.days < 0).all() and early.sum() >= 5


def test_monthly_monitoring_leaves_out_the_waves_and_finds_the_change() -> None:
    tables = [after_sales(seed, 200).history for seed in range(40)]
    history = pd.concat(tables, keys=range(40), names=["seed"]).reset_index("seed")
    months = set(history["月份"])
    assert not months & {"2025-08", "2026-05", "2026-03", "2026-04"}
    assert (min(months), max(months), len(months)) == ("2024-03", "2026-06", 24)
    means = history.groupby(["月份", "城市级别"])["响应效率均分"].mean()
    change = means["2026-06"] - means["2025-06"]
    assert change["一线"] == pytest.approx(0.90, abs=0.12)
    assert change.drop("一线").to_numpy() == pytest.approx(0.05, abs=0.12)
