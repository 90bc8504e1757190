r"""Logarithms of graph proximities cluster nodes better than the proximities themselves.

Claim: the elementwise logarithm of a proximity matrix of a graph's nodes (walks, forests,
communicability, heat), turned into distances, clusters the nodes better than the matrix itself in
most cases; the logarithm of communicability usually leads. It turns a multiplicative inequality of
transitions into the triangle inequality.

Formula: with the adjacency matrix :math:`A`, its largest eigenvalue :math:`\rho`, the Laplacian
matrix :math:`L`, a parameter :math:`u \in (0, 1)` and :math:`s = u / (1 - u)`: *walk*
:math:`K = (I - u A / \rho)^{-1}`, *forest* :math:`(I + s L)^{-1}`, *communicability*
:math:`\exp s (A - \rho I)`, *heat* :math:`\exp(-s L)`. With :math:`H = K` or :math:`H = \ln K`
entry by entry, :math:`d_{ij} = h_{ii} + h_{jj} - 2 h_{ij}`.

Set-up: connected random graphs of 100 nodes in blocks, edges likelier within a block than between
two (stochastic block models; five of them), and Zachary's karate club with its two factions.
Ward's linkage on :math:`d`, cut at the true number of blocks. For each family with and without
the logarithm, :math:`u` is chosen from 13 values on one half of the graphs and scored on the
other. Baseline: the same family and the same choice without the logarithm.

Measured: the adjusted Rand index against the blocks; for a graph with a node that every path from
:math:`i` to :math:`k` passes, how far :math:`d_{ij} + d_{jk}` is from :math:`d_{ik}` (*cutpoint
additivity*). The claim held if in most pairs of a model and a family the logarithm is not worse by
more than a standard error, if the mean gain is large, and if the logarithm of communicability is
the best of all eight in most models. That the logarithms of walk and forest are additive is an
identity, which verifies the code, and the verdict does not rest on it. The logarithms of
communicability and heat are not additive; that, the karate club, and :math:`\sqrt d` in place of
:math:`d` are shown without a bound.

Reference: V. Ivashkin, P. Chebotarev, Do logarithmic proximity measures outperform plain ones in
graph clustering?, Springer Proceedings in Mathematics and Statistics 197 (2017), arXiv 1605.01046.

Deviation: four of the families, made graphs and one small real one; bounds from earlier trials
with other seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from pydantic import Field

from mathgloss.experiments._contract import (
    Check,
    Experiment,
    Metric,
    Outcome,
    Params,
    Progress,
    Table,
)
from mathgloss.experiments._numerics import Floats, Integers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Family = Literal["walk", "forest", "communicability", "heat"]
Variant = tuple[Family, bool]  # a family, and whether with the logarithm

FAMILIES: Final[tuple[Family, ...]] = ("walk", "forest", "communicability", "heat")
VARIANTS: Final[tuple[Variant, ...]] = tuple(
    (family, logarithm) for family in FAMILIES for logarithm in (False, True)
)
_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")  # told apart by all eyes
_LEAST: Final = 1e-300  # below it, rounding may leave a proximity at zero or negative


@dataclass(frozen=True, slots=True)
class Model:
    """A stochastic block model: shares of the nodes by block, probabilities of an edge."""

    shares: tuple[float, ...]
    within: float
    between: float

    @property
    def name(self) -> str:
        """Shares in percent and the two probabilities."""
        shares = "+".join(f"{100 * share:.0f}" for share in self.shares)
        return f"{shares}, {self.within:g} / {self.between:g}"


MODELS: Final = (
    Model((0.5, 0.5), 0.3, 0.15),
    Model((0.5, 0.5), 0.3, 0.1),
    Model((0.25,) * 4, 0.3, 0.1),
    Model((0.65, 0.35), 0.3, 0.15),
    Model((0.2, 0.3, 0.5), 0.3, 0.1),
)


class CommunicabilityParams(Params):
    """Graphs and parameters of the proximities."""

    models: int = Field(5, ge=1, le=5, description="Number of models, in the order of the table")
    nodes: int = Field(100, ge=40, le=200, multiple_of=20, description="Nodes of a graph")
    values: int = Field(13, ge=5, le=30, description="Values of u, from 0.05 to 0.95")
    linkage: Literal["ward", "average"] = Field("ward", description="Linkage of the clusters")
    repeats: int = Field(
        20, ge=4, le=60, multiple_of=2, description="Graphs of each model, half to choose u"
    )

    @property
    def grid(self) -> Floats:
        """The values of u."""
        return np.linspace(0.05, 0.95, self.values)


@dataclass(frozen=True, slots=True)
class Scores:
    """Adjusted Rand indices, shape (graphs, values of u), by variant."""

    plain: dict[Variant, Floats]
    rooted: dict[Variant, Floats]


def run(params: CommunicabilityParams, rng: np.random.Generator, progress: Progress) -> Outcome:
    """Cluster all graphs with every variant and every u."""
    found: dict[str, Scores] = {}
    models = MODELS[: params.models]
    for place, (model, stream) in enumerate(zip(models, rng.spawn(len(models)), strict=True)):
        progress(place / (len(models) + 1), f"model {model.name}")
        graphs = [_random_graph(params, model, stream) for _ in range(params.repeats)]
        found[model.name] = _score(params, graphs)
    progress(len(models) / (len(models) + 1), "karate club")
    karate = _score(params, [_karate_club()])
    additivity = {variant: _additivity_error(variant) for variant in VARIANTS}
    return Outcome(
        metrics=list(_metrics(found, karate, additivity)),
        checks=_checks(found, additivity),
        tables=[_model_table(found), _variant_table(found, karate, additivity)],
        draw=lambda figure: _draw(figure, params, found),
    )


EXPERIMENT: Final = Experiment(
    id="log-communicability-clustering",
    title="Logarithms of graph proximities find the blocks of a graph better",
    paper="paper:do-logarithmic-proximity-measures-outperform-plain-ones-in-graph-clustering",
    about=("wd:Q622825", "wd:Q11197", "wd:Q620622", "wd:Q910404"),
    uses=("wd:Q727035", "wd:Q772067", "wd:Q1191722", "wd:Q3345669", "wd:Q180953"),
    claim="The elementwise logarithm of a graph's proximity matrix clusters the nodes better than "
    "the matrix itself in most cases, and that of communicability usually leads.",
    params=CommunicabilityParams,
    quick={"models": 1, "repeats": 4, "values": 5},
    cost_s=15,
    packages=("scipy",),
    reference="V. Ivashkin, P. Chebotarev, arXiv 1605.01046",
    gives_up="Four families of proximities, graphs of 100 nodes and one small real graph.",
    not_tested=(
        "the paper's other families and its reject curves",
        "graphs of newsgroups and football teams",
    ),
    run=run,
)


@dataclass(frozen=True, slots=True)
class Graph:
    """Adjacency matrix, shape (nodes, nodes), and the block of each node."""

    adjacency: Floats
    blocks: Integers


def _random_graph(params: CommunicabilityParams, model: Model, rng: np.random.Generator) -> Graph:
    """A connected graph of the model."""
    sizes = [round(share * params.nodes) for share in model.shares]
    blocks = np.repeat(np.arange(len(sizes)), sizes)
    likely = np.where(blocks[:, None] == blocks, model.within, model.between)
    while True:
        edges = np.triu(rng.uniform(size=likely.shape) < likely, 1)
        adjacency = (edges | edges.T).astype(float)
        _, vectors = np.linalg.eigh(adjacency)
        # the leading vector has no zero entry on a connected graph
        if np.abs(vectors[:, -1]).min() > 1e-9:
            return Graph(adjacency, blocks)


def _karate_club() -> Graph:
    import networkx as nx

    graph = nx.karate_club_graph()
    factions = [club == "Officer" for _, club in graph.nodes(data="club")]
    edges = nx.to_numpy_array(graph) > 0  # without the weights
    return Graph(edges.astype(float), np.array(factions, dtype=np.int64))


def _proximities(adjacency: Floats, family: Family, grid: Floats) -> Floats:
    """Proximity matrices by u, shape (values of u, nodes, nodes).

    Walk and forest are inverses of M-matrices, which elimination keeps accurate in every entry;
    logarithms of small entries need that.
    """
    identity = np.eye(len(adjacency))
    laplacian = np.diag(adjacency.sum(axis=1)) - adjacency
    s = (grid / (1 - grid))[:, None, None]
    if family == "walk":
        rho = np.linalg.eigvalsh(adjacency)[-1]
        return np.asarray(np.linalg.inv(identity - grid[:, None, None] * adjacency / rho))
    if family == "forest":
        return np.asarray(np.linalg.inv(identity + s * laplacian))
    # heat flows by -L; what communicability takes off is its largest eigenvalue
    values, vectors = np.linalg.eigh(adjacency if family == "communicability" else -laplacian)
    values -= values[-1]
    return np.asarray((vectors * np.exp(s * values)) @ vectors.T)


def _distances(adjacency: Floats, variant: Variant, grid: Floats) -> Floats:
    """The matrices d by u; where rounding makes them negative they are zero."""
    family, logarithm = variant
    H = _proximities(adjacency, family, grid)
    if logarithm:
        H = np.log(H.clip(min=_LEAST))
    own = np.diagonal(H, axis1=1, axis2=2)
    return np.asarray((own[:, :, None] + own[:, None, :] - 2 * H).clip(min=0))


def _score(params: CommunicabilityParams, graphs: Sequence[Graph]) -> Scores:
    """Cluster every graph with every variant and u."""
    plain: dict[Variant, Floats] = {}
    rooted: dict[Variant, Floats] = {}
    for variant in VARIANTS:
        by_graph = [_distances(graph.adjacency, variant, params.grid) for graph in graphs]
        for scores, change in ((plain, np.asarray), (rooted, np.sqrt)):
            scores[variant] = np.array([
                [_agreement(params, change(d), graph.blocks) for d in distances]
                for distances, graph in zip(by_graph, graphs, strict=True)
            ])
    return Scores(plain, rooted)


def _agreement(params: CommunicabilityParams, distances: Floats, blocks: Integers) -> float:
    """The adjusted Rand index of the clusters that the distances give against the blocks."""
    from scipy.cluster.hierarchy import fcluster, linkage

    upper = distances[np.triu_indices(len(blocks), 1)]
    tree = linkage(upper, params.linkage)
    clusters = fcluster(tree, blocks.max() + 1, criterion="maxclust")
    return _rand_index(blocks, clusters)


def _rand_index(first: Integers, second: Integers) -> float:
    """Adjusted for chance: 1 if two partitions are the same, 0 on average if unrelated."""
    shared = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(shared, (first, second), 1)
    counts = (shared, shared.sum(axis=1), shared.sum(axis=0), shared.sum())
    # pairs of nodes that are together in both, in either one, and all pairs
    both, one, other, pairs = (float((n * (n - 1) / 2).sum()) for n in counts)
    expected = one * other / pairs
    return (both - expected) / ((one + other) / 2 - expected)


def _additivity_error(variant: Variant) -> float:
    """Largest relative violation between two cliques that meet in one node, at u = 1/2.

    They are of two sizes: between nodes that a symmetry exchanges, distances may vanish.
    """
    clique, other = 5, 8
    adjacency = np.zeros((clique + other - 1, clique + other - 1))
    adjacency[:clique, :clique] = adjacency[clique - 1 :, clique - 1 :] = 1
    np.fill_diagonal(adjacency, 0)
    (d,) = _distances(adjacency, variant, np.array([0.5]))
    left, cut, right = slice(clique - 1), clique - 1, slice(clique, None)
    across = d[left, right]
    by_the_cut = d[left, cut, None] + d[cut, right]
    return float(np.abs(by_the_cut / across - 1).max())


def _chosen(scores: dict[Variant, Floats]) -> dict[Variant, Floats]:
    """Indices on the second half of the graphs, at the u that is best on the first half."""
    chosen = {}
    for variant, values in scores.items():
        half = len(values) // 2
        chosen[variant] = values[half:, values[:half].mean(axis=0).argmax()]
    return chosen


def _gains(scores: dict[Variant, Floats]) -> dict[Family, tuple[float, float]]:
    """Mean of the logarithm's index less the plain one's, and its standard error, by family."""
    chosen = _chosen(scores)
    gains: dict[Family, tuple[float, float]] = {}
    for family in FAMILIES:
        difference = chosen[family, True] - chosen[family, False]
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        gains[family] = float(difference.mean()), float(error)
    return gains


def _leads(scores: dict[Variant, Floats]) -> bool:
    """Whether the logarithm of communicability has the best mean of all."""
    means = {variant: values.mean() for variant, values in _chosen(scores).items()}
    return max(means, key=lambda variant: float(means[variant])) == ("communicability", True)


def _checks(found: dict[str, Scores], additivity: dict[Variant, float]) -> list[Check]:
    gains = [gain for scores in found.values() for gain in _gains(scores.plain).values()]
    not_worse = float(np.mean([gain > -error for gain, error in gains]))
    mean = float(np.mean([gain for gain, _ in gains]))
    leading = float(np.mean([_leads(scores.plain) for scores in found.values()]))
    additive = max(additivity["walk", True], additivity["forest", True])
    return [
        Check("pairs of a model and a family where the log is not worse", not_worse, ">=", 0.8),
        Check("gain of the log in the Rand index, mean over the pairs", mean, ">", 0.1),
        Check("models where the log of communicability is the best of all", leading, ">", 0.5),
        Check(
            "identity: cutpoint additivity of log walk and log forest, error",
            additive,
            "<",
            1e-10,
            claimed=False,
        ),
    ]


def _label(variant: Variant) -> str:
    family, logarithm = variant
    return f"log {family}" if logarithm else family


def _metrics(
    found: dict[str, Scores], karate: Scores, additivity: dict[Variant, float]
) -> Iterator[Metric]:
    for model, scores in found.items():
        for variant, values in _chosen(scores.plain).items():
            for seed, value in enumerate(values):
                yield Metric(f"Rand index, {_label(variant)}, {model}", float(value), seed=seed)
    for variant in VARIANTS:
        name = _label(variant)
        yield Metric(f"Rand index, {name}, karate club, best u", float(karate.plain[variant].max()))
        yield Metric(f"cutpoint additivity error, {name}", additivity[variant])


def _model_table(found: dict[str, Scores]) -> Table:
    rows: list[list[str | float]] = []
    for model, scores in found.items():
        plain, rooted = _gains(scores.plain), _gains(scores.rooted)
        for family in FAMILIES:
            rows.append([
                model,
                family,
                *(float(_chosen(scores.plain)[family, log].mean()) for log in (False, True)),
                *plain[family],
                *rooted[family],
            ])
    columns = ["model", "family", "plain", "log", "gain", "error", "gain, root of d", "error, root"]
    return Table("Mean adjusted Rand index, gain of the log and standard errors", columns, rows)


def _variant_table(
    found: dict[str, Scores], karate: Scores, additivity: dict[Variant, float]
) -> Table:
    rows: list[list[str | float]] = []
    for variant in VARIANTS:
        means = [float(_chosen(scores.plain)[variant].mean()) for scores in found.values()]
        club = karate.plain[variant][0]
        rows.append([
            _label(variant),
            float(np.mean(means)),
            float(club.mean()),
            float(club.max()),
            additivity[variant],
        ])
    columns = ["proximity", "all models", "karate, mean over u", "best u", "additivity error"]
    return Table("Mean adjusted Rand index, and cutpoint additivity", columns, rows)


def _draw(figure: Figure, params: CommunicabilityParams, found: dict[str, Scores]) -> None:
    grid: dict[str, Any] = figure.subplot_mosaic(
        [["walk", "forest", "bars"], ["communicability", "heat", "bars"]],
        width_ratios=[1, 1, 1.6],
    )
    for family in FAMILIES:
        axes = grid[family]
        for logarithm, style in ((False, "C1s--"), (True, "C0o-")):
            mean = np.mean(
                [scores.plain[family, logarithm].mean(axis=0) for scores in found.values()], axis=0
            )
            label = "log" if logarithm else "plain"
            axes.plot(params.grid, mean, style, fillstyle="none", markersize=4, label=label)
        axes.set(ylim=(-0.03, 0.83), xlabel="u")
        axes.set_title(family, fontsize=10)
    for family in ("walk", "communicability"):
        grid[family].set_ylabel("adjusted Rand index")
    grid["walk"].legend(fontsize=8)
    bars = grid["bars"]
    for place, (family, colour) in enumerate(zip(FAMILIES, _COLOURS, strict=True)):
        gains = [_gains(scores.plain)[family] for scores in found.values()]
        spots = np.arange(len(gains)) + (place - 1.5) * 0.2
        values, errors = zip(*gains, strict=True)
        bars.barh(spots, values, 0.18, xerr=errors, color=colour, label=family)
    bars.axvline(0, color="0.4", linewidth=0.8)
    bars.set(yticks=range(len(found)), xlabel="gain of the log in the Rand index", xlim=(-0.2, 1.1))
    bars.set_yticklabels([name.replace(", ", "\n") for name in found], fontsize=8)
    bars.invert_yaxis()
    bars.set_title("blocks in %, edges within / between", fontsize=10)
    bars.legend(fontsize=8, loc="center right")
