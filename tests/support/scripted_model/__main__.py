"""The scripted model as a process: `python -m support.scripted_model --port 8082` with `tests` on the path."""

import argparse
import sys

from support.scripted_model.rules import rule_from_json
from support.scripted_model.script import Script
from support.scripted_model.server import ModelServer


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="scripted_model", description="Plays model providers on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--rule", default="echo-history", help="answers until a script comes (default: %(default)s)")
    parser.add_argument("--delay-seconds", type=float, default=0, help="before each of the rule's answers")
    parser.add_argument("--api-key", help="the only bearer token let in (default: everybody)")
    options = parser.parse_args(arguments)
    script = Script(rule=rule_from_json(options.rule, {}, options.delay_seconds))
    server = ModelServer(script, options.port, options.api_key)
    sys.stdout.write(f"scripted model at {server.url}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
