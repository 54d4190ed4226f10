from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fidelity.behaviour import behaviour
from tests.fidelity.outside import ACCOUNT, Outside, allow, deny, policy, refusal

IAM = "IAM"
GUIDE = "IAM/latest/UserGuide/"


@pytest.fixture
def bucket(aws: Outside) -> str:
    name = aws.name("bucket")
    aws.client("s3").create_bucket(Bucket=name)
    aws.client("s3").put_object(Bucket=name, Key="a", Body=b"1")
    return name


@pytest.fixture
def table(aws: Outside) -> str:
    name = aws.name("table")
    aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def arn_of(table: str) -> str:
    return f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}"


KEY = {"id": {"S": "a"}}


@behaviour(
    IAM,
    "who is allowed nothing may do nothing, and is told action and resource",
    GUIDE + "troubleshoot_access-denied.html",
)
def test_nothing(aws: Outside, table: str) -> None:
    code, message = refusal(aws.user("dynamodb").get_item, TableName=table, Key=KEY)
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: dynamodb:GetItem on resource: " + arn_of(table) in message
    assert "because no identity-based policy allows the dynamodb:GetItem action" in message


@behaviour(IAM, "exactly the allowed action on exactly the allowed resource", GUIDE + "access_policies.html")
def test_exactly(aws: Outside, table: str) -> None:
    ada = aws.user("dynamodb", allow("dynamodb:GetItem", arn_of(table)))
    ada.get_item(TableName=table, Key=KEY)
    assert refusal(ada.put_item, TableName=table, Item=KEY)[0] == "AccessDeniedException"
    assert refusal(ada.get_item, TableName=f"{table}-2", Key=KEY)[0] == "AccessDeniedException"


@behaviour(IAM, "an explicit deny wins over every allow", GUIDE + "reference_policies_evaluation-logic.html")
def test_deny(aws: Outside, table: str) -> None:
    ada = aws.user("dynamodb", allow("dynamodb:*", "*"), deny("dynamodb:DeleteItem", arn_of(table)))
    ada.put_item(TableName=table, Item=KEY)
    code, message = refusal(ada.delete_item, TableName=table, Key=KEY)
    assert code == "AccessDeniedException"
    assert "with an explicit deny in an identity-based policy" in message


@behaviour(IAM, "NotAction allows everything but what it names", GUIDE + "reference_policies_elements_notaction.html")
def test_not_action(aws: Outside, table: str) -> None:
    ada = aws.user("dynamodb", {"Effect": "Allow", "NotAction": "dynamodb:Delete*", "Resource": "*"})
    ada.put_item(TableName=table, Item=KEY)
    assert refusal(ada.delete_item, TableName=table, Key=KEY)[0] == "AccessDeniedException"


