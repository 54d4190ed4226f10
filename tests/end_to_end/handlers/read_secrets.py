"""Reads one secret and one parameter, by the ARNs it was given."""

import os
from typing import Any

import boto3

secrets = boto3.client("secretsmanager")
parameters = boto3.client("ssm")


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return both values."""
    return {
        "secret": secrets.get_secret_value(SecretId=os.environ["STRIPE_KEY"])["SecretString"],
        "parameter": parameters.get_parameter(Name=os.environ["LIMIT"])["Parameter"]["Value"],
    }
