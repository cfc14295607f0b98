"""``python -m csat_stats.simulate FOLDER`` writes the demonstration tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from csat_stats.simulate import after_sales, write_csv

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write an invented after-sales study as CSV.")
    parser.add_argument("folder", type=Path)
    write_csv(after_sales(), parser.parse_args().folder)
