"""A study file: what it may say, and every problem a user is told of, with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from projects import HEADER, STUDY, make_project, table, told

from csat_stats.study import Plan, Project, Study, StudyError, load, prepare
from csat_stats.study.document import MAX_BYTES, MAX_DEPTH

Loaded = Callable[[str], Study]
Told = Callable[[str | bytes], list[str]]
KEYS = ", ".join(list(Plan.model_fields)[:12]) + ", …"
END = len(STUDY.splitlines())  # what a test appends begins on the line after this


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    return lambda text: load("small", make_project(tmp_path, {"params/small.yml": text}))


@pytest.fixture
def refused(tmp_path: Path) -> Told:
    def refused(text: str | bytes) -> list[str]:
        return told(load, "small", make_project(tmp_path, {"params/small.yml": text}))

    return refused


def appended(text: str, line: int = 1) -> str:
    """A problem in what a test appended to the study, on that line of it."""
    return f"params/small.yml:{END + line}: {text}"


# --- everything at once


ALL_WRONG = """\
titel: Everything that can be wrong
language: english
data:
  responses: answers.csv
  population: frame.csv
  tickets: ../answers.csv
wave:
  column: wave
  order: [before, after, before]
dimensions:
  Speed: [fast, on_tme]
  Staff: [kind, fast]
  index: [kind, kind]
reversed: [knd]
overall: {column: wav, scal: 5}
outcomes:
  kind: {column: kind_of_client, yes: new, no: old}
  Again: {column: kind_of_client, yes: new}
segments:
  city:
  town: [a, b]
scale: {low: five}
exclusions: {min_seconds: 30, one_answer_per: ticket}
improvement:
  dimension: Sped
  treated: {citty: north}
  before: befor
  after: later
targets:
  - {name: a, metric: speed, target: 4}
  - {name: b, metric: Staff, goal: 4}
  - {name: c, metric: Staff, target: high, due: 2026-02-30}
  - name: d
    metric: Staff
    target: 4
    where: {region: north}
