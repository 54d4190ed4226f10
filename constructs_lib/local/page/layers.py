"""Lays out a graph in layers from top to bottom: lines run down, cross seldom and go around what is in their way.

The method is Sugiyama's: break circles, give each node the layer after its farthest predecessor, cut long lines into
one piece a layer, order each layer by where its neighbours are, then move nodes over and under their neighbours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SIDE_GAP = 26.0  # between two nodes of one layer
LAYER_GAP = 46.0
THROUGH_WIDTH = 10.0  # what a line takes that only passes a layer
SWEEPS = 6
MAIN_PULL = 4.0  # how much straighter the main way is drawn than the others
THROUGH_PULL = 8.0  # and a line on its way through

Point = tuple[float, float]


@dataclass(slots=True)
class Spot:
    """One place in a layer: of a node, or of a line on its way through.

    Args:
        width: How much room it takes sideways.
        height: How much downwards.
        layer: The number of its layer.
        x: Its centre.
        ways: The spots above and below, and how strongly each pulls.
    """

    width: float
    height: float
    layer: int
    x: float = 0.0
    above: list[tuple[Spot, float]] = field(default_factory=list)
    below: list[tuple[Spot, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is.

    Args:
        width: Of the whole.
        height: Of the whole.
        corners: The upper left corner of each node.
        lines: The points of each line, in the order the lines were given.
    """

    width: float
    height: float
    corners: Mapping[str, Point]
    lines: Sequence[Sequence[Point]]


def laid_out(sizes: Mapping[str, tuple[float, float]], lines: Sequence[tuple[str, str, bool]], start: str) -> Layout:
    """Lay out a graph.

    Args:
        sizes: The width and height of each node.
        lines: Source, target, and whether it is part of the main way.
        start: The node to begin with.
    """
    back = _back_lines(list(sizes), [(source, target) for source, target, _ in lines], start)
    down = [
        (target, source) if number in back else (source, target) for number, (source, target, _) in enumerate(lines)
    ]
    layer_of = _layers(list(sizes), [pair for pair in down if pair[0] != pair[1]])
    spots = {name: Spot(*size, layer_of[name]) for name, size in sizes.items()}
    layers: list[list[Spot]] = [[] for _ in range(max(layer_of.values(), default=0) + 1)]
    for name in _visited(list(sizes), down, start):
        layers[layer_of[name]].append(spots[name])
    trunks: dict[tuple[str, int], Spot] = {}
    ways = [
        _way(spots, layers, *pair, is_main=lines[number][2], trunks={} if number in back else trunks)
        for number, pair in enumerate(down)
    ]
    _order(layers)
    _place(layers)
    return _measured(spots, layers, ways, back)


def _back_lines(names: list[str], lines: list[tuple[str, str]], start: str) -> set[int]:
    """The lines that close a circle."""
    outgoing: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for number, (source, target) in enumerate(lines):
        outgoing[source].append((number, target))
    state: dict[str, int] = {}
    back: set[int] = set()
    for root in [start, *names]:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(outgoing[root]))]
        while stack:
            name, rest = stack[-1]
            for number, target in rest:
                if state.get(target) == 1:
                    back.add(number)
                elif target not in state:
                    state[target] = 1
                    stack.append((target, iter(outgoing[target])))
                    break
            else:
                state[name] = 2
                stack.pop()
    return back


