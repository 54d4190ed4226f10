from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from constructs_lib import DynamoTable, QueueWorker, SecureFunction, UploadBucket, Waived
from tests.constructs.uploads import AT, BUCKET, ENTRY, LOGS, of_s3, refusal
from tests.findings import findings_of
from tests.templates import resources_of, show, template_of


def policy_of(template: dict[str, Any], bucket: str) -> list[dict[str, Any]]:
    [policy] = [
        each
        for each in resources_of(template, "AWS::S3::BucketPolicy").values()
        if each["Properties"]["Bucket"] == {"Ref": bucket}
    ]
    statements: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return statements


def tls_only(bucket: str) -> dict[str, Any]:
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [arn, {"Fn::Join": ["", [arn, "/*"]]}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


class TestDefaults:
    def test_the_bucket(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        assert uploads.bucket_name
        bucket = resources_of(template_of(stack), "AWS::S3::Bucket")[BUCKET]
        assert bucket["Properties"] == {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "NothingLingers",
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        "ExpiredObjectDeleteMarker": True,
                    }
                ]
            },
            "LoggingConfiguration": {"DestinationBucketName": {"Ref": LOGS}, "LogFilePrefix": "Shop/Uploads/"},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
        }
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_its_policy_refuses_what_is_not_tls_and_admits_nobody(
        self, stack: cdk.Stack, uploads: UploadBucket
    ) -> None:
        assert uploads.bucket_arn
        assert policy_of(template_of(stack), BUCKET) == [tls_only(BUCKET)]

    def test_the_bucket_for_logs_is_as_safe_and_admits_the_service_for_this_bucket_alone(
        self, stack: cdk.Stack, uploads: UploadBucket
    ) -> None:
        template = template_of(stack)
        bucket = resources_of(template, "AWS::S3::Bucket")[LOGS]
        own = resources_of(template, "AWS::S3::Bucket")[BUCKET]["Properties"]
        assert bucket["Properties"] == {
            **{key: own[key] for key in ("BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration")},
            "LifecycleConfiguration": {"Rules": [{"Id": "KeptAYear", "Status": "Enabled", "ExpirationInDays": 365}]},
        }
        assert bucket["DeletionPolicy"] == "Retain"
        assert policy_of(template, LOGS) == [
            tls_only(LOGS),
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": {"Fn::Join": ["", [{"Fn::GetAtt": [LOGS, "Arn"]}, "/Shop/Uploads/*"]]},
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                    "ArnLike": {"aws:SourceArn": {"Fn::GetAtt": [BUCKET, "Arn"]}},
                },
            },
        ]
        assert stack.resolve(uploads.access_logs.bucket_name) == {"Ref": LOGS}

    def test_logical_ids_of_what_holds_data_stay(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        assert uploads.bucket
        assert sorted(resources_of(template_of(stack), "AWS::S3::Bucket")) == [LOGS, BUCKET]

    def test_cdk_nag_finds_nothing(self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction) -> None:
        worker = QueueWorker(stack, "Copies", entry=ENTRY)
        uploads.on_upload(thumbnail, prefix="uploads/")
        uploads.on_upload(worker, suffix=".csv")
        for function in (thumbnail, worker):
            uploads.grant_read(function, prefix="uploads/", listing=True)
            uploads.grant_write(function, prefix="thumbnails/", suffix=".webp")
        assert findings_of(stack) == []

    @pytest.mark.parametrize("prefix", ["my photos/", "a]b", "a(b", "été + {x/"])
    def test_cdk_nag_finds_nothing_whatever_the_keys_are_called(
        self, app: cdk.App, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction, prefix: str
    ) -> None:
        import cdk_nag  # noqa: PLC0415 - loading it takes a while, and few tests ask

        uploads.on_upload(thumbnail, prefix=prefix)
        uploads.grant_read(thumbnail, prefix=prefix)
        assert findings_of(stack) == []
        cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
        app.synth()

    def test_nothing_is_a_custom_resource_whatever_the_flags(self, app: cdk.App) -> None:
        templates = []
        for name, context in (("Bare", {}), ("Flags", {"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True})):
            stage = cdk.Stage(app, name)
            for key, value in context.items():
                stage.node.set_context(key, value)
            stack = cdk.Stack(stage, "Shop")
            uploads = UploadBucket(stack, "Uploads")
            uploads.on_upload(SecureFunction(stack, "Thumbnail", entry=ENTRY))
            template = template_of(stack)
            assert {each["Type"] for each in template["Resources"].values()} == {
                "AWS::CloudWatch::Alarm",
                "AWS::Events::Rule",
                "AWS::IAM::ManagedPolicy",
                "AWS::IAM::Role",
                "AWS::Lambda::EventInvokeConfig",
                "AWS::Lambda::Function",
                "AWS::Lambda::Permission",
                "AWS::Logs::LogGroup",
                "AWS::S3::Bucket",
                "AWS::S3::BucketPolicy",
                "AWS::SQS::Queue",
                "AWS::SQS::QueuePolicy",
            }
            templates.append({key: each for key, each in template["Resources"].items() if "AccessLogs" in key})
            for each in templates[-1].values():
                each["Properties"].pop("PolicyDocument", None)  # the prefix has the name of the stage
        assert templates[0] == templates[1]


class TestGrants:
    def test_reading_is_get_object_below_the_prefix(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.grant_read(thumbnail, prefix="uploads/", env="UPLOADS_BUCKET")
        template = template_of(stack)
        assert of_s3(template, "ThumbnailIdentityRole") == {("s3:GetObject", f"{BUCKET}.Arn/uploads/*")}
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["UPLOADS_BUCKET"] == {"Ref": BUCKET}

    @pytest.mark.parametrize(
        ("prefix", "listed"),
        [("uploads/", f'{BUCKET}.Arn if {{"StringLike": {{"s3:prefix": ["uploads/*"]}}}}'), ("", f"{BUCKET}.Arn")],
    )
    def test_listing_only_where_asked_and_only_below_the_prefix(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction, prefix: str, listed: str
    ) -> None:
        uploads.grant_read(thumbnail, prefix=prefix, listing=True)
        assert of_s3(template_of(stack), "ThumbnailIdentityRole") == {
            ("s3:GetObject", f"{BUCKET}.Arn/{prefix}*"),
            ("s3:ListBucket", listed),
        }

    def test_writing_is_put_object_on_these_keys(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        uploads.grant_write(thumbnail, prefix="thumbnails/", suffix=".webp", env="THUMBNAILS_BUCKET")
        template = template_of(stack)
        assert of_s3(template, "ThumbnailIdentityRole") == {("s3:PutObject", f"{BUCKET}.Arn/thumbnails/*.webp")}
        [function] = resources_of(template, "AWS::Lambda::Function").values()
        assert function["Properties"]["Environment"]["Variables"]["THUMBNAILS_BUCKET"] == {"Ref": BUCKET}

    @pytest.mark.parametrize(
        ("verb", "actions"),
        [("grant_read", ["kms:Decrypt"]), ("grant_write", ["kms:Decrypt", "kms:GenerateDataKey"])],
    )
    def test_a_key_of_ones_own_is_used_through_s3_only(
        self, stack: cdk.Stack, thumbnail: SecureFunction, verb: str, actions: list[str]
    ) -> None:
        uploads = UploadBucket(stack, "Uploads", encryption_key=kms.Key(stack, "Key"))
        getattr(uploads, verb)(thumbnail, prefix="a/")
        template = template_of(stack)
        [key] = resources_of(template, "AWS::KMS::Key")
        used = {each for each in of_s3(template, "ThumbnailIdentityRole") if each[0].startswith("kms:")}
        assert {action for action, _ in used} == set(actions)
        assert all(
            resource.startswith(f'{key}.Arn if {{"StringEquals": {{"kms:ViaService"') and '"s3."' in resource
            for _, resource in used
        )
        [rule] = resources_of(template, "AWS::S3::Bucket")[BUCKET]["Properties"]["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        assert rule["BucketKeyEnabled"] is True
        assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == {"Fn::GetAtt": [key, "Arn"]}

    def test_a_role_that_is_no_functions(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        uploads.grant_write(role, prefix="uploads/")
        [policy] = resources_of(template_of(stack), "AWS::IAM::Policy").values()
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert (statement["Action"], show(statement["Resource"])) == ("s3:PutObject", f"{BUCKET}.Arn/uploads/*")


class TestRefusals:
    @pytest.mark.parametrize(
        ("keys", "what", "fix"),
        [
            (
                {"prefix": "uploads/*"},
                "prefix is 'uploads/*', and * has a meaning of its own in a policy",
                "give how the keys begin as prefix and how they end as suffix; between them may be anything",
            ),
            (
                {"prefix": "", "suffix": "?.png"},
                "suffix is '?.png', and ? has a meaning of its own in a policy",
                "give how the keys begin as prefix and how they end as suffix; between them may be anything",
            ),
            (
                {"prefix": "home/${aws:username}/"},
                "prefix is 'home/${aws:username}/', and ${ has a meaning of its own in a policy",
                "give how the keys begin as prefix and how they end as suffix; between them may be anything",
            ),
            (
                {"prefix": "/uploads/"},
                "prefix is '/uploads/', and keys do not begin with a slash unless somebody wrote one",
                "leave the slash out: prefix='uploads/'",
            ),
        ],
    )
    def test_keys_that_would_mean_something_else(
        self, uploads: UploadBucket, thumbnail: SecureFunction, keys: dict[str, Any], what: str, fix: str
    ) -> None:
        wanted = f"{what}\n  at:  {AT}\n  fix: {fix}"
        assert refusal(lambda: uploads.grant_read(thumbnail, **keys)) == wanted
        assert refusal(lambda: uploads.grant_write(thumbnail, **keys)) == wanted
        assert refusal(lambda: uploads.on_upload(thumbnail, **keys)) == wanted

    def test_keys_that_nobody_knows_yet(
        self, stack: cdk.Stack, uploads: UploadBucket, thumbnail: SecureFunction
    ) -> None:
        prefix = cdk.CfnParameter(stack, "Prefix").value_as_string
        assert refusal(lambda: uploads.grant_write(thumbnail, prefix=prefix)) == (
            "prefix is not known before deployment, so nobody could tell whether a function runs itself\n"
            f"  at:  {AT}\n  fix: write it out"
        )

    def test_what_cannot_be_a_target(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        table: Any = DynamoTable(stack, "Users", partition_key="id")
        assert refusal(lambda: uploads.on_upload(table)) == (
            "target is a DynamoTable, wanted a SecureFunction, a QueueWorker or a Workflow\n"
            f"  at:  {AT}\n  fix: pass the construct itself"
        )

    def test_a_fifo_queue_without_a_group(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        worker = QueueWorker(stack, "Copies", entry=ENTRY, fifo=True, content_based_deduplication=True)
        assert refusal(lambda: uploads.on_upload(worker)) == (
            "Shop/Copies/Queue is FIFO, and its messages need a group\n"
            f'  at:  {AT}\n  fix: name one: message_group="orders"'
        )

    def test_a_second_rule_without_a_name(self, uploads: UploadBucket, thumbnail: SecureFunction) -> None:
        uploads.on_upload(thumbnail, suffix=".png")
        assert refusal(lambda: uploads.on_upload(thumbnail, suffix=".jpg")) == (
            f'Shop/Thumbnail has a Uploads already\n  at:  {AT}\n  fix: name this rule: on_upload(..., id="Photos")'
        )

    def test_a_variable_on_something_without_variables(self, stack: cdk.Stack, uploads: UploadBucket) -> None:
        role = iam.Role(stack, "Partner", assumed_by=iam.AccountPrincipal("111122223333"))
        assert "needs a function to set it on" in refusal(lambda: uploads.grant_read(role, prefix="a/", env="IN"))
        assert "needs a function to set it on" in refusal(lambda: uploads.grant_write(role, prefix="a/", env="OUT"))

    @pytest.mark.parametrize(("verb", "action"), [("grant_read", "s3:GetObject"), ("grant_write", "s3:PutObject")])
    def test_a_grant_that_would_be_dropped(self, uploads: UploadBucket, verb: str, action: str) -> None:
        service = iam.ServicePrincipal("cloudfront.amazonaws.com")
        assert refusal(lambda: getattr(uploads, verb)(service, prefix="a/")) == (
            f"{action} cannot be granted to a ServicePrincipal, which has no policy of its own\n  at:  {AT}\n"
            "  fix: grant it to a function or role of this account, or write a resource policy on the L2"
        )

    def test_logs_in_a_bucket_under_a_key(self, stack: cdk.Stack) -> None:
        logs = s3.Bucket(stack, "Logs", encryption_key=kms.Key(stack, "Key"))
        assert refusal(lambda: UploadBucket(stack, "Uploads", access_logs=logs)) == (
            "access_logs is encrypted under a KMS key, and S3 delivers access logs to no such bucket\n"
            f"  at:  {AT}\n  fix: encrypt it with keys of S3: encryption=s3.BucketEncryption.S3_MANAGED"
        )

    def test_logs_in_another_upload_bucket(self, stack: cdk.Stack) -> None:
        logs: Any = UploadBucket(stack, "Logs")
        assert refusal(lambda: UploadBucket(stack, "Uploads", access_logs=logs)) == (
            "access_logs is a UploadBucket, wanted an s3.IBucket\n"
            f"  at:  {AT}\n  fix: pass a bucket that is for logs, or leave access_logs out"
        )

    @pytest.mark.parametrize("safeguard", ["versioned", "retain"])
    def test_no_safeguard_is_off_without_a_reason(self, stack: cdk.Stack, safeguard: str) -> None:
        no: Any = {safeguard: False}
        assert refusal(lambda: UploadBucket(stack, "Uploads", **no)) == (
            f'{safeguard} is False\n  at:  {AT}\n  fix: say why: {safeguard}=Waived("...")'
        )

    def test_no_loop_guard_without_a_reason(self, uploads: UploadBucket, thumbnail: SecureFunction) -> None:
        no: Any = False
        wanted = f'loop_guard is False\n  at:  {AT}\n  fix: say why: loop_guard=Waived("...")'
        assert refusal(lambda: uploads.on_upload(thumbnail, loop_guard=no)) == wanted
        assert refusal(lambda: uploads.grant_write(thumbnail, prefix="a/", loop_guard=no)) == wanted


class TestEscapeHatches:
    def test_a_bucket_for_logs_of_ones_own(self, stack: cdk.Stack) -> None:
        logs = s3.Bucket(stack, "Logs", enforce_ssl=True)
        assert UploadBucket(stack, "Uploads", access_logs=logs).access_logs is logs
        UploadBucket(stack, "Exports", access_logs=logs)
        template = template_of(stack)
        [name] = [each for each in resources_of(template, "AWS::S3::Bucket") if each.startswith("Logs")]
        admitted = [
            (show(each["Resource"]), show(each["Condition"]["ArnLike"]["aws:SourceArn"]))
            for each in policy_of(template, name)
            if each["Effect"] == "Allow"
        ]
        [exports] = [each for each in resources_of(template, "AWS::S3::Bucket") if each.startswith("Exports")]
        assert admitted == [
            (f"{name}.Arn/Shop/Uploads/*", f"{BUCKET}.Arn"),
            (f"{name}.Arn/Shop/Exports/*", f"{exports}.Arn"),
        ]
        assert resources_of(template, "AWS::S3::Bucket")[BUCKET]["Properties"]["LoggingConfiguration"] == {
            "DestinationBucketName": {"Ref": name},
            "LogFilePrefix": "Shop/Uploads/",
        }

    def test_a_bucket_for_logs_in_another_stack_does_not_need_this_one(self, app: cdk.App, stack: cdk.Stack) -> None:
        audit = cdk.Stack(app, "Audit")
        logs = s3.Bucket(audit, "Logs")
        UploadBucket(stack, "Uploads", access_logs=logs)
        app.synth()
        assert [each.node.path for each in stack.dependencies] == ["Audit"]
        assert audit.dependencies == []
        template = template_of(audit)
        [allowed] = policy_of(template, next(iter(template["Resources"])))
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_what_is_waived_leaves_its_reason(self, stack: cdk.Stack) -> None:
        cache = Waived("rebuilt from the originals")
        UploadBucket(stack, "Uploads", versioned=cache, retain=cache)
        bucket = resources_of(template_of(stack), "AWS::S3::Bucket")[BUCKET]
        assert "VersioningConfiguration" not in bucket["Properties"]
        [rule] = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert sorted(rule) == ["AbortIncompleteMultipartUpload", "Id", "Status"]
        assert bucket["DeletionPolicy"] == "Delete"
        assert bucket["Metadata"]["constructs-lib:waived"] == {"versioned": cache.reason, "retain": cache.reason}

    def test_what_it_is_made_of_is_reachable(self, uploads: UploadBucket, thumbnail: SecureFunction) -> None:
        rule = uploads.on_upload(thumbnail)
        assert isinstance(uploads.bucket, s3.Bucket)
        assert isinstance(uploads.access_logs, s3.Bucket)
        assert isinstance(rule.rule, events.CfnRule)
        assert isinstance(rule.permission, lambda_.CfnPermission)
