"""A whole app in one template with nothing to be said against it: what single faults are put into."""

from __future__ import annotations

import json
from typing import Any

Template = dict[str, Any]
MAIN, TRIGGERED = "AWS::Lambda::Function", "AWS::Lambda::Permission"
DAY = 86_400


def att(name: str, attribute: str = "Arn") -> Template:
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> Template:
    return {"Ref": name}


def sub(text: str) -> Template:
    return {"Fn::Sub": text}


def made(kind: str, /, *, kept: bool = False, needs: str | None = None, **properties: Any) -> Template:
    """A resource; `kept` when it is deleted or replaced."""
    policy = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"} if kept else {}
    return {"Type": kind, "Properties": properties, **policy, **({} if needs is None else {"DependsOn": needs})}


def allowed(actions: str | list[str], resource: Any) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def role(service: str, *statements: Template) -> Template:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    policies = [{"PolicyName": "grants", "PolicyDocument": document}] if statements else []
    return made(
        "AWS::IAM::Role", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]}, Policies=policies
    )


def function(name: str, *statements: Template, **more: Any) -> dict[str, Template]:
    """A function with a role and logs of its own."""
    logs = allowed(["logs:CreateLogStream", "logs:PutLogEvents"], att(f"{name}Logs"))
    traces = allowed(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*")
    told = {
        "Architectures": ["arm64"],
        "Code": {"S3Bucket": "assets", "S3Key": f"{name}.zip"},
        "Handler": "index.handler",
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{name}Logs")},
        "MemorySize": 512,
        "RecursiveLoop": "Terminate",
        "Role": att(f"{name}Role"),
        "Runtime": "nodejs24.x",
        "Timeout": 10,
        "TracingConfig": {"Mode": "Active"},
    }
    return {
        name: made(MAIN, **{**told, **more}),
        f"{name}Logs": made("AWS::Logs::LogGroup", RetentionInDays=30),
        f"{name}Role": role("lambda", logs, traces, *statements),
    }


def queue(name: str, **more: Any) -> dict[str, Template]:
    """A queue that takes requests over TLS alone."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": att(name)}
    deny["Condition"] = {"Bool": {"aws:SecureTransport": "false"}}
    return {
        name: made("AWS::SQS::Queue", SqsManagedSseEnabled=True, **more),
        f"{name}Policy": made("AWS::SQS::QueuePolicy", Queues=[ref(name)], PolicyDocument={"Statement": [deny]}),
    }


def dead_letters(name: str) -> dict[str, Template]:
    """A queue for what failed, with an alarm that tells somebody."""
    dimension = {"Name": "QueueName", "Value": att(name, "QueueName")}
    alarm = made(
        "AWS::CloudWatch::Alarm",
        AlarmActions=[ref("OnCall")],
        ComparisonOperator="GreaterThanThreshold",
        Dimensions=[dimension],
        EvaluationPeriods=1,
        MetricName="ApproximateNumberOfMessagesVisible",
        Namespace="AWS/SQS",
        Period=60,
        Statistic="Maximum",
        Threshold=0,
        TreatMissingData="notBreaching",
    )
    return {**queue(name, MessageRetentionPeriod=14 * DAY), f"{name}Alarm": alarm}


def let_in(resources: dict[str, Template], name: str, service: str, source: Any) -> None:
    """Add to a queue's policy that one resource of one service may send to it."""
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement |= {"Resource": att(name), "Condition": {"ArnEquals": {"aws:SourceArn": source}}}
    resources[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"].append(statement)


def may_send(name: str) -> Template:
    return allowed("sqs:SendMessage", att(name))


def table(**more: Any) -> Template:
    return made(
        "AWS::DynamoDB::Table",
        kept=True,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        SSESpecification={"SSEEnabled": True},
        **more,
    )


def permission(function_name: Any, service: str, source: Any, **more: Any) -> Template:
    principal = f"{service}.amazonaws.com"
    told = {"FunctionName": function_name, "Principal": principal, "SourceArn": source, **more}
    return made(TRIGGERED, Action="lambda:InvokeFunction", **told)


def http_api() -> dict[str, Template]:
    """A route with a token to an alias that is kept warm."""
    kind, limits = "AWS::ApiGatewayV2::", {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
    jwt = {"Audience": ["shop"], "Issuer": "https://login.example.com/"}
    route = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/orders"
    return {
        **function(
            "Place", allowed("dynamodb:PutItem", att("Orders")), Environment={"Variables": {"TABLE": ref("Orders")}}
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
        "Stage": made(
            f"{kind}Stage", ApiId=ref("Api"), AutoDeploy=True, StageName="$default", DefaultRouteSettings=limits
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
            f"{kind}Authorizer", RestApiId=ref("Rest"), Type="COGNITO_USER_POOLS", ProviderARNs=[att("Users")]
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
        **function("Follow", poll, allowed("dynamodb:ListStreams", "*"), may_send("DeadChanges")),
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
    resources = {
        **function("Notify", may_send("DeadEvents")),
        **dead_letters("DeadEvents"),
        **dead_letters("Undelivered"),
        "NotifyFailures": made(
            "AWS::Lambda::EventInvokeConfig",
            DestinationConfig={"OnFailure": {"Destination": att("DeadEvents")}},
            FunctionName=ref("Notify"),
            Qualifier="$LATEST",
        ),
        "Placed": made(
            "AWS::Events::Rule",
            EventPattern={"source": ["shop.orders"], "detail-type": ["OrderPlaced"]},
            Targets=[{"Arn": att("Notify"), "DeadLetterConfig": {"Arn": att("Undelivered")}, "Id": "Notify"}],
        ),
        "PlacedPermission": permission(ref("Notify"), "events", att("Placed")),
        "News": made("AWS::SNS::Topic", KmsMasterKeyId="alias/aws/sns"),
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
        "OnCall": made("AWS::SNS::Topic", KmsMasterKeyId="alias/on-call"),
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
        **function("Charge"),
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
    auth = {"AuthScheme": "SECRETS", "IAMAuth": "REQUIRED", "SecretArn": ref("Login")}
    return {
        **function(
            "Report",
            allowed(interfaces, "*"),
            allowed("rds-db:connect", sub("arn:aws:rds-db:${AWS::Region}:${AWS::AccountId}:dbuser:prx-1/reports")),
            Environment={"Variables": {"DB_HOST": att("Proxy", "Endpoint")}},
            ReservedConcurrentExecutions=50,
            VpcConfig={"SecurityGroupIds": [att("ReportGroup", "GroupId")], "SubnetIds": [ref("Subnet")]},
        ),
        "Vpc": made("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "Subnet": made("AWS::EC2::Subnet", CidrBlock="10.0.0.0/24", VpcId=ref("Vpc")),
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
            VpcSubnetIds=[ref("Subnet")],
        ),
    }


def hardened() -> Template:
    """Return the whole template."""
    parts = (http_api(), rest_api(), jobs(), changes(), events(), workflow(), database())
    return {"Resources": {name: resource for part in parts for name, resource in part.items()}}
