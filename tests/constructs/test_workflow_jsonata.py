"""Expressions are read before Step Functions reads them, and as another reader of JSONata reads them."""

from __future__ import annotations

import aws_cdk as cdk
import jsonata  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from constructs_lib import SecureFunction, Workflow, choice, each, fail, parallel, step, succeed, wait, when
from constructs_lib.workflow_steps.expression import renamed, variables_of
from constructs_lib.workflow_steps.jsonata import read
from constructs_lib.workflow_steps.jsonata_tokens import NotJsonata
from tests.constructs.workflows import definition_of, refused, shape
from tests.templates import template_of

WELL = (
    "$states.input.items[price > 10].{'id': id, 'sum': $sum(parts.price)}",
    "$map([1..3], function($one, $at)<nn:n> { $one * $at })",
    "($x := 1; $y := function($z) { $z / 2 }; $y($x))",
    "$states.input.name ~> $uppercase",
    "$states.input^(>price, name)",
    "orders@$o.parts#$i.{'order': $o.id, 'at': $i}",
    "$replace($states.input.text, /[\"'\\/]+/i, '')",
    "items{kind: $count(id)}",
    "$states.input ~> | items | {'price': price * 2}, ['secret', 'note'] |",
    "$filter(a, $contains(?, 'b')) /* why */",
    "`field with blanks`.**.id",
    "-1.5e3 + 2 % 3 and true or null in []",
    "$states.input.or.and.in[]",
    "a ? b : c ? d",
    "λ($n) { $n }(3)",
)
ILL = {
    "": "it is empty",
    "/* nothing */": "it is empty",
    "(1": "')' is missing, it ends",
    "1)": "')' does not belong there",
    "[1, 2": "']' is missing, it ends",
    "[1, ]": "']' does not belong there",
    "{'a': 1": "'}' is missing, it ends",
    "{'a', 1}": "':' is missing, there is ','",
    "'text": "a quote is not closed",
    '"text\\': "there is no escape \\",
    "'\\x'": "there is no escape \\x",
    "`name": "a backtick is not closed",
    "/regex": "a regular expression is not closed",
    "1 /* and": "a comment is not closed",
    "1 +": "it ends where a value belongs",
    "$states.input.": "it ends where a value belongs",
    "$a == 1": "'=' does not belong there",
    "$a && $b": "'&' does not belong there",
    "!$a": "'!' does not belong there",
    "$a $b": "'$b' does not belong there",
    "1 := 2": "what stands before ':=' is no variable",
    "function(x) { 1 }": "a parameter is no variable",
    "a@b": "what follows '@' is no variable",
    "$states.input.items.0": "'0' is no field; write [0] for the first",
    "a ?? b": "'?' does not belong there",
    "a ?: b": "':' does not belong there",
    "'a' %} and {% 'b'": "'}' does not belong there",
    "(" * 5000: "it is nested too deeply",
}
PIECES = (
    *("$a", "a", "b", "1", "2.5", "'x'", '"y"', "true", "null", "$", "`q`", "/re/", "function", "$f"),
    *(".", "[", "]", "(", ")", "{", "}", ":", ",", ";", "-", "+", "*", "/", "%", "&", "=", "!=", "<", ">", "<="),
    *("and", "or", "in", "?", "~>", ":=", "..", "**", "^", "|", "@", "#", "!", "\\", "'", '"', "`"),
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """An expression that is well, with up to three places cut out or written into."""
    text = draw(st.sampled_from(WELL))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(("", *PIECES))) + text[at + draw(st.integers(0, 1)) :]
    return text