language: en
"""


def test_every_problem_is_told_at_once_with_its_line(refused: Told) -> None:
    columns = ", ".join(HEADER)
    assert refused(ALL_WRONG) == [
        "data/raw/frame.csv: The file does not exist.",
        "params/small.yml:1: title is missing.",
        "params/small.yml:1: Unknown key titel. Did you mean title?",
        "params/small.yml:6: ../answers.csv lies outside data/raw.",
        "params/small.yml:9: before stands here twice.",
        "params/small.yml:11: answers.csv has no column on_tme. Did you mean on_time?",
        "params/small.yml:12: The item fast stands in more than one dimension: Speed, Staff.",
        "params/small.yml:13: The item kind stands in more than one dimension: Staff, index.",
        "params/small.yml:13: index already names something else; choose another name.",
        "params/small.yml:14: knd is reversed but is no item. Did you mean kind?",
        "params/small.yml:15: Unknown key scal. Did you mean scale?",
        "params/small.yml:15: answers.csv has no column wav. Did you mean wave?",
        "params/small.yml:17: kind already names something else; choose another name.",
        "params/small.yml:18: outcomes.Again.no is missing.",
        f"params/small.yml:21: answers.csv has no column town. Valid: {columns}.",
        "params/small.yml:22: scale.low: five is not a number.",
        f"params/small.yml:23: answers.csv has no column ticket. Valid: {columns}.",
        "params/small.yml:23: `min_seconds` needs `duration`: the column with the seconds.",
        "params/small.yml:25: Sped is no dimension. Did you mean Speed?",
        "params/small.yml:26: citty is no segment. Did you mean city?",
        "params/small.yml:27: There is no wave befor. Did you mean before?",
        "params/small.yml:28: There is no wave later. Did you mean after?",
        "params/small.yml:30: There is no metric speed. Did you mean Speed?",
        "params/small.yml:31: targets.1.target is missing.",
        "params/small.yml:31: Unknown key goal. Valid: name, metric, target, where, baseline, due.",
        "params/small.yml:32: targets.2.target: high is not a number.",
        "params/small.yml:32: targets.2.due: 2026-02-30 is not a date like 2026-09-30.",
        "params/small.yml:36: region is no segment. Valid: city, town.",
        "params/small.yml:37: The key language stands here twice.",
    ]


# --- one problem at a time


WRONG = {
    "unknown key": ("colour: red", [f"Unknown key colour. Valid: {KEYS}."]),
    "unknown key below a list": (
        "targets:\n  - {name: a, metric: index, target: 90, base_line: 80}",
        ["2|Unknown key base_line. Did you mean baseline?"],
    ),
    "unknown key below a name": (
        "outcomes:\n  Again: {column: kind_of_client, yes: new, no: old, lable: x}",
        ["2|Unknown key lable. Did you mean label?"],
    ),
    "unknown key of a key": (
        "thresholds:\n  alhpa: 0.7",
        ["2|Unknown key alhpa. Did you mean alpha?"],
    ),
    "merge key": ("<<: {period: x}", [f"Unknown key <<. Valid: {KEYS}."]),
    "list for text": ("client: [a, b]", ["client: one text is expected, not ['a', 'b']."]),
    "block for text": ("missing: [{a: b}]", ["missing.0: one text is expected, not {'a': 'b'}."]),
    "text for a block": (
        "index: overall",
        ["index: `key: value` lines are expected, not overall."],
    ),
    "logo": (
        'theme: {logo: "a\\0.png"}',
        ["There is no file a\0.png in params."],
    ),
    "text for a list": ("targets: nps", ["targets: a list is expected, not nps."]),
    "no number": (
        "thresholds: {alpha: high}",
        ["thresholds.alpha: high is not a number."],
    ),
    "infinite": (
        "thresholds: {alpha: .inf, kmo: nan, index: inf}",
        [
            "thresholds.alpha: .inf is not a number.",
            "thresholds.kmo: nan is not a number.",
            "thresholds.index: inf is not a number.",
        ],
    ),
    "no whole number": (
        "sampling: {planned: 1.5}",
        ["sampling.planned: 1.5 is not a whole number."],
    ),
    "list for a number": (
        "sampling: {planned: [1], margin: [2]}",
        [
            "sampling.planned: ['1'] is not a whole number.",
            "sampling.margin: ['2'] is not a number.",
        ],
    ),
    "out of range": (
        "conf_level: 95\nsampling: {planned: 0, margin: 3, response_rate: 1.2, design_effect: 0.5}",
        [
            "conf_level: 95 is not below 1.0.",
            "2|sampling.planned: 0 is not above 0.",
            "2|sampling.margin: 3 is not below 0.5.",
            "2|sampling.design_effect: 0.5 is below 1.0.",
            "2|sampling.response_rate: 1.2 is above 1.0.",
        ],
    ),
    "none of the words": (
        "index: {formula: percent}",
        ["index.formula: percent is not one of range or of_maximum."],
    ),
    "no date": (
        "targets:\n"
        "  - {name: a, metric: index, target: 9, due: soon}\n"
        "  - {name: b, metric: index, target: 9, due: 20261231}\n"
        "  - {name: c, metric: index, target: 9, due: 2026-12-31 10:00}\n"
        "  - {name: d, metric: index, target: 9, due: [2026-12-31]}",
        [
            "2|targets.0.due: soon is not a date like 2026-09-30.",
            "3|targets.1.due: 20261231 is not a date like 2026-09-30.",
            "4|targets.2.due: 2026-12-31 10:00 is not a date like 2026-09-30.",
            "5|targets.3.due: ['2026-12-31'] is not a date like 2026-09-30.",
        ],
    ),
    "empty": ("client: x\nindex:\n", ["2|index: `key: value` lines are expected, not –."]),
    "empty text": (
        "targets: [{name: '', metric: index, target: 1}]",
        ["targets.0.name is empty."],
    ),
    "too long": (
        f"targets: [{{name: {'x' * 81}, metric: index, target: 1}}]",
        ["targets.0.name is longer than 80."],
    ),
    "missing below a list": (
        "targets:\n  - {name: a, metric: index, target: 1}\n  - {name: b, metric: index}",
        ["3|targets.1.target is missing."],
    ),
    "empty list": (
        "outcomes:\n  Again: {column: kind_of_client, yes: [], no: old}",
        ["2|outcomes.Again.yes is empty."],
    ),
    "scale upside down": ("scale: {low: 5, high: 1}", ["scale: `low` must be below `high`."]),
    "satisfied off the scale": (
        "scale: {satisfied_from: 6}",
        ["scale: `satisfied_from` must lie on the scale, above `low`."],
    ),
    "yes and no": (
        "outcomes: {again: {column: kind, yes: [5, 4], no: [4, 3]}}",
        ["outcomes.again: 4 stands in both `yes` and `no`."],
    ),
    "column": (
        "nps: recomend",
        [f"answers.csv has no column recomend. Valid: {', '.join(HEADER)}."],
    ),
    "stratum twice": (
        "sampling:\n  strata: [city, wave, city]",
        ["2|city stands here twice."],
    ),
    "unknown key, three deep": (
        "overall:\n  column: kind\n  scale:\n    hihg: 7",
        ["4|Unknown key hihg. Did you mean high?"],
    ),
    "beyond all numbers": (
        f"sampling: {{planned: {'9' * 4400}}}",
        [f"sampling.planned: {'9' * 4400} cannot be used here."],
    ),
    "column of an outcome": (
        "outcomes:\n  Again:\n    yes: 1\n    no: 0\n    column: kind_of_clients",
        ["5|answers.csv has no column kind_of_clients. Did you mean kind_of_client?"],
    ),
    "column of a role": (
        "customer: idd\nsubmitted: cty",
        [
            "answers.csv has no column idd. Did you mean id?",
            "2|answers.csv has no column cty. Did you mean city?",
        ],
    ),
    "case and stratum": (
        "exclusions:\n  one_answer_per: iid\nsampling:\n  strata:\n    - city\n    - citi",
        [
            "2|answers.csv has no column iid. Did you mean id?",
            "6|answers.csv has no column citi. Did you mean city?",
        ],
    ),
    "reversed": (
        "reversed: [kind, slow]",
        ["slow is reversed but is no item. Valid: fast, on_time, kind."],
    ),
    "metric": (
        "targets:\n  - name: a\n    metric: nps\n    target: 20",
        ["3|There is no metric nps. Valid: Speed, Staff, index."],
    ),
    "where": (
        "targets:\n  - {name: a, metric: index, target: 1, where: {citi: north}}",
        ["2|citi is no segment. Did you mean city?"],
    ),
    "improvement": (
        "improvement:\n  dimension: Stuff\n  before: Before\n  after: never\n  treated: {x: y}",
        [
            "2|Stuff is no dimension. Did you mean Staff?",
            "3|There is no wave Before. Did you mean before?",
            "4|There is no wave never. Valid: before, after.",
            "5|x is no segment. Valid: city, kind_of_client.",
        ],
    ),
    "seconds": (
        "exclusions: {min_seconds: 30}",
        ["`min_seconds` needs `duration`: the column with the seconds."],
    ),
    "a name for two things": (
        "outcomes:\n"
        "  Staff: {column: kind_of_client, yes: new, no: old}\n"
        "  nps: {column: kind_of_client, yes: new, no: old}\n"
        "  city: {column: kind_of_client, yes: new, no: old}\n"
        "  kind: {column: kind_of_client, yes: new, no: old}",
        [
            "-1|Staff already names something else; choose another name.",
            "3|nps already names something else; choose another name.",
            "4|city already names something else; choose another name.",
            "5|kind already names something else; choose another name.",
        ],
    ),
    "two problems, one of them a duplicate": (
        "title: Another\nclient: [x]",
        ["The key title stands here twice.", "2|client: one text is expected, not ['x']."],
    ),
    "duplicate below": (
        "index:\n  source: overall\n  source: dimensions",
        ["3|The key source stands here twice."],
    ),
    "weighting to nothing": (
        "sampling:\n  strata: city\n  weighting: rake",
        ["3|`weighting` needs `data.population` and `strata` to weight to."],
    ),
    "weighting by another name": (
        "sampling: {weighting: raking}",
        ["sampling.weighting: raking is not one of none, post_stratify or rake."],
    ),
    "trim, no list": ("sampling: {trim: 3}", ["sampling.trim: a list is expected, not 3."]),
    "trim, one number": ("sampling: {trim: [0.3]}", ["sampling.trim.1 is missing."]),
    "trim, three numbers": (
        "sampling: {trim: [0.3, 1, 3]}",
        ["sampling.trim: a list of 2 is needed."],
    ),
    "trim, from 1": ("sampling: {trim: [1, 3]}", ["sampling.trim.0: 1 is not below 1.0."]),
    "trim, up to 1": ("sampling: {trim: [0.3, 1]}", ["sampling.trim.1: 1 is not above 1.0."]),
    "trim below 0": (
        "sampling: {trim: [-0.3, x]}",
        ["sampling.trim.0: -0.3 is below 0.0.", "sampling.trim.1: x is not a number."],
    ),
    "columns of the design": (
        "sampling:\n  weight: knd\n  cluster: kinds\n  std_dev: 0",
        [
            "2|answers.csv has no column knd. Did you mean kind?",
            "3|answers.csv has no column kinds. Did you mean kind?",
            "4|sampling.std_dev: 0 is not above 0.0.",
        ],
    ),
    "crosstab of no segment": (
        "crosstabs:\n  - [city, kind_of_client]\n  - [citi, kind]",
        [
            "3|citi is no segment. Did you mean city?",
            "3|kind is no segment. Valid: city, kind_of_client.",
        ],
    ),
    "crosstab of a segment by itself": ("crosstabs: [[city, city]]", ["city stands here twice."]),
    "crosstabs, no pairs": (
        "crosstabs: [city, [city, kind_of_client, wave]]",
        ["crosstabs.0: a list of 2 is needed.", "crosstabs.1: a list of 2 is needed."],
    ),
    "ranking": (
        "ranking: [citi, fast, city, city]",
        [
            "fast is an item: it cannot be a segment as well.",
            "city stands here twice.",
            "answers.csv has no column citi. Did you mean city?",
        ],
    ),
    "item as stratum": (
        "sampling:\n  strata: [fast]",
        ["2|fast is an item: it cannot be a segment as well."],
    ),
    "a name for a stratum and an outcome": (
        "ranking: id\nsampling: {strata: [kind_of_client]}\n"
        "outcomes:\n"
        "  id: {column: kind_of_client, yes: new, no: old}\n"
        "  kind_of_client: {column: kind_of_client, yes: new, no: old}",
        [
            "4|id already names something else; choose another name.",
            "5|kind_of_client already names something else; choose another name.",
        ],
    ),
    "grades that do not rise": (
        "grades: {alpha: [0.6, 0.7, 0.7, 0.9]}",
        ["grades: grades must rise."],
    ),
    "grades that fall": ("grades: {kmo: [0.9, 0.8, 0.7, 0.6, 0.5]}", ["grades: grades must rise."]),
    "too few and too many grades": (
        "grades:\n  alpha: [0.6, 0.7]\n  kmo: [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]",
        [
            "2|grades.alpha: a list of 4 is needed.",
            "3|grades.kmo: a list of 5 is needed.",
        ],
    ),
    "grade above 1": (
        "grades: {alpha: [0.6, 0.7, 0.8, 9]}",
        ["grades.alpha.3: 9 is above 1.0."],
    ),
    "thresholds out of range": (
        "thresholds:\n  ave: 1.5\n  rmsea: -0.1\n  power: 1\n  htmt: high\n  srmrr: 0.1",
        [
            "2|thresholds.ave: 1.5 is above 1.0.",
            "3|thresholds.rmsea: -0.1 is below 0.0.",
            "4|thresholds.power: 1 is not below 1.0.",
            "5|thresholds.htmt: high is not a number.",
            "6|Unknown key srmrr. Did you mean srmr?",
        ],
    ),
    "bases out of order": (
        "thresholds: {minimum_base: 50}",
        ["thresholds: `minimum_base` must not be above `caution_base`."],
    ),
}


@pytest.mark.parametrize(("more", "expected"), WRONG.values(), ids=WRONG.keys())
def test_wrong(more: str, expected: list[str], refused: Told) -> None:
    lines = [text.rpartition("|") for text in expected]
    assert refused(STUDY + more) == [appended(text, int(line or 1)) for line, _, text in lines]


NO_YAML = "This is not valid YAML: look at this line and the one above it."
INSTEAD = {
    "a level twice": (
        "[north, south]",
        "[north, south, north]",
        "9: north stands here twice.",
    ),
    "item twice": ("[kind]", "[kind, kind]", "8: The item kind stands in Staff twice."),
    "item as segment": (
        "{city: [north, south], kind_of_client: }",
        "[city, fast]",
        "9: fast is an item: it cannot be a segment as well.",
    ),
    "segments half a list, half a block": (
        "{city: [north, south], kind_of_client: }",
        "[kind_of_client, city: [north, south]]",
        "9: segments: `key: value` lines are expected, not "
        "['kind_of_client', {'city': ['north', 'south']}].",
    ),
    "no items": ("[kind]", "[]", "8: dimensions.Staff is empty."),
    "dimension without items": ("[kind]", "", "8: dimensions.Staff is empty."),
    "dimension with a long name": (
        "Staff",
        "S" * 81,
        f"8: dimensions.{'S' * 81} is longer than 80.",
    ),
    "dimension named as a metric": (
        "Staff",
        "satisfied",
        "8: satisfied already names something else; choose another name.",
    ),
    "dimension named as a segment": (
        "Staff",
        "city",
        "8: city already names something else; choose another name.",
    ),
    "no order of waves": ("[before, after]", "[]", "5: wave.order is empty."),
    "no title": ("title: A study", "", "2: title is missing."),
    "empty title": ("title: A study", "title:", "1: title: one text is expected, not –."),
    "title in braces": ("A study", "{{ title }}", "1: A key must be plain text: quote it."),
    "no data": ("data: {responses: answers.csv}", "", "1: data is missing."),
    "no responses": (
        "responses",
        "tickets",
        "3: data.responses is missing. Only before fieldwork a study does without: it then needs "
        "`sampling`.",
    ),
    "outside": (
        "answers.csv",
        "../raw/../answers.csv",
        "3: ../raw/../answers.csv lies outside data/raw.",
    ),
    "absolute": ("answers.csv", "/etc/passwd", "3: /etc/passwd lies outside data/raw."),
    "study file as data": (
        "answers.csv",
        "../../params/small.yml",
        "3: ../../params/small.yml lies outside data/raw.",
    ),
    "no name": ("answers.csv", '"a\\0b.csv"', r"3: No file can be called 'a\x00b.csv'."),
    "no name, too long": (
        "answers.csv",
        "a" * 300 + ".csv",
        f"3: No file can be called '{'a' * 300}.csv'.",
    ),
    "anchor": (
        "A study",
        "&a A study",
        "1: Anchors (&) and aliases (*) are not allowed: write the value out.",
    ),
    "alias": (
        "A study",
        "*a",
        "1: Anchors (&) and aliases (*) are not allowed: write the value out.",
    ),
    "binary": (
        "A study",
        "!!binary aGVsbG8=",
        "1: Tags (!!binary) are not allowed; quote the value.",
    ),
    "python": (
        "A study",
        "!!python/object/apply:os.system [exit]",
        "1: Tags (!!python/object/apply:os.system) are not allowed; quote the value.",
    ),
    "own tag": ("A study", "!mine x", "1: Tags (!mine) are not allowed; quote the value."),
    "tabs": (
        "  Staff",
        "\tStaff",
        f"8: {NO_YAML}",
    ),
    "not closed": (
        "[north, south]",
        "[north, south",
        f"9: {NO_YAML}",
    ),
    "control character": (
        "  Staff",
        "  \x0bStaff",
        f"8: {NO_YAML}",
    ),
    "too deep": (
        "A study",
        "[" * MAX_DEPTH,
        "1: Too many lists or blocks inside each other.",
    ),
    "two documents": (
        "dimensions:",
        "---\ndimensions:",
        f"6: {NO_YAML}",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), INSTEAD.values(), ids=INSTEAD.keys())
def test_wrong_instead_of_right(old: str, new: str, expected: str, refused: Told) -> None:
    assert STUDY.count(old) == 1
    assert refused(STUDY.replace(old, new)) == [f"params/small.yml:{expected}"]


@pytest.mark.parametrize("name", ["row", "case", "wave", "overall", "weight", "cluster"])
def test_columns_that_intake_names_itself(name: str, tmp_path: Path) -> None:
    text = STUDY.replace("kind]", f"{name}]").replace("kind_of_client", name)
    if name == "wave":
        text = text.replace("column: wave", "column: city")
    header = [name if column == "kind" else column for column in HEADER if column != "wave"]
    answers = table([*header, *(["wave"] if name != "wave" else [])], [["1"] * len(HEADER)])
    files = {"params/small.yml": text, "data/raw/answers.csv": answers}
    assert told(load, "small", make_project(tmp_path, files)) == [
        f"params/small.yml:{line}: A column may not be called {name}: rename it." for line in (8, 9)
    ]


@pytest.mark.parametrize("place", ["segments", "ranking", "strata"])
@pytest.mark.parametrize("name", ["weight", "cluster", "index", "satisfied"])
def test_columns_that_the_report_names_itself(place: str, name: str, tmp_path: Path) -> None:
    text = STUDY + (f"sampling: {{strata: {name}}}" if place == "strata" else f"ranking: {name}")
    if place == "segments":
        text = STUDY.replace("kind_of_client", name)
    header = [*HEADER[:3], name, *HEADER[4:]] if place == "segments" else [*HEADER, name]
    answers = table(header, [["1"] * len(header)])
    files = {"params/small.yml": text, "data/raw/answers.csv": answers}
    line = END if place == "segments" else END + 1
    assert told(load, "small", make_project(tmp_path, files)) == [
        f"params/small.yml:{line}: A column may not be called {name}: rename it."
    ]


def test_weights_named_as_what_they_are(tmp_path: Path) -> None:
    answers = table([*HEADER, "weight", "cluster"], [["1"] * (len(HEADER) + 2)])
    text = STUDY + "sampling: {weight: weight, cluster: cluster}"
    files = {"params/small.yml": text, "data/raw/answers.csv": answers}
    sampling = load("small", make_project(tmp_path, files)).plan.sampling
    assert sampling is not None and (sampling.weight, sampling.cluster) == ("weight", "cluster")


WHOLE = {
    "empty": "",
    "only a comment": "# title: x\n",
    "a list": "- title: x\n",
    "a text": "title",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE.keys())
def test_no_study_at_all(text: str, refused: Told) -> None:
    assert refused(text) == [
        "params/small.yml: A study file is a list of `key: value` lines; this is not."
    ]


def test_an_alias_bomb_is_not_lit(refused: Told) -> None:
    levels = [f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert refused("\n".join(["title: x", "k0: &k0 [x]", *levels])) == [
        "params/small.yml:2: Anchors (&) and aliases (*) are not allowed: write the value out."
    ]


def test_too_large(refused: Told) -> None:
    comment = "#" * (MAX_BYTES - len(STUDY) + 1)
    assert refused(STUDY + comment) == [
        "params/small.yml: The study file is larger than 1 MB; that cannot be right."
    ]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (STUDY.encode() + b"client: caf\xe9\n", END + 1),
        (b"\xef\xbb\xbfa: x\n\xff", 2),
        (STUDY.encode("utf-16"), 1),
        (STUDY.replace("A study", "研究").encode("gb18030"), 1),
    ],
    ids=["Latin 1", "after a byte-order mark", "UTF-16", "GB18030"],
)
def test_not_utf8(raw: bytes, line: int, refused: Told) -> None:
    assert refused(raw) == [
        f"params/small.yml:{line}: The study file is not UTF-8 text; save it as UTF-8."
    ]


def test_the_language_of_the_refusal_is_the_studys(tmp_path: Path) -> None:
    for line, language in {
        "language: en": "en",
        "": "zh_Hans",
        "language: [en]": "zh_Hans",
    }.items():
        text = STUDY.replace("language: en", line) + "colour: red"
        with pytest.raises(StudyError) as refusal:
            load("small", make_project(tmp_path, {"params/small.yml": text}))
        assert refusal.value.language == language


# --- which file it is


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("smal", "Did you mean small?"),
        ("x", "Valid: other, small."),
        ("", "Valid: other, small."),
        ("../params/small", "Valid: other, small."),
        ("../../etc/passwd", "Valid: other, small."),
        ("small\0", "Did you mean small?"),
        ("x" * 300, "Valid: other, small."),
    ],
)
def test_a_study_that_is_not_there(name: str, hint: str, tmp_path: Path) -> None:
    project = make_project(tmp_path, {"params/other.yml": STUDY, "params/notes.txt": ""})
    assert told(load, name, project) == [f"csat: There is no study {name} in params. {hint}"]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    assert told(load, tmp_path / "params" / "none.yml", project) == [
        "params/none.yml: The study file does not exist."
    ]


def test_a_name_that_cannot_name_folders(tmp_path: Path) -> None:
    project = make_project(tmp_path, {"params/-x.yml": STUDY})
    assert told(load, "-x", project) == [
        "params/-x.yml: A study file's name may hold letters, digits, space, - _ and . only."
    ]


def test_by_name_or_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path / "project", {"params/二 期.yml": STUDY})
    outside = tmp_path / "elsewhere.yaml"
    outside.write_text(STUDY, "utf-8")
    assert load("二 期", project).name == "二 期"
    assert load(outside, project).name == "elsewhere"
    monkeypatch.chdir(project.notebooks)
    study = load("small")
    assert study.project == Project(project.root)
    assert study.source("responses") == project.raw / "answers.csv"
    assert study.source("tickets") is None
    assert load("../params/small.yml").plan == study.plan


# --- what it may say


@pytest.mark.parametrize(
    "value",
    [
        *["007", "no", "yes", "on", "true", "1e-3", "1_000", "0x1F", "0o17", ".5", "+1", "3.0"],
        *["1.10", "2026-09-30", "12:30", "Null", "~x", "第一期", "a b"],
    ],
)
def test_values_stay_what_was_written(value: str, loaded: Loaded) -> None:
    text = STUDY.replace("[before, after]", f"[{value}, 'x']") + f"period: {value}\n"
    plan = loaded(text + f"labels: {{{value}: {value}}}\n").plan
    assert plan.waves == [value, "x"]
    assert plan.period == value
    assert plan.labels == {value: value}


def test_nothing_is_none_and_quoted_nothing_is_text(loaded: Loaded) -> None:
    plan = loaded(STUDY + "client: ~\nauthor: null\nperiod:\nmissing: ['', 'null', \"~\"]\n").plan
    assert (plan.client, plan.author, plan.period) == (None, None, None)
    assert plan.missing == ["", "null", "~"]


def test_short_forms(loaded: Loaded) -> None:
    long = loaded(
        "title: A study\ndata: {responses: answers.csv}\ndimensions: {Staff: [kind]}\n"
        "overall: {column: fast}\nsegments: {city: , kind_of_client: }\nmissing: []\n"
        "outcomes: {Again: {column: wave, yes: [after], no: [before]}}\n"
        "sampling: {strata: [city]}\nreversed: [kind]\n"
    )
    short = loaded(
        "title: A study\ndata: {responses: answers.csv}\ndimensions: {Staff: kind}\n"
        "overall: fast\nsegments: [city, kind_of_client]\nmissing:\n"
        "outcomes: {Again: {column: wave, yes: after, no: before}}\n"
        "sampling: {strata: city}\nreversed: kind\n"
    )
    assert short.plan == long.plan
    assert loaded(
        STUDY.replace("{city: [north, south], kind_of_client: }", "city")
    ).plan.segments == {"city": None}


def test_flow_and_block_style_and_line_ends_say_the_same(loaded: Loaded) -> None:
    flow = json.dumps(loaded(STUDY).plan.model_dump(mode="json", exclude_unset=True))
    assert loaded(flow).plan == loaded(STUDY).plan
    assert loaded(STUDY.replace("\n", "\r\n")).plan == loaded(STUDY).plan
    assert loaded("\ufeff" + STUDY).plan == loaded(STUDY).plan


def test_what_follows_from_the_study_file(loaded: Loaded) -> None:
    plan = loaded(
        STUDY + "overall: {column: kind, scale: {low: 0, high: 10, satisfied_from: 8}}\n"
        "scale: {high: 7}\nnps: on_time\nlabels: {fast: How fast we came}\n"
        "outcomes: {Again: {column: wave, yes: after, no: before}}\n"
        "targets: [{name: a, metric: Again, target: 1e-1, due: 2026-12-31}]\n"
    ).plan
    assert plan.items == ["fast", "on_time", "kind"]
    assert plan.metrics == ["Speed", "Staff", "index", "overall", "satisfied", "nps", "Again"]
    assert [plan.label("fast"), plan.label("kind")] == ["How fast we came", "kind"]
    assert (plan.scale.top_box, plan.overall_scale.top_box) == (6, 8)
    assert plan.low_dimension == 4.75  # 3.5 of 1–5, moved to 1–7
    assert plan.index_source == "overall"
    assert (plan.targets[0].target, plan.targets[0].due) == (0.1, date(2026, 12, 31))
    plain = loaded(STUDY).plan
    assert plain.metrics == ["Speed", "Staff", "index"]
    assert (plain.index_source, plain.low_dimension, plain.language) == ("dimensions", 3.5, "en")
    assert plain.overall_scale == plain.scale
    assert (
        loaded(STUDY + "thresholds: {dimension: 4}\nindex: {source: overall}").plan.low_dimension
        == 4
    )
    assert (
        loaded(STUDY.replace("wave: {column: wave, order: [before, after]}", "")).plan.waves == []
    )


def test_the_wave_may_be_a_segment_or_a_stratum(loaded: Loaded) -> None:
    text = STUDY.replace("{city:", "{wave: , city:") + "sampling: {strata: [wave, city]}"
    assert "wave" in loaded(text).plan.segments


def test_a_study_without_responses_is_a_plan(loaded: Loaded) -> None:
    text = STUDY.replace("{responses: answers.csv}", "{}")
    study = loaded(text + "sampling: {planned: 100, std_dev: 0.9}\nranking: engineer\n")
    assert not study.fielded and study.source("responses") is None
    assert study.plan.ranking == ["engineer"]  # no column is looked for
    assert loaded(STUDY).fielded


def test_what_a_study_may_set(loaded: Loaded) -> None:
    plan = loaded(
        STUDY + "crosstabs: [[city, kind_of_client]]\nranking: city\n"
        "sampling: {weight: fast, cluster: id, trim: [0.3, 3]}\n"
        "grades: {alpha: [0.5, 0.6, 0.7, 0.8]}\nthresholds: {minimum_base: 30, cfi: 0.95}\n"
    ).plan
    assert plan.crosstabs == [["city", "kind_of_client"]] and plan.ranking == ["city"]
    assert plan.sampling is not None and plan.sampling.trim == (0.3, 3)
    assert plan.sampling.weighting == "none"
    assert plan.grades.alpha == [0.5, 0.6, 0.7, 0.8]
    assert plan.grades.kmo == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert (plan.thresholds.cfi, plan.thresholds.minimum_base) == (0.95, 30)


def test_a_frame_needs_its_size(tmp_path: Path) -> None:
    frame = table(["city", "people"], [["north", "1"]])
    data = "data: {responses: answers.csv, population: frame.csv}"
    for sampling, expected in {
        "sampling: {strata: [city]}": [
            "10: `size` is missing: the column of frame.csv that holds the number of people."
        ],
        "sampling: {size: poeple, strata: [kind_of_client]}": [
            "10: frame.csv has no column poeple. Did you mean people?",
            "10: frame.csv has no column kind_of_client. Valid: city, people.",
        ],
        "sampling: {size: [people]}": ["10: sampling.size: one text is expected, not ['people']."],
    }.items():
        text = STUDY.replace("data: {responses: answers.csv}", data) + sampling
        project = make_project(tmp_path, {"params/small.yml": text, "data/raw/frame.csv": frame})
        assert told(load, "small", project) == [f"params/small.yml:{line}" for line in expected]


def test_weighting_needs_strata_and_no_weight_to_stratify(tmp_path: Path) -> None:
    frame = table(["city", "people"], [["north", "1"]])
    for sampling, expected in {
        "weighting: rake": "`weighting` needs `data.population` and `strata` to weight to.",
        "strata: city, weight: fast, weighting: post_stratify": (
            "`post_stratify` takes no `weight` to start from: use `rake`."
        ),
    }.items():
        text = STUDY.replace("answers.csv}", "answers.csv, population: frame.csv}")
        text += f"sampling: {{size: people, {sampling}}}"
        project = make_project(tmp_path, {"params/small.yml": text, "data/raw/frame.csv": frame})
        assert told(load, "small", project) == [appended(expected)]


def test_a_weight_below_nothing(tmp_path: Path) -> None:
    weights = ["1", "-0.5", "", "x", "-0.5", "0"]
    rows = [[str(i), "before", "north", "new", "1", "1", "1", w] for i, w in enumerate(weights)]
    files = {
        "params/small.yml": STUDY + "sampling: {weight: w}",
        "data/raw/answers.csv": table([*HEADER, "w"], rows),
    }
    study = load("small", make_project(tmp_path, files))
    assert told(prepare, study) == [
        "data/raw/answers.csv: column w, value 'x' in row 5: not a number. Correct it, or add it "
        "to `missing` if it means no answer.",
        "data/raw/answers.csv: column w, value '-0.5' in row 3, 6: a weight below 0.",
    ]


def test_what_depends_on_a_mistake_is_no_second_mistake(refused: Told) -> None:
    text = STUDY.replace("[before, after]", "[[before], after]").replace("[kind]", "{kind: 1}")
    targets = "targets: [{name: a, metric: Staff, target: 4, where: {town: x}}]\n"
    improvement = "improvement: {dimension: Staff, before: before, after: after}\n"
    segments = "segments: {town: {a: b}}\n"
    text = text.replace("segments: {city: [north, south], kind_of_client: }\n", segments)
    exclusions = "exclusions: {min_seconds: 3}\nduration: [id]\nreversed: kind\n"
    assert refused(text + targets + improvement + exclusions) == [
        "params/small.yml:5: wave.order.0: one text is expected, not ['before'].",
        "params/small.yml:8: dimensions.Staff.0: one text is expected, not {'kind': '1'}.",
        "params/small.yml:9: segments.town.0: one text is expected, not {'a': 'b'}.",
        "params/small.yml:13: duration: one text is expected, not ['id'].",
    ]


def test_lines_stay_right_after_a_mistake_in_a_list(refused: Told) -> None:
    targets = """\
