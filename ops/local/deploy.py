"""Build the stack and deploy it to a real AWS account, as a new release: run by ``make deploy ENV=…``."""

import argparse
import os
import subprocess
import sys

from local_stack import samconfig
from local_stack.builds import SAM
from local_stack.console import StackError
from local_stack.settings import ROOT


def main() -> int:
    """Run `sam build` and `sam deploy`; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env", help="section of samconfig.toml")
    parser.add_argument(
        "--parameter", action="append", default=[], metavar="Key=Value", help="template parameter; may be repeated"
    )
    arguments = parser.parse_args()
    try:
        parameters = samconfig.parameters(arguments.env, arguments.parameter)
    except StackError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    built = _sam("build", arguments.env)
    return built or _sam("deploy", arguments.env, *samconfig.as_new_release(parameters))


def _sam(command: str, environment: str, *options: str) -> int:
    # `sam build` takes the Python 3.13 with pip that it finds on PATH.
    path = f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    words = [str(SAM), command, "--config-env", environment, *options]
    return subprocess.run(words, cwd=ROOT, env={**os.environ, "PATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
