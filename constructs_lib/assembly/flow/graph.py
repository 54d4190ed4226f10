"""What runs what: from each function and workflow, over every way that what it writes can take, to what that runs."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from constructs_lib.assembly.flow.api_routes import api_routes
from constructs_lib.assembly.flow.bucket_routes import bucket_routes
from constructs_lib.assembly.flow.bus_routes import bus_routes, machine_events
from constructs_lib.assembly.flow.function_routes import function_routes
from constructs_lib.assembly.flow.function_writes import FunctionWrites
from constructs_lib.assembly.flow.iot_routes import iot_routes
from constructs_lib.assembly.flow.log_routes import log_routes
from constructs_lib.assembly.flow.machine_writes import machine_writes
from constructs_lib.assembly.flow.message import ANYTHING, Message, Passage, lesser
from constructs_lib.assembly.flow.pipe_routes import pipe_routes
from constructs_lib.assembly.flow.queue_routes import mapping_routes, redrive_routes
from constructs_lib.assembly.flow.stream_routes import stream_routes
from constructs_lib.assembly.flow.topic_routes import topic_routes
from constructs_lib.assembly.flow.writes import BUCKET, NOT_BY_DEFAULT, ON_OBJECTS, Write, Writers
from constructs_lib.assembly.frozen import frozen
from constructs_lib.assembly.model import External
from constructs_lib.assembly.policies.documents import policies_of
from constructs_lib.assembly.policies.permissions import permissions_of
from constructs_lib.assembly.resource import Resource
from constructs_lib.assembly.text_set import Extent, TextSet
from constructs_lib.assembly.value import Symbol

if TYPE_CHECKING:
    from constructs_lib.assembly.flow.route import Filter, Reader, Route
    from constructs_lib.assembly.model import Assembly, Node
    from constructs_lib.assembly.text_set import Relation

FUNCTION, MACHINE, ROLE = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::IAM::Role"
MOST_VISITS = 64  # of one place on the ways that begin with one runner, each time with another message
READERS: tuple[Reader, ...] = (
    api_routes,
    bucket_routes,
    bus_routes,
    function_routes,
    iot_routes,
    log_routes,
    machine_events,
    mapping_routes,
    pipe_routes,
    redrive_routes,
    stream_routes,
    topic_routes,
)


@frozen(eq=False)  # one object for each, which its `Flow` makes
class Runner:
    """Something that runs, and how it was made to.

    Args:
        node: The function, workflow, or place that others write to.
        is_asynchronous: Whether nobody waits for it, so that a function's destinations apply; also for a function that
            has none.
    """

    node: Node
    is_asynchronous: bool = False


@frozen
class Step:
    """One step on the way from what runs to what that makes run.

    Args:
        source: Where it begins.
        target: Where it ends.
        says: What happens, as a sentence without its end.
        extent: How much of what could take it does.
        why: Why that much.
        relation: What found that out, if it was a comparison: it knows an example.
    """

    source: Node
    target: Node
    says: str
    extent: Extent
    why: str = ""
    relation: Relation | None = field(default=None, compare=False)


@frozen
class Edge:
    """One way in which something makes something run.

    Args:
        source: What runs first.
        target: What that makes run.
        steps: How.
    """

    source: Runner
    target: Runner
    steps: tuple[Step, ...]

    @property
    def extent(self) -> Extent:
        """How much of what is written gets there."""
        extent = Extent.ALL
        for step in self.steps:
            extent = lesser(extent, step.extent)
        return extent


@frozen
class _Way:
    """A way that is still being followed."""

    node: Node
    message: Message
    extent: Extent
    steps: tuple[Step, ...]
    is_asynchronous: bool


class Flow:
    """Everything in an assembly that makes something run.

    Args:
        assembly: The assembly.
    """

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._known_runners: dict[tuple[Node, bool], Runner] = {}
        self._routes: dict[str, list[Route]] = defaultdict(list)
        places: dict[Node, None] = dict.fromkeys(assembly.of_type(FUNCTION, MACHINE))
        found = [route for reader in READERS for route in reader(assembly)]
        ends = [node for route in found for node in (route.source, route.target)]
        self._typed = {node.name: node for node in ends if node.type and is_only_named(node)}
        self._places_of: dict[Node, set[tuple[str, str] | None]] = defaultdict(set)
        for node in ends:
            if isinstance(node, External):
                self._places_of[node].add(node.place)
        for each in found:
            source, target = self._same(each.source), self._same(each.target)
            is_same = source is each.source and target is each.target
            route = each if is_same else replace(each, source=source, target=target)
            if not route.by.is_there_by_default:
                route = replace(route, passes=partial(_perhaps, route.passes))
            self._routes[route.source.id].append(route)
            places[route.source] = None
        self._places = tuple(places)
        self._policies = policies_of(assembly)
        self._writers = Writers(assembly, iter(self._places))
        self._functions = FunctionWrites(assembly, self._policies, self._writers, self._places)

    @cached_property
    def runners(self) -> tuple[Runner, ...]:
        """Everything that runs by itself: functions, in both ways where that matters, and workflows."""
        functions = self.assembly.of_type(FUNCTION)
        return (
            *(self._runner(each, is_asynchronous=True) for each in functions),
            *(self._runner(each) for each in functions if each.id in self._with_destinations),
            *(self._runner(each) for each in self.assembly.of_type(MACHINE)),
        )

    def _runner(self, node: Node, *, is_asynchronous: bool = False) -> Runner:
        known = self._known_runners.get((node, is_asynchronous))
        if known is None:
            known = self._known_runners[node, is_asynchronous] = Runner(node, is_asynchronous)
        return known

    @cached_property
    def _with_destinations(self) -> frozenset[str]:
        """The functions that do something else when nobody waits for them."""
        routes = (route for several in self._routes.values() for route in several)
        return frozenset(route.source.id for route in routes if route.only_asynchronous)

    @property
    def places(self) -> tuple[Node, ...]:
        """Every place from which something goes on without being run: buckets, queues, topics, buses, streams."""
        return tuple(each for each in self._places if each.type not in {FUNCTION, MACHINE})

    def routes_from(self, node: Node) -> tuple[Route, ...]:
        """Return the ways on from a place."""
        return tuple(self._routes.get(node.id, ()))

    def edges_from(self, runner: Runner) -> list[Edge]:
        """Return the ways in which something makes others run: to each of them, the shortest of every extent."""
        begun: list[_Way] = []
        for write in self._writes(runner.node):
            node = self._same(write.node)
            step = Step(runner.node, node, write.how, write.extent, write.why)
            begun.append(_Way(node, write.message, write.extent, (step,), is_asynchronous=True))
        for route in self.routes_from(runner.node):
            is_taken = runner.is_asynchronous or not route.only_asynchronous
            way = _Way(runner.node, ANYTHING, Extent.ALL, (), is_asynchronous=False)
            begun += self._taken(way, route if is_taken else replace(route, passes=_not_when_awaited))
        return self._followed(runner, begun)

    def edges_from_place(self, place: Node) -> list[Edge]:
        """Return the ways from a place back to places, without anything being run in between."""
        start = self._runner(place)
        message = ON_OBJECTS["s3:putobject"](TextSet.any()) if place.type == BUCKET else ANYTHING
        way = _Way(place, message, Extent.ALL, (), is_asynchronous=False)
        begun = [each for route in self.routes_from(place) for each in self._taken(way, route)]
        return self._followed(start, begun, until=place)

    def _same(self, node: Node) -> Node:
        """One node for what is only known by a parameter or import, of whichever type it was taken for.

        What has the same name in two regions or accounts is two, if everybody says which of them he means.
        """
        if not isinstance(node, External):
            return node
        found = self._places_of.get(node, ())
        if None in found:
            return self._typed.get(node.name, External(node.type, node.name))
        if node.place is not None and len(found) > 1:
            return External(node.type, self.assembly.arns(node)[0])
        return self._typed.get(node.name, node)

    def _followed(self, runner: Runner, begun: list[_Way], until: Node | None = None) -> list[Edge]:
        found: dict[tuple[Runner, Extent], Edge] = {}
        ways = deque(begun)
        visits: Counter[tuple[str, Extent]] = Counter()
        while ways:
            way = ways.popleft()
            if way.node.type in {FUNCTION, MACHINE} or way.node is until:
                is_awaited = not way.is_asynchronous and way.node.id in self._with_destinations
                is_asynchronous = way.node.type == FUNCTION and not is_awaited
                target = self._runner(way.node, is_asynchronous=is_asynchronous) if way.node is not until else runner
                if until is None or way.node is until:
                    found.setdefault((target, way.extent), Edge(runner, target, way.steps))
                continue
            visits[way.node.id, way.extent] += 1
            if visits[way.node.id, way.extent] > (1 if way.extent is Extent.NONE else MOST_VISITS):
                continue
            for route in self.routes_from(way.node):
                is_new = all(step.source is not route.target for step in way.steps)
                if is_new or route.target in {until, runner.node}:
                    ways.extend(self._taken(way, route))
        return list(found.values())

    def _taken(self, way: _Way, route: Route) -> Iterator[_Way]:
        """Where a way goes on to by a route; also where nothing passes, to know what would be without the filter."""
        passage = route.passes(way.message)
        extent = lesser(way.extent, passage.extent)
        says = f"{route.does} {route.target.path}"
        if route.by.path not in {route.source.path, route.target.path}:
            says = f"{says} (by {route.by.path})"
        step = Step(route.source, route.target, says, passage.extent, passage.why, passage.relation)
        message = ANYTHING if passage.extent is Extent.NONE else passage.message
        yield _Way(route.target, message, extent, (*way.steps, step), route.is_asynchronous)

    def _writes(self, node: Node) -> Iterator[Write]:
        if not isinstance(node, Resource):
            return
        if node.type == MACHINE:
            role = self.assembly.target(node.value("RoleArn"), ROLE)
            permissions = None if role is None else permissions_of(self.assembly, role)
            yield from machine_writes(self.assembly, node, self._writers, permissions)
        elif node.type == FUNCTION:
            yield from self._functions.of(node)

    def is_run_by_others(self, runner: Resource) -> bool:
        """Whether something but a person runs it."""
        return runner.id in self._targets

    @cached_property
    def _targets(self) -> frozenset[str]:
        return frozenset(route.target.id for routes in self._routes.values() for route in routes)

    def unknowns(self) -> Mapping[Resource, tuple[str, ...]]:
        """What is not known of who may write what, by the function or workflow."""
        found: dict[Resource, tuple[str, ...]] = {}
        for runner in self.assembly.of_type(FUNCTION, MACHINE):
            told = runner.value("Role" if runner.type == FUNCTION else "RoleArn")
            role = self.assembly.target(told, ROLE)
            if role is None:
                continue
            if isinstance(role, Resource):
                reasons = tuple(permissions_of(self.assembly, role).unknowns())
            else:
                reasons = (f"its role {role} is not in any of the templates",)
            if reasons:
                found[runner] = reasons
        return found


def is_only_named(node: Node) -> bool:
    """Whether all that is known of something is the parameter or import that holds its name or ARN."""
    return isinstance(node, External) and len(node.name.parts) == 1 and isinstance(node.name.parts[0], Symbol)


def _perhaps(passes: Filter, message: Message) -> Passage:
    """What passes a filter that is only there when a parameter says so."""
    passage = passes(message)
    return replace(passage, extent=lesser(passage.extent, Extent.SOME), why=passage.why or NOT_BY_DEFAULT)


def _not_when_awaited(_message: Message) -> Passage:
    return Passage(Extent.NONE, "who runs it here waits for the answer, and leaves nothing there")
