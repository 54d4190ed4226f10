"""A stack's cluster is a PostgreSQL, its proxy the relay before it; stock keeps records of both that lead nowhere.

The password of an administrator that RDS manages is made and kept in Secrets Manager, which stock does not do.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
"""

from __future__ import annotations

import functools
import json
import threading
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from constructs_lib.local.overlay.authority import here
from constructs_lib.local.overlay.base import base, log
from constructs_lib.local.overlay.generated_secret import generate
from constructs_lib.local.overlay.patching import Addition, Patch
from constructs_lib.local.overlay.relational_databases import CLUSTER, PROXY, TARGETS
from constructs_lib.local.postgres.relay import PROXY_HOST

if TYPE_CHECKING:
    from constructs_lib.local.overlay.relational_databases import Databases
    from constructs_lib.local.postgres.database import Database

# On loopback there are no networks to divide: what is said of them is taken, without effect.
OF_THE_NETWORK = ("AWS::EC2::FlowLog", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress")
OWN = ("_FormerPorts", "_LocalPort", "_MasterUserPassword")  # what we note of a cluster
_PROVISIONERS = "services.cloudformation.provisioners"
_CREATE = ("logical_id", "props", "stack_name")
_UPDATE = ("physical_id", "old_props", "new_props", "stack_name", "logical_id")
_DELETE = ("physical_id", "props")


def patches(databases: Databases) -> tuple[Patch | Addition, ...]:
    """The patches, for the databases of this process."""
    handlers = f"_RESOURCE_HANDLERS/{CLUSTER}"
    return (
        Patch(_PROVISIONERS, f"{handlers}/create", _CREATE, functools.partial(_wrap_create, databases)),
        Patch(_PROVISIONERS, f"{handlers}/update", _UPDATE, functools.partial(_wrap_update, databases)),
        Patch(_PROVISIONERS, f"{handlers}/delete", _DELETE, functools.partial(_wrap_delete, databases)),
        Patch("services.rds", "load_persisted_state", ("data",), functools.partial(_wrap_load, databases)),
        Addition(_PROVISIONERS, f"_RESOURCE_HANDLERS/{PROXY}", _proxy_handlers()),
        Addition(_PROVISIONERS, f"_RESOURCE_HANDLERS/{TARGETS}", _target_handlers()),
        *(Addition(_PROVISIONERS, f"_RESOURCE_HANDLERS/{each}", _accepted(each)) for each in OF_THE_NETWORK),
    )


def _wrap_create(databases: Databases, stock: Any) -> Any:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        is_managed = str(props.get("ManageMasterUserPassword", "")).lower() == "true"
        password = generate({"ExcludePunctuation": True, "PasswordLength": 40}) if is_managed else ""
        given = {**props, "MasterUserPassword": password} if is_managed else props
        identifier, _ = stock(logical_id, given, stack_name)
        record = base("services.rds")._clusters.get(identifier)
        if is_managed:
            record["MasterUserSecret"] = _managed_secret(identifier, record["MasterUsername"], password)
        key = (*here(), identifier)
        databases.clean(key)
        database = databases.start(key, record)
        if database is not None:
            threading.Thread(target=_prepare, args=(database,), name="postgres", daemon=True).start()
        return identifier, _attributes(record)

    return create


def _prepare(database: Database) -> None:
    try:
        database.prepare()
    except Exception:
        log.exception("the database %s cannot be used", database.identifier)


def _wrap_update(databases: Databases, stock: Any) -> Any:
    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        clusters = base("services.rds")._clusters
        before = dict(clusters.get(physical_id) or {})
        identifier, attributes = stock(physical_id, old_props, new_props, stack_name, logical_id)
        record = clusters.get(identifier)
        if identifier == physical_id and record is not None:
            kept = ("Port", "Endpoint", "ReaderEndpoint", "MasterUserSecret", *OWN)
            record.update({name: before[name] for name in kept if name in before})
            return identifier, _attributes(record)
        databases.remove((*here(), physical_id))
        if record is not None:
            databases.start((*here(), identifier), record)
            return identifier, _attributes(record)
        return identifier, attributes

    return update


def _wrap_delete(databases: Databases, stock: Any) -> Any:
    def delete(physical_id: str, props: Any) -> None:
        record = base("services.rds")._clusters.get(physical_id) or {}
        stock(physical_id, props)
        databases.remove((*here(), physical_id))
        secret = (record.get("MasterUserSecret") or {}).get("SecretArn")
        if secret:
            base("services.secretsmanager")._delete_secret({"SecretId": secret, "ForceDeleteWithoutRecovery": True})

    return delete


def _wrap_load(databases: Databases, stock: Any) -> Any:
    def load_persisted_state(data: Any) -> None:
        stock(data)
        for (account, region, identifier), record in list(base("services.rds")._clusters._data.items()):
            database = databases.start((account, region, identifier), record)
            if database is not None:
                threading.Thread(target=_prepare, args=(database,), name="postgres", daemon=True).start()

    return load_persisted_state


def _attributes(record: Any) -> dict[str, str]:
    found: dict[str, str] = base(_PROVISIONERS)._rds_db_cluster_attrs(record)
    secret = record.get("MasterUserSecret")
    if secret:
        found["MasterUserSecret.SecretArn"] = secret["SecretArn"]
        found["MasterUserSecret.KmsKeyId"] = secret["KmsKeyId"]
    return {**found, "ReadEndpoint.Address": record["ReaderEndpoint"]}


def _managed_secret(identifier: str, user: str, password: str) -> dict[str, str]:
    """The secret that RDS makes and keeps for the administrator."""
    name = f"rds!cluster-{uuid.uuid4()}"
    value = json.dumps({"username": user, "password": password})
    told = {"Name": name, "SecretString": value, "Description": f"The administrator of {identifier}"}
    _, _, body = base("services.secretsmanager")._create_secret(told)
    account, region = here()
    key = f"arn:aws:kms:{region}:{account}:alias/aws/secretsmanager"
    return {"SecretArn": json.loads(body)["ARN"], "SecretStatus": "active", "KmsKeyId": key}


def _proxy_handlers() -> dict[str, Callable[..., Any]]:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        name = props.get("DBProxyName") or f"{stack_name}-{logical_id}".lower()[:60]
        account, region = here()
        resource_id = "prx-" + uuid.uuid4().hex[:17]
        attributes = {
            "DBProxyArn": f"arn:aws:rds:{region}:{account}:db-proxy:{resource_id}",
            "Endpoint": PROXY_HOST,
            "VpcId": "",
        }
        return name, attributes

    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        if old_props.get("DBProxyName") != new_props.get("DBProxyName"):
            return create(logical_id or physical_id, new_props, stack_name)
        return physical_id, _attributes_of(physical_id)

    def delete(physical_id: str, props: Any) -> None:
        """Nothing runs that is the proxy's alone."""

    return {"create": create, "update": update, "delete": delete}


def _attributes_of(name: str) -> Any:
    """What a proxy had: its resource id stays as long as it."""
    for stack in base("services.cloudformation")._stacks.values():
        for resource in (stack.get("_resources") or {}).values():
            if resource.get("ResourceType") == PROXY and resource.get("PhysicalResourceId") == name:
                return resource.get("Attributes")
    return {}


def _target_handlers() -> dict[str, Callable[..., Any]]:
    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        del logical_id, stack_name
        account, region = here()
        arn = f"arn:aws:rds:{region}:{account}:target-group:prx-tg-{uuid.uuid4().hex[:17]}"
        return arn, {"TargetGroupArn": arn, "Id": f"{props.get('DBProxyName')}/default"}

    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str, logical_id: Any = None) -> Any:
        del old_props, stack_name, logical_id
        return physical_id, {"TargetGroupArn": physical_id, "Id": f"{new_props.get('DBProxyName')}/default"}

    def delete(physical_id: str, props: Any) -> None:
        """It goes with its proxy."""

    return {"create": create, "update": update, "delete": delete}


def _accepted(kind: str) -> dict[str, Callable[..., Any]]:
    prefix = "fl" if kind.endswith("FlowLog") else "sgr"

    def create(logical_id: str, props: Any, stack_name: str) -> Any:
        del logical_id, props, stack_name
        made = f"{prefix}-{uuid.uuid4().hex[:17]}"
        return made, {"Id": made}

    def update(physical_id: str, old_props: Any, new_props: Any, stack_name: str) -> Any:
        del old_props, new_props, stack_name
        return physical_id, {"Id": physical_id}

    def delete(physical_id: str, props: Any) -> None:
        """Nothing was made."""

    return {"create": create, "update": update, "delete": delete}
