"""What every judgement of what is learned shares: refused files, shares, intervals, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maplebridge.lib.tables import Problem

SEED = 20190711
RESAMPLED = 1000
BINS = 10

Figures = dict[str, float | int | dict[str, list[float]]]


class FileRefused(ValueError):
    """A file that cannot be judged by. problems: all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = list(problems)


def calibration_error(said: NDArray[np.float64], came: NDArray[np.bool_]) -> float:
    """Expected calibration error: mean distance of what was said from what came.

    said: shares from 0 to 1, in ten bins of equal width, each weighed by its cases.
    Source: Naeini et al. 2015, Obtaining Well Calibrated Probabilities Using Bayesian Binning.
    """
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    apart = [
        abs(said[bins == n].mean() - came[bins == n].mean()) * np.mean(bins == n)
        for n in np.unique(bins)
    ]
    return round(float(sum(apart)), 4)


def share(hits: NDArray[np.bool_]) -> float:
    """The share of hits that are true, to four places."""
    return round(float(hits.mean()), 4)


def interval(hits: NDArray[np.bool_]) -> list[float]:
    """95 % interval of `share`, by resampling cases RESAMPLED times with SEED."""
    drawn = np.random.default_rng(SEED).choice(hits, (RESAMPLED, len(hits))).mean(axis=1)
    return [round(float(cut), 4) for cut in np.percentile(drawn, (2.5, 97.5))]
