from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from constructs_lib.assembly.public_findings import PublicFinding, PublicReport, public_findings
from constructs_lib.assembly.sam import translate
from constructs_lib.assembly.template_file import TemplateFile

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": True}}


def found(**resources: Any) -> tuple[PublicFinding, ...]:
    report = public_findings({"Resources": resources})
    assert report.skipped is None
    return report.findings


class TestFindings:
    def test_a_good_template_has_none(self) -> None:
        assert found(Queue=QUEUE) == ()

    def test_a_property_that_does_not_exist(self) -> None:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"Visibility": 5}}
        [finding] = found(Queue=queue)
        assert finding == PublicFinding(
            rule="F3002",
            severity="error",
            kind="Resource",
            logical_id="Queue",
            at=("Visibility",),
            problem="additional properties are not allowed ('Visibility' was unexpected)",
            fix="do as rule F3002 of cloudformation-validate asks: additional properties are not allowed",
        )

    def test_a_runtime_nobody_may_use_any_more(self) -> None:
        properties = {"Runtime": "nodejs12.x", "Handler": "a.b", "Role": "arn:aws:iam::111122223333:role/x"}
        function = {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": {"ZipFile": "x"}}}
        [finding] = found(F=function)
        assert (finding.rule, finding.severity, finding.logical_id, finding.at) == ("E2533", "error", "F", ("Runtime",))
        assert finding.problem.startswith("runtime 'nodejs12.x' was deprecated on '2023-03-31'")

    def test_what_is_no_resource_is_named_for_what_it_is(self) -> None:
        parameters = {"DbPassword": {"Type": "String"}}
        template = {"Parameters": parameters, "Resources": {"Queue": QUEUE}}
        findings = public_findings(template).findings
        assert {(each.kind, each.logical_id, each.at) for each in findings} == {
            ("Parameter", "DbPassword", ("Parameters", "DbPassword"))
        }
        assert {each.severity for each in findings} == {"warning"}

    def test_the_template_as_a_whole(self) -> None:
        [finding] = found()
        assert (finding.kind, finding.logical_id, finding.at) == ("Stack", "", ())
        assert finding.problem == "resources section must exist and be non-empty"

    def test_a_type_that_the_engine_is_too_old_to_know_is_no_error(self) -> None:
        [finding] = found(New={"Type": "AWS::Brand::New"})
        assert (finding.rule, finding.severity) == ("F3006", "warning")

    def test_what_cdk_and_sam_write_themselves_is_no_finding(self) -> None:
        role = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "sts:AssumeRole",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                        }
                    ],
                }
            },
        }
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": "src/",
                "Handler": "a.b",
                "Runtime": "nodejs24.x",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            },
            "DependsOn": ["Role"],
        }
        assert found(Role=role, F=function) == ()

    def test_of_what_sam_generates_only_errors_are_kept(self) -> None:
        function = {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Handler": "a.b", "Runtime": "nodejs24.x", "AutoPublishAlias": "live"},
        }
        file = translate(TemplateFile(Path("shop.yaml"), "shop", {"Resources": {"F": function}}))
        [version] = [key for key, each in file.template["Resources"].items() if each["Type"] == "AWS::Lambda::Version"]
        assert [each.logical_id for each in public_findings(file.template).findings] == [version]
        assert public_findings(file.template, generated=file.origins).findings == ()

    @pytest.mark.parametrize(
        "properties", [{"Timeout": {"Ref": []}}, {"Fn::If": 5}, {"Environment": [[[[]]]]}, {"Code": {"Fn::Sub": {}}}]
    )
    def test_strange_values_are_answered(self, properties: dict[str, Any]) -> None:
        assert found(F={"Type": "AWS::Lambda::Function", "Properties": properties})


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_engine_ends_in_silence_and_brings_no_cdk() -> None:
    code = """
    import sys
    from constructs_lib.assembly.public_findings import public_findings
    print(len(public_findings({"Resources": {}}).findings), "aws_cdk" in sys.modules)
    """
    assert run(code) == "1 False\n"


class TestSkipped:
    def test_more_resources_than_cloudformation_takes(self) -> None:
        assert public_findings({"Resources": {f"Q{n}": QUEUE for n in range(501)}}) == PublicReport(
            skipped="501 resources: CloudFormation takes 500 in one template"
        )

    def test_more_bytes_than_cloudformation_takes(self) -> None:
        report = public_findings({"Resources": {"Queue": {**QUEUE, "Metadata": {"x": "y" * 2_000_000}}}})
        assert report.skipped is not None
        assert report.skipped.endswith(" bytes: CloudFormation takes 1,048,576 in one template")

    @pytest.mark.parametrize("how", ["None", "Broken()"])
    def test_an_engine_that_is_missing_or_does_not_load(self, how: str) -> None:
        code = f"""
        import sys
        class Broken:
            def __getattr__(self, name):
                raise OSError("version `GLIBC_2.34' not found")
        sys.modules["cloudformation_validate"] = {how}
        from constructs_lib.assembly.public_findings import public_findings
        print(public_findings({{"Resources": {{}}}}).skipped)
        """
        assert run(code) == 'cloudformation-validate is not installed here: pip install "constructs-lib[check]"\n'
