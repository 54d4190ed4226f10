"""The picture of a state machine: a box for each state, a line for each way, inner machines inside of their state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from constructs_lib.local.page.asl_edges import END, edges_of, inner_machines, short
from constructs_lib.local.page.layers import SIDE_GAP, laid_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constructs_lib.local.page.layers import Point

BOX_WIDTH, BOX_HEIGHT = 204.0, 42.0
TERMINAL_SIZE = 18.0  # of the dots the machine begins and ends with
PADDING, TITLE = 14.0, 30.0  # of a box around an inner machine
NAME_CHARACTERS = 23
LEAST_WIDTH = BOX_WIDTH + 2 * PADDING
MOST_DEPTH = 20  # of machines within machines
START = "\0start"


@dataclass(frozen=True, slots=True)
class Box:
    """One state in the picture.

    Args:
        name: The state's name; empty for the dots at the start and the end.
        label: What stands in the box.
        kind: The type of the state; `start` and `end` for the dots.
        x: The left edge.
        y: The upper edge.
        width: How wide it is.
        height: How high it is.
    """

    name: str
    label: str
    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """One way in the picture.

    Args:
        source: The state it leaves; empty for the start.
        target: The state it enters; empty for the end.
        kind: `next`, `choice` or `catch`.
        label: What it is taken for.
        points: Where it goes through.
    """

    source: str
    target: str
    kind: str
    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A state machine, ready to be drawn.

    Args:
        width: How wide it is.
        height: How high it is.
        boxes: The states, outer ones before inner ones.
        lines: The ways.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    def moved(self, x: float, y: float) -> Picture:
        """Return the same picture at another place."""
        lines = (replace(each, points=tuple((px + x, py + y) for px, py in each.points)) for each in self.lines)
        boxes = (replace(each, x=each.x + x, y=each.y + y) for each in self.boxes)
        return replace(self, boxes=tuple(boxes), lines=tuple(lines))


def picture_of(definition: Mapping[str, Any]) -> Picture:
    """Draw a state machine; what is not as the language wants it is left out."""
    return _machine(definition, is_whole=True, depth=0)


def _machine(definition: Mapping[str, Any], *, is_whole: bool, depth: int) -> Picture:
    told = definition.get("States")
    states = (
        {str(name): each for name, each in told.items() if isinstance(each, dict)} if isinstance(told, dict) else {}
    )
    start = str(definition.get("StartAt", ""))
    if start not in states or depth > MOST_DEPTH:
        return Picture(0.0, 0.0, (), ())
    inside = {name: _inside(state, depth + 1) for name, state in states.items()}
    edges = [edge for edge in edges_of(states) if is_whole or edge.target != END]
    sizes = {name: _size(inner) for name, inner in inside.items()}
    lines = [(edge.source, edge.target, edge.kind != "catch") for edge in edges]
    if is_whole:
        terminals = [START, *([END] if any(edge.target == END for edge in edges) else [])]
        sizes |= dict.fromkeys(terminals, (TERMINAL_SIZE, TERMINAL_SIZE))
        lines.append((START, start, True))
    layout = laid_out(sizes, lines, START if is_whole else start)
    boxes: list[Box] = []
    drawn: list[Line] = []
    for name, (x, y) in layout.corners.items():
        is_terminal = name in {START, END}
        kind = name.removeprefix("\0") if is_terminal else str(states[name].get("Type", ""))
        label = "" if is_terminal else short(name, NAME_CHARACTERS)
        boxes.append(Box("" if is_terminal else name, label, kind, x, y, *sizes[name]))
        for part in [] if is_terminal or not inside[name].boxes else [inside[name]]:
            moved = part.moved(x + (sizes[name][0] - part.width) / 2, y + TITLE)
            boxes += moved.boxes
            drawn += moved.lines
    for number, points in enumerate(layout.lines):
        if number < len(edges):
            edge = edges[number]
            target = "" if edge.target == END else edge.target
            drawn.append(Line(edge.source, target, edge.kind, edge.label, tuple(points)))
        else:
            drawn.append(Line("", start, "next", "", tuple(points)))
    return Picture(layout.width, layout.height, tuple(boxes), tuple(drawn))


def _size(inner: Picture) -> tuple[float, float]:
    if not inner.boxes:
        return BOX_WIDTH, BOX_HEIGHT
    return max(LEAST_WIDTH, inner.width + 2 * PADDING), inner.height + TITLE + PADDING


def _inside(state: Mapping[str, Any], depth: int) -> Picture:
    """The machines inside of a state, side by side."""
    parts = [part for each in inner_machines(state) if (part := _machine(each, is_whole=False, depth=depth)).boxes]
    x = 0.0
    boxes: list[Box] = []
    lines: list[Line] = []
    for part in parts:
        moved = part.moved(x, 0.0)
        boxes += moved.boxes
        lines += moved.lines
        x += part.width + SIDE_GAP
    height = max((part.height for part in parts), default=0.0)
    return Picture(max(x - SIDE_GAP, 0.0), height, tuple(boxes), tuple(lines))