def _layers(names: list[str], down: list[tuple[str, str]]) -> dict[str, int]:
    """The layer after the farthest predecessor, for every node of a graph without circles."""
    waiting = {name: sum(1 for _, target in down if target == name) for name in names}
    outgoing: dict[str, list[str]] = {name: [] for name in names}
    for source, target in down:
        outgoing[source].append(target)
    layer = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    while ready:
        name = ready.pop()
        for target in outgoing[name]:
            layer[target] = max(layer[target], layer[name] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return layer


def _visited(names: list[str], down: list[tuple[str, str]], start: str) -> Iterable[str]:
    """The nodes as a walk from the start meets them."""
    seen: dict[str, None] = {}
    stack = [*reversed(names), start]
    while stack:
        name = stack.pop()
        if name not in seen:
            seen[name] = None
            stack.extend(target for source, target in reversed(down) if source == name and target not in seen)
    return seen


def _way(
    spots: Mapping[str, Spot],
    layers: list[list[Spot]],
    source: str,
    target: str,
    *,
    is_main: bool,
    trunks: dict[tuple[str, int], Spot],
) -> list[Spot]:
    """The spots a line goes through, from its upper end to its lower one.

    Lines beside the main way that lead to one node join on their way: many catches of one handler are one trunk.
    """
    first, last = spots[source], spots[target]
    between = []
    for number in range(first.layer + 1, last.layer):
        spot = None if is_main else trunks.get((target, number))
        if spot is None:
            spot = Spot(THROUGH_WIDTH, 0.0, number)
            layers[number].append(spot)
        if not is_main:
            trunks[target, number] = spot
        between.append(spot)
    way = [first, *between, last]
    for upper, lower in itertools.pairwise(way) if first is not last else ():
        is_through = not (upper.height or lower.height)
        pull = THROUGH_PULL if is_through else MAIN_PULL if is_main else 1.0
        if not any(other is lower for other, _ in upper.below):
            upper.below.append((lower, pull))
            lower.above.append((upper, pull))
    return way


def _order(layers: list[list[Spot]]) -> None:
    position = {id(spot): float(number) for each in layers for number, spot in enumerate(each)}
    for sweep in range(SWEEPS):
        is_down = sweep % 2 == 0
        for layer in layers if is_down else reversed(layers):
            wanted = {}
            for spot in layer:
                near = [(position[id(other)], 1.0) for other, _ in (spot.above if is_down else spot.below)]
                wanted[id(spot)] = _mean(near, position[id(spot)])
            layer.sort(key=lambda spot: wanted[id(spot)])
            position.update({id(spot): float(number) for number, spot in enumerate(layer)})


def _place(layers: list[list[Spot]]) -> None:
    for layer in layers:
        _spread(layer, [(0.0, 1.0)] * len(layer))
    for sweep in range(2 * SWEEPS):
        is_down = sweep % 2 == 0
        for layer in layers if is_down else reversed(layers):
            _spread(layer, [_wanted(spot, spot.above if is_down else spot.below) for spot in layer])


def _wanted(spot: Spot, near: list[tuple[Spot, float]]) -> tuple[float, float]:
    """Where a spot is wanted, and how strongly: in line with the neighbours that pull most."""
    most = max((pull for _, pull in near), default=0.0)
    return _mean([(other.x, 1.0) for other, pull in near if pull == most], spot.x), most or 0.5


def _spread(layer: list[Spot], wanted: list[tuple[float, float]]) -> None:
    """Move each spot to where it is wanted, as near as the room its neighbours need allows.

    What stands in each other's way becomes a block, which goes where its members want it on average.
    """
    blocks: list[tuple[float, float, int]] = []  # where it is wanted, how strongly, how many spots it is of
    offsets: list[float] = []
    for number, (spot, (x, pull)) in enumerate(zip(layer, wanted, strict=True)):
        before = layer[number - 1] if number else None
        offsets.append(0.0 if before is None else offsets[-1] + (before.width + spot.width) / 2 + SIDE_GAP)
        block = (x - offsets[-1], pull, 1)
        while blocks and blocks[-1][0] > block[0]:
            at, strength, count = blocks.pop()
            both = strength + block[1]
            block = ((at * strength + block[0] * block[1]) / both, both, count + block[2])
        blocks.append(block)
    places = (at for at, _, count in blocks for _ in range(count))
    for spot, offset, place in zip(layer, offsets, places, strict=True):
        spot.x = place + offset


def _mean(values: list[tuple[float, float]], otherwise: float) -> float:
    weight = sum(pull for _, pull in values)
    return sum(value * pull for value, pull in values) / weight if weight else otherwise


def _measured(spots: Mapping[str, Spot], layers: list[list[Spot]], ways: list[list[Spot]], back: set[int]) -> Layout:
    everything = [spot for layer in layers for spot in layer]
    left = min((spot.x - spot.width / 2 for spot in everything), default=0.0)
    right = max((spot.x + spot.width / 2 for spot in everything), default=0.0)
    tops, bottoms, y = [], [], 0.0
    for layer in layers:
        tops.append(y)
        bottoms.append(y + max((spot.height for spot in layer), default=0.0))
        y = bottoms[-1] + LAYER_GAP
    corners = {
        name: (round(spot.x - spot.width / 2 - left, 1), round(tops[spot.layer], 1)) for name, spot in spots.items()
    }
    lines = []
    for number, way in enumerate(ways):
        points = [(round(way[0].x - left, 1), round(tops[way[0].layer] + way[0].height, 1))]
        for spot in way[1:-1]:
            x = round(spot.x - left, 1)
            points += [(x, round(tops[spot.layer], 1)), (x, round(bottoms[spot.layer], 1))]
        if len(way) > 1:
            points.append((round(way[-1].x - left, 1), round(tops[way[-1].layer], 1)))
        lines.append(_without_needless(points[::-1] if number in back else points))
    return Layout(round(right - left, 1), round(max(bottoms, default=0.0), 1), corners, lines)


def _without_needless(points: list[Point]) -> list[Point]:
    """The points without those on the straight way between their neighbours."""
    kept = points[:1]
    for point, following in itertools.pairwise(points[1:]):
        if not kept[-1][0] == point[0] == following[0]:
            kept.append(point)
    return kept + points[-1:] if len(points) > 1 else kept
