"""The rule against what happens when everything is tried, over random systems; `python -m benchmarks.recursion` tries
more of them.
"""

from collections import Counter

from constructs_lib.guards.finding import Verdict
from tests.guards.recursion.disagreements import disagreements
from tests.guards.recursion.oracle import verdicts
from tests.guards.recursion.random_system import Mapping, Notification, Rule, Statement, System, random_system

SEEDS = range(2_000)


def test_the_rule_says_what_happens_in_random_systems() -> None:
    found = [str(each) for each in disagreements(SEEDS)]
    assert found == [], "\n".join(found)


def test_the_systems_have_circles_of_every_kind() -> None:
    counts = Counter(verdict for seed in SEEDS[::10] for verdict in verdicts(random_system(seed)).values())
    assert all(counts[verdict.value] >= 10 for verdict in Verdict), counts


class TestTheOracleItself:
    """By hand, since everything else relies on it."""

    BUCKET = Statement("F0", allows=True, action="s3:PutObject", resource="arn:aws:s3:::ab/a*")

    def told(self, prefix: str, *more: Statement) -> System:
        way = Notification("ab", "F0", "s3:ObjectCreated:*", prefix, "")
        return System((self.BUCKET, *more), (way,), ())

    def test_all_of_it_runs_it_again(self) -> None:
        assert verdicts(self.told("a")) == {"F0": "LOOP"}

    def test_some_of_it_does(self) -> None:
        assert verdicts(self.told("ab")) == {"F0": "RISK"}

    def test_none_of_it_does(self) -> None:
        assert verdicts(self.told("b")) == {"F0": "GUARDED"}

    def test_nothing_comes_back(self) -> None:
        assert verdicts(System((self.BUCKET,), (), ())) == {}

    def test_a_denial_takes_some_away(self) -> None:
        denial = Statement("F0", allows=False, action="s3:PutObject", resource="arn:aws:s3:::ab/ab*")
        assert verdicts(self.told("ab", denial)) == {"F0": "GUARDED"}

    def test_nobody_speaks_in_the_name_of_aws(self) -> None:
        put = Statement("F0", True, "events:PutEvents", "arn:aws:events:eu-west-1:111111111111:event-bus/default")
        rules = (Rule("default", "F0", '{"source": [{"prefix": "aws."}]}'), Rule("default", "qa", '{"source": ["a"]}'))
        assert verdicts(System((put,), rules, ())) == {"F0": "GUARDED"}
        assert verdicts(System((put,), (*rules, Mapping("qa", "F0", ())), ())) == {"F0": "RISK"}