@behaviour(IAM, "NotResource spares what it names", GUIDE + "reference_policies_elements_notresource.html")
def test_not_resource(aws: Outside, bucket: str) -> None:
    spared = {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": f"arn:aws:s3:::{bucket}/open/*"}
    ada = aws.user("s3", allow("s3:*", "*"), spared)
    ada.put_object(Bucket=bucket, Key="open/a", Body=b"")
    ada.get_object(Bucket=bucket, Key="open/a")
    assert refusal(ada.get_object, Bucket=bucket, Key="a")[0] == "AccessDenied"


@behaviour(IAM, "wildcards match any part of a resource", GUIDE + "reference_policies_elements_resource.html")
def test_wildcards(aws: Outside, bucket: str) -> None:
    ada = aws.user("s3", allow("s3:PutObject", f"arn:aws:s3:::{bucket}/in/*.p?g"))
    ada.put_object(Bucket=bucket, Key="in/deep/a.png", Body=b"")
    assert refusal(ada.put_object, Bucket=bucket, Key="in/a.jpeg", Body=b"")[0] == "AccessDenied"


@behaviour(
    IAM,
    "conditions on the keys of items: dynamodb:LeadingKeys",
    "amazondynamodb/latest/developerguide/specifying-conditions.html",
)
def test_leading_keys(aws: Outside, table: str) -> None:
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}
    ada = aws.user("dynamodb", allow(["dynamodb:PutItem", "dynamodb:GetItem"], arn_of(table), Condition=condition))
    ada.put_item(TableName=table, Item={"id": {"S": "mine"}})
    assert refusal(ada.put_item, TableName=table, Item=KEY)[0] == "AccessDeniedException"


@behaviour(IAM, "conditions on a listing: s3:prefix", "AmazonS3/latest/userguide/amazon-s3-policy-keys.html")
def test_prefixes(aws: Outside, bucket: str) -> None:
    condition = {"StringLike": {"s3:prefix": "home/*"}}
    ada = aws.user("s3", allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition))
    ada.list_objects_v2(Bucket=bucket, Prefix="home/ada")
    assert refusal(ada.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"


@behaviour(IAM, "policy variables: everybody a folder of their own", GUIDE + "reference_policies_variables.html")
def test_variables(aws: Outside, bucket: str) -> None:
    ada = aws.user("s3", allow("s3:PutObject", f"arn:aws:s3:::{bucket}/${{aws:username}}/*"))
    name = aws.client("iam").list_users()["Users"]
    own = max((each["UserName"] for each in name), key=lambda each: int(each.rpartition("-")[2]))
    ada.put_object(Bucket=bucket, Key=f"{own}/a", Body=b"")
    assert refusal(ada.put_object, Bucket=bucket, Key="other/a", Body=b"")[0] == "AccessDenied"


@behaviour(IAM, "a role is assumed by whom its trust policy names", GUIDE + "id_roles_use_switch-role-api.html")
def test_trust(aws: Outside, bucket: str) -> None:
    iam, name = aws.client("iam"), aws.name("role")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=policy(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    )
    ada = aws.user("sts", allow("sts:AssumeRole", arn))
    session = ada.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    s3 = aws.client("s3", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"")[0] == "AccessDenied"
    assert refusal(aws.user("sts").assume_role, RoleArn=arn, RoleSessionName="session")[0] == "AccessDenied"


@behaviour(IAM, "a session policy narrows a role", GUIDE + "access_policies.html#policies_session")
def test_session_policies(aws: Outside, bucket: str) -> None:
    iam, name = aws.client("iam"), aws.name("role")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("s3:*", "*")))
    narrow = policy(allow("s3:GetObject", "*"))
    session = aws.user("sts", allow("sts:AssumeRole", arn)).assume_role(
        RoleArn=arn, RoleSessionName="session", Policy=narrow
    )
    key = session["Credentials"]
    s3 = aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
    s3.get_object(Bucket=bucket, Key="a")
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"")[0] == "AccessDenied"


@behaviour(IAM, "a permissions boundary limits what policies can give", GUIDE + "access_policies_boundaries.html")
def test_boundaries(aws: Outside, bucket: str) -> None:
    iam, name = aws.client("iam"), aws.name("user")
    boundary = iam.create_policy(PolicyName=aws.name("boundary"), PolicyDocument=policy(allow("s3:GetObject", "*")))
    iam.create_user(UserName=name, PermissionsBoundary=boundary["Policy"]["Arn"])
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("s3:*", "*")))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    s3.get_object(Bucket=bucket, Key="a")
    assert refusal(s3.put_object, Bucket=bucket, Key="a", Body=b"")[0] == "AccessDenied"


@behaviour(IAM, "a group gives its users what it may", GUIDE + "id_groups.html")
def test_groups(aws: Outside, bucket: str) -> None:
    iam, group, name = aws.client("iam"), aws.name("group"), aws.name("user")
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(allow("s3:GetObject", "*")))
    iam.create_user(UserName=name)
    iam.add_user_to_group(GroupName=group, UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


@behaviour(
    IAM,
    "a wrong secret is SignatureDoesNotMatch, an unknown key InvalidClientTokenId",
    "STS/latest/APIReference/CommonErrors.html",
)
def test_signatures(aws: Outside) -> None:
    iam, name = aws.client("iam"), aws.name("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    assert refusal(aws.client("sts", key, "wrong").get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert refusal(aws.client("sts", "AKIAIOSFODNN7EXAMPLE", "x").get_caller_identity)[0] == "InvalidClientTokenId"


@behaviour(IAM, "everybody may ask who they are", "STS/latest/APIReference/API_GetCallerIdentity.html")
def test_identity(aws: Outside) -> None:
    identity = aws.user("sts").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert ":user/user-" in identity["Arn"]


@behaviour(
    IAM,
    "a condition on encrypted transport holds for every call",
    GUIDE + "reference_policies_condition-keys.html#condition-keys-securetransport",
)
def test_secure_transport(aws: Outside, bucket: str) -> None:
    insecure = deny(
        "s3:*",
        [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        Principal="*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(insecure))
    ada = aws.user("s3", allow("s3:GetObject", "*"))
    assert ada.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


@behaviour(IAM, "a condition on tags of the principal: aws:PrincipalTag", GUIDE + "access_tags.html")
def test_tags(aws: Outside, bucket: str) -> None:
    iam, name = aws.client("iam"), aws.name("user")
    iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "blue"}])
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    statements = policy(allow("s3:GetObject", "*", Condition=condition))
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=statements)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = aws.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    s3.get_object(Bucket=bucket, Key="a")
    iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    assert refusal(s3.get_object, Bucket=bucket, Key="a")[0] == "AccessDenied"


@behaviour(
    IAM, "a policy document that is none is MalformedPolicyDocument", "IAM/latest/APIReference/API_PutUserPolicy.html"
)
def test_malformed(aws: Outside) -> None:
    iam, name = aws.client("iam"), aws.name("user")
    iam.create_user(UserName=name)
    document: dict[str, Any] = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}],
    }
    code, _ = refusal(iam.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    assert code == "MalformedPolicyDocument"


@behaviour(IAM, "the simulator says what a policy would allow", GUIDE + "access_policies_testing-policies.html")
def test_simulator(aws: Outside) -> None:
    answer = aws.client("iam").simulate_custom_policy(
        PolicyInputList=[policy(allow("s3:GetObject", "arn:aws:s3:::b/*"))],
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/k"],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]
