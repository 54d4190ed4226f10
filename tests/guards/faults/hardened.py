"""A whole app in one template with nothing to be said against it: what single faults are put into."""

from __future__ import annotations

import json
from typing import Any

from tests.guards.faults.parts import (
    DAY,
    Template,
    allowed,
    att,
    dead_letters,
    failures_of,
    function,
    let_in,
    made,
    may_send,
    over_tls,
    permission,
    queue,
    ref,
    role,
    sub,
    table,
    topic,
)

PHOTOS = "arn:${AWS::Partition}:s3:::shop-photos"  # by name: a bucket cannot refer to whom its own policies name


def http_api() -> dict[str, Template]:
    """A route with a token to an alias that is kept warm."""
    kind, limits = "AWS::ApiGatewayV2::", {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
    jwt = {"Audience": ["shop"], "Issuer": "https://login.example.com/"}
    route = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/orders"
    return {
        **function(
            "Place",
            allowed("dynamodb:PutItem", att("Orders")),
            may_send("Jobs"),
            Environment={"Variables": {"TABLE": ref("Orders"), "JOBS": ref("Jobs")}},
        ),
        "PlaceVersion": made("AWS::Lambda::Version", FunctionName=ref("Place")),
        "PlaceLive": made(
            "AWS::Lambda::Alias",
            FunctionName=ref("Place"),
            FunctionVersion=att("PlaceVersion", "Version"),
            Name="live",
            ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 2},
        ),
        "PlacePermission": permission(ref("PlaceLive"), "apigateway", sub(route)),
        "Api": made(f"{kind}Api", Name="shop", ProtocolType="HTTP"),
        "Authorizer": made(
            f"{kind}Authorizer", ApiId=ref("Api"), AuthorizerType="JWT", Name="users", JwtConfiguration=jwt
        ),
        "Requests": made("AWS::Logs::LogGroup", RetentionInDays=30),
        "Stage": made(
            f"{kind}Stage",
            AccessLogSettings={"DestinationArn": att("Requests"), "Format": '{"id": "$context.requestId"}'},
            ApiId=ref("Api"),
            AutoDeploy=True,
            DefaultRouteSettings=limits,
            StageName="$default",
        ),
        "Integration": made(
            f"{kind}Integration", ApiId=ref("Api"), IntegrationType="AWS_PROXY", IntegrationUri=ref("PlaceLive")
        ),
        "Route": made(
            f"{kind}Route",
            ApiId=ref("Api"),
            AuthorizationType="JWT",
            AuthorizerId=ref("Authorizer"),
            RouteKey="POST /orders",
            Target=sub("integrations/${Integration}"),
        ),
    }


