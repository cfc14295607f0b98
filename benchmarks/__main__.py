"""``python -m benchmarks [topic …]``: prints the table of each topic."""

from __future__ import annotations

import importlib
import sys

import pandas as pd

TOPICS = ["reliability", "drivers", "accuracy", "nist", "recovery"]


def main(topics: list[str]) -> None:
    for topic in topics or TOPICS:
        module = importlib.import_module(f"benchmarks.{topic}")
        print((module.__doc__ or topic).splitlines()[0])
        if hasattr(module, "table"):
            print(module.table())
            continue
        print(pd.DataFrame(module.rows()).to_string(index=False, float_format="{:,.3g}".format))


if __name__ == "__main__":
    main(sys.argv[1:])
