"""The circles in what runs what: those that go round for sure, those that may, and those that a filter cuts.

Strongly connected components find where there are circles at all, in time that grows with the size of the assembly;
within one, the shortest circle through each of its members is looked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from constructs_lib.assembly.flow.graph import FUNCTION, MACHINE, Edge, Flow, Runner
from constructs_lib.assembly.flow.message import lesser
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.text_set import Extent

if TYPE_CHECKING:
    from constructs_lib.assembly.flow.graph import Step
    from constructs_lib.assembly.model import Node

MOST_CIRCLES = 200  # looked for in one component; who has more has one finding too many already

Edges = Mapping[Runner, list[Edge]]
Member = TypeVar("Member")


@frozen(slots=False)
class Loop:
    """One circle.

    Args:
        edges: The ways, each ending where the next one begins, and the last where the first begins.
    """

    edges: tuple[Edge, ...]

    @property
    def extent(self) -> Extent:
        """Whether all that is written goes round, some, or none."""
        extent = Extent.ALL
        for edge in self.edges:
            extent = lesser(extent, edge.extent)
        return extent

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every step of the circle."""
        return tuple(step for edge in self.edges for step in edge.steps)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """What the circle goes through, beginning with what comes first in the alphabet among those that run."""
        return tuple(step.source for step in self.steps)

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from other circles: what it goes through, wherever one begins to read."""
        names = [node.id for node in self.nodes]
        first = names.index(min(names))
        return tuple(names[first:] + names[:first])


def loops_of(flow: Flow) -> list[Loop]:
    """Return the circles of an assembly: for each of its members the shortest, the surest first."""
    edges = _going_round({runner: flow.edges_from(runner) for runner in flow.runners})
    found = [*_among(edges, Extent.ALL), *_among(edges, Extent.SOME)]
    of_places = list(_of_places(flow))
    found += [loop for loop in of_places if loop.extent is not Extent.NONE]
    taken = {_members(loop) for loop in found}
    none = [*_among(edges, Extent.NONE), *(loop for loop in of_places if loop.extent is Extent.NONE)]
    cut = [loop for loop in none if _members(loop) not in taken]
    return _each_once([*found, *cut])


def _members(loop: Loop) -> frozenset[str]:
    """What runs in a circle; all of it where nothing does."""
    running = frozenset(node.id for node in loop.nodes if node.type in {FUNCTION, MACHINE})
    return running or frozenset(node.id for node in loop.nodes)


def _going_round(edges: Edges) -> Edges:
    """The ways within components alone: nothing else is on a circle, and most of what runs is not."""
    of = {runner: number for number, component in enumerate(components(edges)) for runner in component}
    return {
        runner: [edge for edge in ways if of.get(edge.target) == of[runner]]
        for runner, ways in edges.items()
        if runner in of
    }


def _each_once(loops: Iterable[Loop]) -> list[Loop]:
    """The first of those that go through the same; they come in the order of how sure they are."""
    found: dict[tuple[str, ...], Loop] = {}
    for loop in loops:
        found.setdefault(loop.key, loop)
    return list(found.values())


def _among(edges: Edges, least: Extent) -> Iterator[Loop]:
    """The circles in which at least one way passes just this much, and every other as much or more."""
    order = (Extent.NONE, Extent.SOME, Extent.ALL)
    enough = order[order.index(least) :]
    ways = {runner: [edge for edge in out if edge.extent in enough] for runner, out in edges.items()}
    kept = {runner: out for runner, out in ways.items() if out}
    for component in components(kept):
        inside = set(component)
        within = {
            runner: sorted((edge for edge in kept[runner] if edge.target in inside), key=lambda edge: len(edge.steps))
            for runner in component
        }
        begins = [edge for runner in component for edge in within[runner] if edge.extent is least]
        circles = list(filter(None, (_circle(within, edge) for edge in begins[:MOST_CIRCLES])))
        yield from circles
        told = {node.id for loop in circles for node in loop.nodes}
        for runner in component[:MOST_CIRCLES]:  # those that only longer circles lead through
            through = [_circle(within, edge) for edge in within[runner]] if runner.node.id not in told else []
            shortest = min(filter(None, through), key=lambda loop: len(loop.steps), default=None)
            if shortest is not None:
                told.update(node.id for node in shortest.nodes)
                yield shortest


def _circle(edges: Edges, first: Edge) -> Loop | None:
    """The shortest circle that begins with an edge."""
    back = _way_back(edges, first)
    return None if back is None else Loop((first, *back))


def _way_back(edges: Edges, first: Edge) -> tuple[Edge, ...] | None:
    """The shortest way from where an edge ends to where it begins."""
    goal, start = first.source, first.target
    if _is_same(start, goal):
        return ()
    came: dict[Runner, Edge | None] = {start: None}
    ways = deque([start])
    while ways:
        runner = ways.popleft()
        for edge in edges.get(runner, ()):
            if edge.target in came:
                continue
            came[edge.target] = edge
            if _is_same(edge.target, goal):
                return tuple(reversed(list(_back(came, edge.target))))
            ways.append(edge.target)
    return None


def _is_same(runner: Runner, goal: Runner) -> bool:
    """Whether it runs in the way that is needed: asynchronous invocations do all that others do."""
    return runner.node is goal.node and (runner.is_asynchronous or not goal.is_asynchronous)


def _back(came: Mapping[Runner, Edge | None], runner: Runner) -> Iterator[Edge]:
    edge = came[runner]
    while edge is not None:
        yield edge
        edge = came[edge.source]


def _of_places(flow: Flow) -> Iterator[Loop]:
    """The circles in which nothing is run, such as a bucket that logs its accesses in itself."""
    next_places = {
        place: [route.target for route in flow.routes_from(place) if flow.routes_from(route.target)]
        for place in flow.places
    }
    names = {place.id: place for place in flow.places}
    graph = {place.id: [each.id for each in out if each.id in names] for place, out in next_places.items()}
    for component in _components(graph, lambda each: graph.get(each, [])):
        if len(component) > 1 or component[0] in graph[component[0]]:
            for place_id in component[:MOST_CIRCLES]:
                yield from (Loop((edge,)) for edge in flow.edges_from_place(names[place_id]))


def components(edges: Edges) -> list[list[Runner]]:
    """Return the strongly connected components that hold a circle."""
    found = _components(edges, lambda runner: [edge.target for edge in edges.get(runner, ())])
    return [
        each
        for each in found
        if len(each) > 1 or any(_is_same(edge.target, each[0]) for edge in edges.get(each[0], ()))
    ]


def _components(graph: Iterable[Member], after: Callable[[Member], list[Member]]) -> list[list[Member]]:
    """Tarjan's algorithm, without recursion: https://doi.org/10.1137/0201010."""
    number: dict[Member, int] = {}
    lowest: dict[Member, int] = {}
    stack: list[Member] = []
    on_stack: set[Member] = set()
    found: list[list[Member]] = []
    for root in graph:
        if root in number:
            continue
        work = [(root, iter(after(root)))]
        number[root] = lowest[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            member, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[member])
                if lowest[member] == number[member]:
                    found.append(_popped(stack, on_stack, member))
            elif following not in number:
                number[following] = lowest[following] = len(number)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(after(following))))
            elif following in on_stack:
                lowest[member] = min(lowest[member], number[following])
    return found


def _popped(stack: list[Member], on_stack: set[Member], until: Member) -> list[Member]:
    component: list[Member] = []
    while not component or component[-1] != until:
        component.append(stack.pop())
        on_stack.discard(component[-1])
    return component