def rest_api() -> dict[str, Template]:
    """A method with a user pool, a model and a throttle."""
    kind = "AWS::ApiGateway::"
    uri = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Review.Arn}/invocations"
    source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Rest}/*/POST/reviews"
    everything = {"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}
    return {
        **function("Review"),
        "ReviewPermission": permission(ref("Review"), "apigateway", sub(source)),
        "Users": made("AWS::Cognito::UserPool", kept=True),
        "Rest": made(f"{kind}RestApi", Name="reviews"),
        "Pool": made(
            f"{kind}Authorizer",
            RestApiId=ref("Rest"),
            Name="pool",
            Type="COGNITO_USER_POOLS",
            ProviderARNs=[att("Users")],
        ),
        "Validator": made(f"{kind}RequestValidator", RestApiId=ref("Rest"), ValidateRequestBody=True),
        "Reviews": made(
            f"{kind}Resource", RestApiId=ref("Rest"), ParentId=att("Rest", "RootResourceId"), PathPart="reviews"
        ),
        "PostReview": made(
            f"{kind}Method",
            AuthorizationType="COGNITO_USER_POOLS",
            AuthorizerId=ref("Pool"),
            HttpMethod="POST",
            Integration={"IntegrationHttpMethod": "POST", "Type": "AWS_PROXY", "Uri": sub(uri)},
            RequestValidatorId=ref("Validator"),
            ResourceId=ref("Reviews"),
            RestApiId=ref("Rest"),
        ),
        "Deployment": made(f"{kind}Deployment", RestApiId=ref("Rest"), needs="PostReview"),
        "RestStage": made(
            f"{kind}Stage",
            AccessLogSetting={"DestinationArn": att("Requests"), "Format": '{"id": "$context.requestId"}'},
            DeploymentId=ref("Deployment"),
            MethodSettings=[everything],
            RestApiId=ref("Rest"),
            StageName="prod",
            TracingEnabled=True,
        ),
    }


def jobs() -> dict[str, Template]:
    """A queue, and the function that drains it."""
    poll = allowed(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], att("Jobs"))
    redrive = {"deadLetterTargetArn": att("DeadJobs"), "maxReceiveCount": 5}
    return {
        **function("Work", poll, ReservedConcurrentExecutions=10),
        **queue("Jobs", MessageRetentionPeriod=4 * DAY, RedrivePolicy=redrive, VisibilityTimeout=60),
        **dead_letters("DeadJobs"),
        "WorkMapping": made(
            "AWS::Lambda::EventSourceMapping",
            BatchSize=10,
            EventSourceArn=att("Jobs"),
            FunctionName=ref("Work"),
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig={"MaximumConcurrency": 10},
        ),
    }


def changes() -> dict[str, Template]:
    """The stream of a table, and the function that follows it."""
    actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    poll = allowed(actions, att("Orders", "StreamArn"))
    return {
        **function(
            "Follow",
            poll,
            allowed("dynamodb:ListStreams", "*"),
            allowed("events:PutEvents", att("Bus")),
            may_send("DeadChanges"),
        ),
        **dead_letters("DeadChanges"),
        "Orders": table(StreamSpecification={"StreamViewType": "NEW_IMAGE"}),
        "FollowMapping": made(
            "AWS::Lambda::EventSourceMapping",
            BatchSize=100,
            BisectBatchOnFunctionError=True,
            DestinationConfig={"OnFailure": {"Destination": att("DeadChanges")}},
            EventSourceArn=att("Orders", "StreamArn"),
            FunctionName=ref("Follow"),
            FunctionResponseTypes=["ReportBatchItemFailures"],
            MaximumRecordAgeInSeconds=3600,
            MaximumRetryAttempts=3,
            StartingPosition="LATEST",
        ),
    }


def events() -> dict[str, Template]:
    """A rule, a subscription and a schedule that call functions, and keep what fails."""
    tells = allowed("sns:Publish", ref("OnCall")) | {"Principal": {"Service": "cloudwatch.amazonaws.com"}}
    tells |= {"Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}}
    resources = {
        **function("Notify", may_send("DeadEvents")),
        **dead_letters("DeadEvents"),
        **dead_letters("Undelivered"),
        "NotifyFailures": failures_of("Notify", "DeadEvents"),
        "Bus": made("AWS::Events::EventBus", Name="shop"),
        "Placed": made(
            "AWS::Events::Rule",
            EventBusName=ref("Bus"),
            EventPattern={"source": ["shop.orders"], "detail-type": ["OrderPlaced"]},
            Targets=[{"Arn": att("Notify"), "DeadLetterConfig": {"Arn": att("Undelivered")}, "Id": "Notify"}],
        ),
        "PlacedPermission": permission(ref("Notify"), "events", att("Placed")),
        **topic("News", "alias/aws/sns"),
        "NewsToNotify": made(
            "AWS::SNS::Subscription",
            Endpoint=att("Notify"),
            Protocol="lambda",
            RedrivePolicy={"deadLetterTargetArn": att("Undelivered")},
            TopicArn=ref("News"),
        ),
        "NewsPermission": permission(ref("Notify"), "sns", ref("News")),
        "NightlyRole": role("scheduler", allowed("lambda:InvokeFunction", att("Notify")), may_send("Undelivered")),
        "Nightly": made(
            "AWS::Scheduler::Schedule",
            FlexibleTimeWindow={"Mode": "OFF"},
            ScheduleExpression="rate(1 day)",
            Target={
                "Arn": att("Notify"),
                "DeadLetterConfig": {"Arn": att("Undelivered")},
                "RoleArn": att("NightlyRole"),
            },
        ),
        **topic("OnCall", "alias/on-call", tells),
    }
    let_in(resources, "Undelivered", "events", att("Placed"))
    let_in(resources, "Undelivered", "sns", ref("News"))
    return resources


RETRY = [{"ErrorEquals": ["Lambda.TooManyRequestsException", "Lambda.ServiceException"], "MaxAttempts": 3}]
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "Refund"}]


def task(name: str, **more: Any) -> Template:
    called = {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": f"${{{name}}}"}}
    return {"Type": "Task", **called, "Retry": RETRY, "TimeoutSeconds": 15, **more}


STATES = {
    "Pay": task("Charge", Catch=CATCH, Next="Ship"),
    "Ship": task("Send", Catch=CATCH, End=True),
    "Refund": task("Charge", Next="Failed"),
    "Failed": {"Type": "Fail"},
}


def workflow() -> dict[str, Template]:
    """A state machine of two functions that takes back what it did."""
    return {
        **function(
            "Charge",
            allowed("secretsmanager:GetSecretValue", ref("PaymentKey")),
            Environment={"Variables": {"PAYMENT_SECRET_ARN": ref("PaymentKey")}},
        ),
        "PaymentKey": made("AWS::SecretsManager::Secret", SecretString=ref("PaymentToken")),
        **function("Send"),
        "FulfilRole": role("states", allowed("lambda:InvokeFunction", [att("Charge"), att("Send")])),
        "Fulfil": made(
            "AWS::StepFunctions::StateMachine",
            DefinitionString=json.dumps({"StartAt": "Pay", "States": STATES}),
            DefinitionSubstitutions={"Charge": att("Charge"), "Send": att("Send")},
            RoleArn=att("FulfilRole"),
            TracingConfiguration={"Enabled": True},
        ),
    }


def database() -> dict[str, Template]:
    """A database behind a proxy, and the function in its VPC."""
    interfaces = ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"]
    group = "AWS::EC2::SecurityGroup"
    subnets = [ref("Subnet"), ref("SubnetB")]
    auth = {"AuthScheme": "SECRETS", "IAMAuth": "REQUIRED", "SecretArn": ref("Login")}
    return {
        **function(
            "Report",
            allowed(interfaces, "*"),
            allowed("rds-db:connect", sub("arn:aws:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:prx-1/reports")),
            Environment={"Variables": {"DB_HOST": att("Proxy", "Endpoint")}},
            ReservedConcurrentExecutions=50,
            VpcConfig={
                "SecurityGroupIds": [att("ReportGroup", "GroupId")],
                "SubnetIds": subnets,
            },
        ),
        "Vpc": made("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": made("AWS::EC2::Subnet", CidrBlock="10.0.0.0/24", VpcId=ref("Vpc")),
        "SubnetB": made("AWS::EC2::Subnet", CidrBlock="10.0.1.0/24", VpcId=ref("Vpc")),
        "ReportGroup": made(group, GroupDescription="reports", VpcId=ref("Vpc")),
        "ProxyGroup": made(group, GroupDescription="the proxy", VpcId=ref("Vpc")),
        "DatabaseGroup": made(group, GroupDescription="the database", VpcId=ref("Vpc")),
        "Login": made("AWS::SecretsManager::Secret", GenerateSecretString={"ExcludePunctuation": True}),
        "Reports": made(
            "AWS::RDS::DBInstance",
            kept=True,
            AllocatedStorage="20",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            ManageMasterUserPassword=True,
            MasterUsername="reports",
            StorageEncrypted=True,
            VPCSecurityGroups=[att("DatabaseGroup", "GroupId")],
        ),
        "ProxyRole": role("rds", allowed("secretsmanager:GetSecretValue", ref("Login"))),
        "Proxy": made(
            "AWS::RDS::DBProxy",
            Auth=[auth],
            DBProxyName="reports",
            EngineFamily="POSTGRESQL",
            RequireTLS=True,
            RoleArn=att("ProxyRole"),
            VpcSubnetIds=subnets,
        ),
    }


def uploads() -> dict[str, Template]:
    """A bucket whose new pictures run a function that writes their thumbnails into the same bucket, elsewhere."""
    incoming, thumbnails = sub(f"{PHOTOS}/incoming/*"), sub(f"{PHOTOS}/thumbnails/*")
    narrowed = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}}
    told = {"Event": "s3:ObjectCreated:*", "Filter": narrowed, "Function": att("Resize")}
    encrypted = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    return {
        **function(
            "Resize",
            allowed("s3:GetObject", incoming),
            allowed("s3:PutObject", thumbnails),
            may_send("DeadUploads"),
        ),
        **dead_letters("DeadUploads"),
        "ResizeFailures": failures_of("Resize", "DeadUploads"),
        "ResizePermission": permission(ref("Resize"), "s3", sub(PHOTOS), SourceAccount=ref("AWS::AccountId")),
        "Photos": made(
            "AWS::S3::Bucket",
            kept=True,
            needs="ResizePermission",
            BucketEncryption={"ServerSideEncryptionConfiguration": [encrypted]},
            BucketName="shop-photos",
            NotificationConfiguration={"LambdaConfigurations": [told]},
            PublicAccessBlockConfiguration=dict.fromkeys(closed, True),
            VersioningConfiguration={"Status": "Enabled"},
        ),
        "PhotosPolicy": made(
            "AWS::S3::BucketPolicy",
            Bucket=ref("Photos"),
            PolicyDocument={"Statement": [over_tls("s3:*", sub(PHOTOS), sub(f"{PHOTOS}/*"))]},
        ),
    }


def clicks() -> dict[str, Template]:
    """A stream of clicks, and the function that counts them in a global table."""
    actions = ["kinesis:DescribeStreamSummary", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
    actions += ["kinesis:DescribeStream"]
    poll, count = allowed(actions, att("Clicks")), allowed("dynamodb:UpdateItem", att("Totals"))
    restored = {"PointInTimeRecoveryEnabled": True}
    home = {"DeletionProtectionEnabled": True, "PointInTimeRecoverySpecification": restored}
    return {
        **function("Count", poll, count, may_send("DeadClicks")),
        **dead_letters("DeadClicks"),
        "Clicks": made(
            "AWS::Kinesis::Stream",
            kept=True,
            StreamEncryption={"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
            StreamModeDetails={"StreamMode": "ON_DEMAND"},
        ),
        "Totals": made(
            "AWS::DynamoDB::GlobalTable",
            kept=True,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            Replicas=[{"Region": ref("AWS::Region"), **home}],
            SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
        ),
        "CountMapping": made(
            "AWS::Lambda::EventSourceMapping",
            BatchSize=100,
            DestinationConfig={"OnFailure": {"Destination": att("DeadClicks")}},
            EventSourceArn=att("Clicks"),
            FunctionName=ref("Count"),
            FunctionResponseTypes=["ReportBatchItemFailures"],
            MaximumRecordAgeInSeconds=3600,
            MaximumRetryAttempts=3,
            StartingPosition="LATEST",
        ),
    }


def hardened() -> Template:
    """Return the whole template."""
    parts = (http_api(), rest_api(), jobs(), changes(), events(), workflow(), database(), uploads(), clicks())
    return {
        "Parameters": {"PaymentToken": {"Type": "String", "NoEcho": True}},
        "Resources": {name: resource for part in parts for name, resource in part.items()},
        "Outputs": {"Url": {"Value": att("Api", "ApiEndpoint")}, "PaymentKeyArn": {"Value": ref("PaymentKey")}},
    }