targets:
  - {name: a, metric: index}
  - {name: b, metric: Sped, target: 1}
  - {name: c, metric: index, target: x}
  - {name: d, metric: Staf, target: 1}
"""
    assert refused(STUDY + targets) == [
        appended("targets.0.target is missing.", 2),
        appended("There is no metric Sped. Did you mean Speed?", 3),
        appended("targets.2.target: x is not a number.", 4),
        appended("There is no metric Staf. Did you mean Staff?", 5),
    ]


# --- whatever stands in the file


WORDS = [*Plan.model_fields, *HEADER, *"column order low high scale strata size yes no".split()]
MARKS = [
    ": ",
    "\n",
    "\n  ",
    "- ",
    ", ",
    *"[]{}&*!|>'\"#?%@`~\t\0\ufeff\u2028\x85\r",
    "---\n",
    "%YAML 1.",
]
VALUES = [*HEADER, "", "5", "-1", "nan", "1e400", "0", "\0", "../x", "answers.csv", "x" * 300]
DATA = st.recursive(
    st.sampled_from(VALUES) | st.integers(-3, 12) | st.none() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, *VALUES]), inner, max_size=4)
    ),
    max_leaves=12,
)
WRITTEN = st.lists(st.sampled_from([*WORDS, *MARKS]) | st.text(max_size=3), max_size=15).map(
    "".join
)
FILES = st.one_of(
    WRITTEN,
    WRITTEN.map(lambda text: STUDY + text),
    st.dictionaries(st.sampled_from(list(Plan.model_fields)), DATA, max_size=6).map(
        lambda blocks: STUDY + "".join(f"{k}: {json.dumps(v)}\n" for k, v in blocks.items())
    ),
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("fuzzed"))


@given(text=FILES)
@example(text="[" * 3000)
@example(text=STUDY + "labels: " + "[" * 3000 + "]" * 3000)
@example(text=STUDY + "segments: [a, {b: c}]")
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_stands_in_it_is_a_study_or_refused_in_words(text: str, fuzzed: Project) -> None:
    file = fuzzed.params / "small.yml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert load("small", fuzzed).plan.dimensions
    except StudyError as refusal:
        assert refusal.problems
        lines = len(text.splitlines()) + 1
        for problem in refusal.problems:
            assert problem.line is None or 1 <= problem.line <= lines
