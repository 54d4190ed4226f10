"""The language of mapping templates."""

from __future__ import annotations

from typing import Any

import pytest

from constructs_lib.local.overlay.velocity import TemplateError, read

VALUES = {
    "name": "Ada",
    "count": 3,
    "no": False,
    "list": ["a", "b", "c"],
    "map": {"one": 1, "inner": {"two": [2, 22]}},
}


def rendered(text: str, **more: Any) -> str:
    return read(text).render({**VALUES, **more})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain # text $ 5", "plain # text $ 5"),
        ("$name ${name}s $!name $!{name}!", "Ada Adas Ada Ada!"),
        ("$none $!none.x ${none} $none.call(1)", "$none  ${none} $none.call(1)"),
        ("$map.one $map.inner.two[1] $map['one'] $map.get('one')", "1 22 1 1"),
        ("$map $list $no", "{one=1, inner={two=[2, 22]}} [a, b, c] false"),
        ("$name.length() $name.toUpperCase().substring(1) $name.replaceAll('[aA]', 'x')", "3 DA xdx"),
        ("$list.size() $list.get(1) $list.contains('c') $list[9]", "3 b true $list[9]"),
        ("#set($x = 1 + 2 * 3)$x #set($y = (1 + 2) * 3)$y #set($z = 7 / 2)$z #set($w = -1 % 5)$w", "7 9 3 4"),
        ('#set($x = "hi $name ""q""")$x', 'hi Ada "q"'),
        ("#set($x = 'hi $name ''q''')$x", "hi $name 'q'"),
        ("#set($x = 5)#set($x = $none)$x", "5"),
        ("#set($m = {'a': 1, \"b\": [1, 'x']})$m.a $m.b[1] #set($m.c = 9)$m.c", "1 x 9"),
        ("#if($count > 2 && !$no)yes#{else}no#end", "yes"),
        ("#if($count == 1)one#elseif($count == '3')three#else other#end", "three"),
        ("#if($none)a#else b#end", " b"),
        ("#if($name == 'Ada' || $none)a#end", "a"),
        ("#if($count ge 3 and not $no)a#end", "a"),
        ("#if($name != 'Ada')a#else#if(true)b#end#end", "b"),
        ("#foreach($each in $list)$foreach.index:$each#if($foreach.hasNext),#end#end", "0:a,1:b,2:c"),
        ("#foreach($key in $map.keySet())$key #end", "one inner "),
        ("#foreach($each in $map.entrySet())$each.key#end", "oneinner"),
        ("#foreach($i in [1..3])$i$velocityCount #end$!i", "11 22 33 "),
        ("#foreach($i in [3..1])$i#if($i == 2)#break#end#end", "32"),
        ("a#stop b", "a"),
        ("#set($e = '')$e.empty $name.empty $list.empty", "true false false"),
        ("{#if(true)a#end}{#{if}(true)a#{else}b#{end}}", "{a}{a}"),
        ("a ## comment\nb #* many\nlines *#c #[[ $name ]]#", "a b c  $name "),
        ("#set($x = 1)\n$x\n#if(true)\nin\n#end\nout", "1\nin\nout"),
        ('{"a": "$name", "b": $count}', '{"a": "Ada", "b": 3}'),
        ("#set($list2 = [])#set($ok = $list2.add('x'))$list2", "[x]"),
        ("$map.put('new', 1)$map.new", "1"),
    ],
)  # fmt: skip
def test_renders(text: str, expected: str) -> None:
    assert rendered(text, map={"one": 1, "inner": {"two": [2, 22]}}) == expected


@pytest.mark.parametrize(
    "text", ["#if(true) a", "#foreach($x in $list) a", "#end", "#set(x = 1)", "#set($x 1)", "#if(", "#set($x = 'a)"]
)
def test_refuses_what_is_no_template(text: str) -> None:
    with pytest.raises(TemplateError):
        read(text)


def test_keeps_the_variables_of_a_caller_that_a_loop_hides() -> None:
    assert rendered("#foreach($name in $list)$name#end$name") == "abcAda"
