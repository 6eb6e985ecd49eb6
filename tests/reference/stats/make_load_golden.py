"""Golden numbers of the statistics that load reports use, from scipy and numpy. Output: tests/golden/stats/load.json.

Made with scipy 1.17.1 and numpy 2.4.6. Usage: python tests/reference/stats/make_load_golden.py
"""
import json
from pathlib import Path

import numpy as np
from scipy import stats

OUT = Path(__file__).resolve().parents[2] / "golden" / "stats" / "load.json"


def t_quantiles():
    return [[p, df, float(stats.t.ppf(p, df))] for p in (0.0005, 0.025, 0.2, 0.5, 0.9, 0.975, 0.999)
            for df in (1, 2.5, 10, 58, 1000)]


def quantile_case(seed, n, level):
    x = np.sort(np.random.default_rng(seed).exponential(size=n)).round(6)
    # The order statistics with the binomial's tails: scipy's quantile_test, whose interval is the same construction.
    ends = stats.quantile_test(x, q=0, p=level).confidence_interval(0.95)
    finite = [float(e) if np.isfinite(e) else None for e in ends]
    return dict(values=x.tolist(), level=level, quantile=float(np.quantile(x, level)), interval=finite)


def slope_case(seed, n, trend):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 60, n)).round(6)
    y = (trend * x + rng.normal(0, 1, n)).round(6)
    fit = stats.linregress(x, y)
    reach = float(stats.t.ppf(0.975, n - 2) * fit.stderr)
    return dict(x=x.tolist(), y=y.tolist(), slope=float(fit.slope), interval=[float(fit.slope) - reach, float(fit.slope) + reach])


def main():
    golden = dict(
        t_quantiles=t_quantiles(),
        quantiles=[quantile_case(1, 100, 0.5), quantile_case(2, 200, 0.95), quantile_case(3, 72, 0.95),
                   quantile_case(4, 71, 0.95), quantile_case(5, 500, 0.99), quantile_case(6, 300, 0.1)],
        slopes=[slope_case(7, 30, 0.0), slope_case(8, 60, 0.05), slope_case(9, 12, -0.2)])
    OUT.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
