"""Golden numbers of the statistics in src/stats, from scipy and statsmodels.

Tango's interval is in neither: here the constrained likelihood is maximised numerically and the score inverted by
brentq, so that it shares no formula with our closed form. Output: tests/golden/stats/stats.json.
Made with scipy 1.17.1 and statsmodels 0.15.0. Usage: python tests/reference/stats/make_stats_golden.py
"""
import json
from pathlib import Path

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

OUT = Path(__file__).resolve().parents[2] / "golden" / "stats" / "stats.json"

TABLES = [  # both, only baseline, only candidate, neither
    (184, 9, 7, 0), (191, 2, 0, 7), (1200, 40, 30, 49), (50, 5, 5, 10), (30, 0, 0, 20), (0, 1, 0, 0), (90, 0, 6, 4),
    (500, 1, 25, 100)]


def constrained_q(n, won, lost, d):
    """The likeliest share of lost items under won share - lost share = d, by minimising -log L."""
    rest = n - won - lost

    def cost(q):
        terms = [(won, q + d), (lost, q), (rest, 1 - 2 * q - d)]
        return -sum(k * np.log(max(p, 1e-300)) for k, p in terms if k > 0)

    low, high = max(0.0, -d), (1 - d) / 2
    found = optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-14})
    return min([low, high, found.x], key=cost)


def tango(table, confidence):
    both, lost, won, neither = table
    n, found = sum(table), (won - lost) / sum(table)
    z = stats.norm.ppf(0.5 + confidence / 2)

    def score(d):
        variance = n * (2 * constrained_q(n, won, lost, d) + d - d * d)
        return (won - lost - n * d) / np.sqrt(max(variance, 1e-300))

    edge = 1e-9
    low = optimize.brentq(lambda d: score(d) - z, -1 + edge, found - edge) if found - edge > -1 + edge else found
    high = optimize.brentq(lambda d: score(d) + z, found + edge, 1 - edge)
    return [low, high]


def discordant_case(table):
    both, lost, won, neither = table
    grid = [[both, lost], [won, neither]]
    exact = float(mcnemar(grid, exact=True).pvalue)
    mid = float(min(1, 2 * stats.binom.cdf(min(lost, won), lost + won, 0.5) - stats.binom.pmf(min(lost, won), lost + won, 0.5)))
    return dict(table=table, exact=exact, mid_p=mid, tango_95=tango(table, 0.95), tango_90=tango(table, 0.90))


def cluster_sample(seed, n_clusters):
    """Differences of 1 to 4 trials a cluster, skewed so that BCa differs from the percentile interval."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, n_clusters)
    sums = [int(rng.choice([-1, 0, 0, 0, 0, 0, 1], size=size, p=[.12, .17, .17, .17, .17, .17, .03]).sum()) for size in sizes]
    return sums, [int(s) for s in sizes]


def bootstrap_case(seed, n_clusters):
    sums, sizes = cluster_sample(seed, n_clusters)

    def ratio(s, n, axis=-1):
        return np.sum(s, axis=axis) / np.sum(n, axis=axis)

    def bounds(confidence):
        found = stats.bootstrap((np.array(sums), np.array(sizes)), ratio, paired=True, vectorized=True, n_resamples=400000,
                                batch=2000, confidence_level=confidence, method="BCa", rng=np.random.default_rng(7))
        return [float(found.confidence_interval.low), float(found.confidence_interval.high)]

    flips = stats.permutation_test((np.array(sums, float),), lambda x, axis=-1: np.abs(np.sum(x, axis=axis)),
                                   permutation_type="samples", n_resamples=400000, batch=2000, alternative="greater",
                                   rng=np.random.default_rng(8))
    return dict(sums=sums, sizes=sizes, bca_95=bounds(0.95), bca_90=bounds(0.90), sign_flip_p=float(flips.pvalue))


def shares_case(k1, n1, k2, n2):
    wald = test_proportions_2indep(k2, n2, k1, n1, method="wald")
    low, high = confint_proportions_2indep(k2, n2, k1, n1, method="wald")
    return dict(counts=[k1, n1, k2, n2], z=float(wald.statistic), p=float(wald.pvalue), interval=[float(low), float(high)])


def main():
    quantiles = [[p, float(stats.norm.ppf(p))] for p in (1e-12, 0.001, 0.05, 0.5, 0.8, 0.975, 0.999999)]
    golden = dict(normal_quantiles=quantiles,
                  discordant=[discordant_case(table) for table in TABLES],
                  bootstrap=[bootstrap_case(1, 60), bootstrap_case(2, 200)],
                  shares=[shares_case(193, 200, 191, 200), shares_case(365, 396, 352, 396), shares_case(50, 60, 20, 45)])
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
