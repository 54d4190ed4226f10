"""Parameters are kept for a while, one by one or all below a path, and read again when they are refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from constructs_lib.runtime import parameter_values
from tests.runtime.refusing import RefusedError, accepting


class FakeParameters:
    """The parameters of one account."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.version = 1
        self.calls: list[dict[str, object]] = []

    def get_parameter(self, **asked: object) -> dict[str, Any]:
        self.calls.append(asked)
        name = str(asked["Name"]).partition(":parameter")[2]
        return {"Parameter": {"Value": self.values[name], "Version": self.version}}

    def get_paginator(self, _name: str) -> FakeParameters:
        return self

    def paginate(self, **asked: object) -> list[dict[str, Any]]:
        self.calls.append(asked)
        found = [{"Name": name, "Value": value} for name, value in self.values.items() if name.startswith("/shop/")]
        return [{"Parameters": found[:1]}, {"Parameters": found[1:]}]


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeParameters]:
    found = FakeParameters({"/shop/limit": "10", "/shop/eu/tax": "19", "/other": "1"})
    monkeypatch.setattr(parameter_values, "_client", lambda _region: found)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("LIMIT", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/limit")
    monkeypatch.setenv("CONFIG", "/shop")
    for cache in (parameter_values._kept, parameter_values._path):
        cache.forget()
    yield found
    for cache in (parameter_values._kept, parameter_values._path):
        cache.forget()


class TestParameters:
    def test_reads_all_pages_below_a_path_once(self, parameters: FakeParameters) -> None:
        assert parameter_values.parameters_below("CONFIG") == {"limit": "10", "eu/tax": "19"}
        parameter_values.parameters_below("CONFIG").clear()
        assert parameter_values.parameters_below("CONFIG") == {"limit": "10", "eu/tax": "19"}
        assert parameters.calls == [{"Path": "/shop", "Recursive": True, "WithDecryption": True}]

    def test_reads_them_again_when_they_are_old(self, parameters: FakeParameters) -> None:
        parameter_values.parameters_below("CONFIG")
        parameters.values["/shop/limit"] = "11"
        assert parameter_values.parameters_below("CONFIG", max_age=timedelta(0))["limit"] == "11"

    def test_reads_one_that_is_refused_again(self, parameters: FakeParameters) -> None:
        assert parameter_values.parameter_value("LIMIT") == "10"
        parameters.values["/shop/limit"], parameters.version = "11", 2
        done = parameter_values.with_parameter("LIMIT", accepting("11"), refused=RefusedError)
        assert done == "did it with 11"
        assert len(parameters.calls) == 2

    def test_passes_the_refusal_on_when_it_has_not_changed(self, parameters: FakeParameters) -> None:
        with pytest.raises(RefusedError):
            parameter_values.with_parameter("LIMIT", accepting(), refused=RefusedError)
        assert len(parameters.calls) == 2

    @pytest.mark.usefixtures("parameters")
    def test_refuses_variables_of_another_kind(self) -> None:
        with pytest.raises(ValueError, match="CONFIG names no parameter"):
            parameter_values.parameter_value("CONFIG")
        with pytest.raises(ValueError, match="LIMIT names no path"):
            parameter_values.parameters_below("LIMIT")