class TestReading:
    @pytest.mark.parametrize("text", WELL)
    def test_accepts(self, stack: cdk.Stack, text: str) -> None:
        assert Workflow(stack, "Fulfil", steps=[wait("W", seconds=f"{{% {text} %}}")])

    @pytest.mark.parametrize("text", ILL, ids=lambda text: text[:20])
    def test_refuses_with_the_expression_and_what_is_wrong_with_it(self, stack: cdk.Stack, text: str) -> None:
        whole = f"{{% {text} %}}"
        assert refused(stack, wait("W", seconds=whole)) == shape(
            f"'W' holds {whole!r}, which is no JSONata: {ILL[text]}", "mend it, try it on https://try.jsonata.org"
        )

    @settings(max_examples=400, deadline=None)
    @given(st.one_of(damaged(), st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map(" ".join)))
    @example("a^(>b, <c2.5)")
    def test_agrees_with_another_reader(self, text: str) -> None:
        theirs = None
        try:
            jsonata.Jsonata.jsonata(text)
        except jsonata.JException as error:
            theirs = error.error
        except Exception:  # it trips over regular expressions and comments at the end
            return
        if theirs == "S0217" or "??" in text or "?:" in text:
            return  # parents that nobody has; operators of JSONata 2.1, which Step Functions does not speak
        try:
            read(text)
            ours = None
        except NotJsonata as error:
            ours = error.why
        assert (ours is None) == (theirs is None), (theirs, ours)

    def test_every_place_of_an_expression_is_read(self, stack: cdk.Stack, function: SecureFunction) -> None:
        bad = "{% ( %}"
        text = refused(
            stack,
            step("Task", function, payload={"deep": [bad]}, undo=step("Undone", function, payload=bad)),
            choice("Choice", when(bad)),
            each("Each", items=bad, do=[wait("W", seconds=1)]),
            wait("Wait", seconds=bad),
            wait("Until", until=bad),
            parallel("Both", [wait("Inside", seconds=bad)]),
            choice("Ends", when("{% true %}", then=[fail("Fail", error=bad, cause="c")])),
            succeed("Succeed", output=[bad]),
        )
        names = ["Task", "Undone", "Choice", "Each", "Wait", "Until", "Inside", "Fail", "Succeed"]
        for name in names:
            assert f"'{name}' holds '{bad}', which is no JSONata: it ends where a value belongs" in text
        assert text.count("is no JSONata") == len(names)

    def test_what_only_the_deployment_knows_may_stand_in_it(self, stack: cdk.Stack) -> None:
        number = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
        text = f"{{% $states.input.count + {cdk.Tokenization.stringify_number(number)} %}}"
        Workflow(stack, "Fulfil", steps=[wait("W", seconds=text)])
        assert definition_of(template_of(stack))["States"]["W"]["Seconds"] == "{% $states.input.count + Number %}"


class TestVariables:
    @pytest.mark.parametrize(
        ("text", "read_"),
        [
            ("$a + $b.c", {"a", "b"}),
            ("$states.input.$a", {"a"}),
            ("'$a' & \"$b\" & `$c` /* $d */", set()),
            ('$replace($a, /"/, $b)', {"a", "b"}),
            ("$match($a, /'$b'/)", {"a"}),
            ("($x := $a; $x)", {"a"}),
            ("$map($a, function($x) { $x + $b })", {"a", "b"}),
            ("a@$x.b#$y.{'x': $x, 'y': $y, 'a': $a}", {"a"}),
            ("$sum($a) + $", {"a"}),
        ],
    )
    def test_are_those_of_the_workflow_and_no_others(self, text: str, read_: set[str]) -> None:
        assert variables_of(f"{{% {text} %}}") == read_

    @pytest.mark.parametrize(
        ("text", "what", "fix"),
        [
            (
                "$states.inptu.id",
                "reads $states.inptu, and there is $states.context and $states.input: did you mean input?",
                'what a step answered has the name of its result: step(..., result="payment"), then $payment',
            ),
            (
                "$states.result.id",
                "reads $states.result, and there is $states.context and $states.input",
                'what a step answered has the name of its result: step(..., result="payment"), then $payment',
            ),
            ("$$.id", "reads $$, and nothing is there: data is in $states", 'write "{% $states.input %}"'),
            (
                "$uppercaes('a')",
                "calls $uppercaes, which Step Functions does not have: did you mean uppercase?",
                "see https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html",
            ),
        ],
    )
    def test_of_which_there_are_none_are_refused(self, stack: cdk.Stack, text: str, what: str, fix: str) -> None:
        assert refused(stack, wait("W", seconds=f"{{% {text} %}}")) == shape(f"'W' {what}", fix)

    def test_have_other_names_inside_and_everything_else_stays(self) -> None:
        text = "{% $replace($a, /\"/, '$a') & $b & $string($c) /* $a */ %}"
        assert renamed({"x": [text]}, {"a": "a__2", "c": "c__3"}) == {
            "x": ["{% $replace($a__2, /\"/, '$a') & $b & $string($c__3) /* $a */ %}"]
        }

    def test_a_result_cannot_be_called_like_a_function(self, stack: cdk.Stack, function: SecureFunction) -> None:
        assert refused(stack, step("A", function, result="count")) == shape(
            "'A' names its result 'count', which is a function of JSONata", "choose another name"
        )
