"""Whatever a recipe looks like and however it fails, nothing is left behind."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from constructs_lib import choice, each, on, parallel, wait, when
from constructs_lib.workflow_steps.step import Step, Task, all_steps
from tests.constructs.workflow_world import (
    ITEMS,
    World,
    check_undoing,
    define,
    do,
    run,
)


@st.composite
def recipes(draw: st.DrawFn) -> list[Step]:
    count = itertools.count(1)

    def row(depth: int) -> list[Step]:
        return [one(depth) for _ in range(draw(st.integers(1, 3)))]

    def one(depth: int) -> Step:
        name = f"s{next(count)}"
        kind = (
            draw(st.sampled_from(["task", "task", "task", "choice", "parallel", "each", "catch", "wait"]))
            if depth
            else "task"
        )
        undo = draw(st.booleans())
        match kind:
            case "choice":
                ways = [when(f"{{% $random() < {chance} %}}", then=row(depth - 1)) for chance in (0.4, 0.5)]
                return choice(name, *ways, otherwise=row(depth - 1) if undo else [])
            case "parallel":
                return parallel(name, *(row(depth - 1) for _ in range(draw(st.integers(1, 3)))))
            case "each":
                return each(name, items=ITEMS, do=row(depth - 1), max_concurrency=draw(st.integers(1, 3)))
            case "catch":
                handled = row(depth - 1) if draw(st.booleans()) else []
                return do(name, undo=undo, catch=[on("Handled", do=handled)], result=f"r{name}")
            case "wait":
                return wait(name, seconds="{% 1 %}")
            case _:
                return do(name, undo=undo, result=f"r{name}" if draw(st.booleans()) else None)

    return [*row(2), do("last", undo=False)]


@settings(max_examples=80, deadline=None)
@given(recipes(), st.data())
def test_no_recipe_leaves_anything_behind(steps: list[Step], data: st.DataObject) -> None:
    definition = define(steps)
    seed = data.draw(st.integers(0, 1000))
    names = sorted(
        {each_.name for each_ in all_steps(steps) if isinstance(each_, Task) and not each_.name.startswith("Undo")}
    )
    places = ["", "/1", "/2", "/1/1", "/2/1"]
    failures: dict[tuple[str, str], tuple[int, str]] = {}
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)) if names else []:
        tries, error = data.draw(
            st.sampled_from([(99, "Boom"), (6, "Lambda.ServiceException"), (2, "SNS"), (99, "Handled")])
        )
        failures |= {(name, at): (tries, error) for at in data.draw(st.sets(st.sampled_from(places), min_size=1))}
    world = World(failures)
    outcome = run(definition, world, seed=seed)
    if outcome.status == "SUCCEEDED":
        assert world.undone == []
    else:
        assert outcome.error in {error for _, error in failures.values()}
        check_undoing(steps, world, outcome)
