"""Address, key and callback secret of a deployed stack, as JSON: run by ``make credentials ENV=…``.

Reads with the caller's own AWS credentials; what it prints is secret.
"""

import argparse
import json
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local_stack import samconfig
from local_stack.access import TENANT, read_keys
from local_stack.console import StackError


def main() -> int:
    """Print them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env", help="section of samconfig.toml")
    parser.add_argument("--tenant", default=TENANT, help=f"whose key and secret (default: {TENANT})")
    arguments = parser.parse_args()
    try:
        print(json.dumps(read_credentials(arguments.env, arguments.tenant), indent=2))
    except (StackError, BotoCoreError, ClientError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def read_credentials(env: str, tenant: str) -> dict[str, Any]:
    """Return the address of a section's stack and a tenant's keys.

    Raises:
        StackError: samconfig.toml has no such section, or the tenant has no token.
        BotoCoreError, ClientError: AWS is not reached, or refuses.
    """
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=samconfig.stack_name(env))["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return {"base_url": outputs["ApiUrl"], **read_keys(boto3.client("secretsmanager"), outputs, tenant)}


if __name__ == "__main__":
    sys.exit(main())
