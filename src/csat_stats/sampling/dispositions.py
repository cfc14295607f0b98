"""What became of the cases drawn: the outcome rates of AAPOR."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from csat_stats.frames import numbers
from csat_stats.frames import require as require_values
from csat_stats.results import Result, message
from csat_stats.sampling._strata import require

CODES = ("I", "P", "R", "NC", "O", "UH", "UO", "NE")


@dataclass(frozen=True, kw_only=True)
class ResponseRates(Result):
    """AAPOR outcome rates, 0–1; ``estimate`` is RR1, which assumes nothing.

    ``e`` is the share of the cases of unknown eligibility taken as eligible in RR3 and RR4;
    ``counts`` are the cases by code.

    ``table``: rate (RR1–RR6, COOP1–COOP4, REF1–REF3, CON1–CON3), numerator, denominator,
    estimate (missing where the denominator is 0).
    """

    rr1: float | None = None
    rr2: float | None = None
    rr3: float | None = None
    rr4: float | None = None
    e: float
    counts: dict[str, int]


def response_rates(
    dispositions: pd.Series | Mapping[str, int],
    *,
    codes: Mapping[Hashable, str] | None = None,
    e: float | None = None,
) -> ResponseRates:
    """Response, cooperation, refusal and contact rates from the final dispositions.

    Parameters
    ----------
    dispositions
        One final disposition per case drawn, missing ones being left out and counted; or the
        number of cases by code. The codes are I complete interview, P partial interview, R refusal
        and break-off, NC no contact, O other eligible, UH unknown whether there is an eligible
        person, UO otherwise unknown, NE not eligible.
    codes
        What the dispositions mean: own name → one of these codes.
    e
        Share of the cases of unknown eligibility that is eligible, 0–1. Without it: the share of
        the eligible among the cases of known eligibility (proportional allocation, CASRO).

    Raises
    ------
    ValueError
        If a disposition or code is unknown, a count is negative, or ``e`` is not a share.

    Notes
    -----
    AAPOR, Standard Definitions, 10th edition (2023): with D = I + P + R + NC + O and U = UH + UO,
    RR1 = I/(D + U), RR2 = (I + P)/(D + U), RR3 and RR4 the same over D + eU, RR5 and RR6 over D;
    COOP1 = I/(I + P + R + O), COOP2 = (I + P)/(I + P + R + O), COOP3 and COOP4 the same without O
    below the line; REF1–REF3 = R and CON1–CON3 = (I + P + R + O) over D + U, D + eU, D.
    e = D/(D + NE), which is 1 where no case was found not to be eligible.

    Examples
    --------
    >>> result = response_rates({"I": 300, "P": 20, "R": 180, "UH": 100, "NE": 125})
    >>> result.rr1, result.e, round(result.rr3, 4)
    (0.5, 0.8, 0.5172)
    """
    require(e is None or 0 <= e <= 1, "e", e, "a share such as 0.8")
    if isinstance(dispositions, pd.Series):
        given = dispositions.dropna().value_counts()
    else:
        given = numbers(pd.Series(dispositions, name="dispositions", dtype="float64"))
        require_values((given >= 0) & (given % 1 == 0), given, "numbers of cases")
    counts = dict.fromkeys(CODES, 0)
    for name, n in given.items():
        code = name if codes is None else codes.get(name)
        if code not in counts:
            raise ValueError(
                f"disposition {name!r} stands for {code!r}: one of {', '.join(CODES)} is needed"
            )
        counts[code] += int(n)

    i, p, r, nc, o, uh, uo, ne = counts.values()
    eligible, unknown, contacted = i + p + r + nc + o, uh + uo, i + p + r + o
    notes = []
    if e is None:
        e = eligible / (eligible + ne) if eligible + ne else 1.0
        source = message("estimated from the cases of known eligibility")
        if unknown and not ne:
            note = message(
                "No case was found not to be eligible, so all of unknown eligibility count as"
                " eligible: RR3 and RR4 are the lowest possible."
            )
            notes.append(note)
    else:
        source = message("as given")
    full, part, known = eligible + unknown, eligible + e * unknown, eligible
    rates = {
        "RR1": (i, full),
        "RR2": (i + p, full),
        "RR3": (i, part),
        "RR4": (i + p, part),
        "RR5": (i, known),
        "RR6": (i + p, known),
        "COOP1": (i, contacted),
        "COOP2": (i + p, contacted),
        "COOP3": (i, contacted - o),
        "COOP4": (i + p, contacted - o),
        "REF1": (r, full),
        "REF2": (r, part),
        "REF3": (r, known),
        "CON1": (contacted, full),
        "CON2": (contacted, part),
        "CON3": (contacted, known),
    }
    table = pd.DataFrame(
        [(name, above, below) for name, (above, below) in rates.items()],
        columns=["rate", "numerator", "denominator"],
    ).astype({"denominator": "float64"})
    table["estimate"] = table["numerator"] / table["denominator"].where(table["denominator"] > 0)
    values = [None if np.isnan(value) else float(value) for value in table["estimate"]]
    n_dropped = int(dispositions.isna().sum()) if isinstance(dispositions, pd.Series) else 0
    return ResponseRates(
        estimate=values[0],
        rr1=values[0],
        rr2=values[1],
        rr3=values[2],
        rr4=values[3],
        e=e,
        counts=counts,
        n_used=sum(counts.values()),
        n_dropped=n_dropped,
        method=message(
            "Response rates by AAPOR Standard Definitions, 10th edition (2023), headline RR1;"
            " e = {e:.3f} of the cases of unknown eligibility taken as eligible, {source}; cases"
            " without a disposition are left out.",
            e=e,
            source=source,
        ),
        notes=tuple(notes),
        not_estimable=(
            None if full else message("There are no cases that are or may be eligible.")
        ),
        table=table,
    )
