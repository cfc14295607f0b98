"""pyproject.toml, requirements.lock and environment.yml agree; the fixed files are there."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import csat_stats

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
ENVIRONMENT = YAML(typ="safe").load((ROOT / "environment.yml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PYTHONS = ("3.11", "3.12", "3.13")
# Packages that conda-forge has under another name.
CONDA_NAMES = {"matplotlib-base": "matplotlib", "playwright-python": "playwright"}


def specifiers(lines: list[str]) -> dict[str, SpecifierSet]:
    """Version bounds by normalised package name."""
    parsed = map(Requirement, lines)
    return {canonicalize_name(item.name): item.specifier for item in parsed}


def locked_entries() -> list[tuple[Requirement, list[str]]]:
    """Each requirement of the lock with its hashes."""
    logical_lines = LOCK.replace("\\\n", " ").splitlines()
    entries = [line for line in logical_lines if line.strip() and not line.lstrip().startswith("#")]
    return [
        (Requirement(line.split("--hash")[0]), re.findall(r"--hash=(\S+)", line))
        for line in entries
    ]


def locked_for(python: str) -> dict[str, list[str]]:
    """The versions that the lock installs on Linux with this Python, by package name."""
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.7",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    versions: dict[str, list[str]] = defaultdict(list)
    for requirement, _ in locked_entries():
        if requirement.marker is None or requirement.marker.evaluate(machine):
            (pin,) = requirement.specifier
            assert pin.operator == "==", f"{requirement} is not one exact version"
            versions[canonicalize_name(requirement.name)].append(pin.version)
    return versions


def imported_packages() -> dict[str, set[Path]]:
    """The files of src/ that import each package from elsewhere."""
    files: dict[str, set[Path]] = defaultdict(set)
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                files[name.split(".")[0]].add(path.relative_to(ROOT))
    return {
        name: paths
        for name, paths in files.items()
        if name not in sys.stdlib_module_names and name != "csat_stats"
    }


RUNTIME = specifiers(PROJECT["dependencies"])
DECLARED = specifiers(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
# Comes with a declared package, in a version that only that package may choose.
COMPANIONS = {"pydantic-core"}


def test_environment_has_the_packages_and_bounds_of_pyproject() -> None:
    lines = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    (from_pip,) = (item["pip"] for item in ENVIRONMENT["dependencies"] if isinstance(item, dict))
    assert from_pip[-1] == "-e .", "environment.yml does not install csat-stats itself"

    found = specifiers(lines + from_pip[:-1])
    found = {CONDA_NAMES.get(name, name): bounds for name, bounds in found.items()}
    assert found.pop("python") == SpecifierSet(PROJECT["requires-python"])
    del found["pip"]
    assert found == DECLARED


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_pyproject(python: str) -> None:
    locked = locked_for(python)
    twice = {name: versions for name, versions in locked.items() if len(versions) > 1}
    assert not twice, f"more than one version for Python {python}: {twice}"

    build = specifiers(PYPROJECT["build-system"]["requires"])
    for name, bounds in [*DECLARED.items(), *build.items()]:
        assert name in locked, f"{name} is missing for Python {python}: run `make lock`"
        (version,) = locked[name]
        assert version in bounds, f"{name} {version} is not {bounds}: run `make lock`"


def test_every_imported_package_is_declared() -> None:
    distributions = packages_distributions()
    allowed = RUNTIME.keys() | COMPANIONS
    undeclared = {
        name: sorted(map(str, paths))
        for name, paths in imported_packages().items()
        if not allowed & {canonicalize_name(item) for item in distributions.get(name, [])}
    }
    assert not undeclared, "imported, but not in the dependencies of pyproject.toml"


def test_every_locked_package_has_hashes() -> None:
    without = [str(requirement) for requirement, hashes in locked_entries() if not hashes]
    assert not without
    digests = [digest for _, hashes in locked_entries() for digest in hashes]
    assert [digest for digest in digests if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest)] == []


def test_scikit_learn_stays_below_the_version_that_breaks_factor_analyzer() -> None:
    assert "1.7.2" in DECLARED["scikit-learn"]
    assert "1.8.0" not in DECLARED["scikit-learn"]


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "requirements.lock",
        "environment.yml",
        "Makefile",
        ".ci/run",
        ".pre-commit-config.yaml",
    ],
)
def test_no_download_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert re.findall(r"\S*(?:://|index-url|find-links|git\+)\S*", text) == []


@pytest.mark.parametrize(
    "name",
    ["notebooks", "src/csat_stats", "params", "data/raw", "data/processed", "reports", "tests"],
)
def test_top_level_folder_is_there(name: str) -> None:
    assert (ROOT / name).is_dir(), f"a fresh clone has no {name}/"


def test_license_is_gpl_3_or_later() -> None:
    assert PROJECT["license"] == "GPL-3.0-or-later"
    title = (ROOT / "LICENSE").read_text("utf-8").split()[:7]
    assert " ".join(title) == "GNU GENERAL PUBLIC LICENSE Version 3, 29"


def test_changelog_has_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## {csat_stats.__version__} " in changelog


def test_every_key_of_the_study_file_is_documented() -> None:
    """By its name, below the heading of its block: ``sampling.margin``, ``scale.low``, …"""
    from csat_stats.study import Plan

    text = (ROOT / "docs" / "study-file.md").read_text("utf-8")
    schema = Plan.model_json_schema()
    named = set(re.findall(r"`([a-z_.]+)", text))
    keys = set(schema["properties"])
    for key, block in schema["properties"].items():
        for option in (block, *block.get("anyOf", [])):
            if "$ref" in option and key not in ("improvement", "overall"):
                inner = schema["$defs"][option["$ref"].rsplit("/", 1)[1]]["properties"]
                keys = keys - {key} | {f"{key}.{name}" for name in inner}
    found = {key for key in keys for name in named if f"{name}.".startswith(f"{key}.")}
    assert keys - found - {"outcomes"} == set()  # written as outcomes.NAME
