"""The embedded AWS with the stack on it: ``up`` builds and deploys, ``down`` stops, ``reset`` forgets everything.

Run by ``make up``, ``make down`` and ``make reset``; ``python ops/local/stack.py --help`` shows the options. Every
command may be repeated: ``up`` does only what is not done yet.
"""

import argparse
import os
import sys
from pathlib import Path

from local_stack import access, builds, deployment, emulator_process
from local_stack.console import StackError, say, step
from local_stack.settings import ROOT, Settings

DEFAULT_PORT = 4566
DEFAULT_HOME = ROOT / ".local"


def main() -> int:
    """Run one command; an expected failure is one line on standard error and exit code 1."""
    arguments = _parse_arguments()
    settings = Settings.create(arguments.home, arguments.port, arguments.parameter)
    try:
        {"up": up, "down": down, "reset": reset}[arguments.command](settings)
    except StackError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make up` goes on from here", file=sys.stderr)
        return 130
    return 0


def up(settings: Settings) -> None:
    """Bring the stack to what the working tree says, and tell how to reach it."""
    with settings.exclusive():
        emulator_process.start(settings)
        built = builds.build(settings)
        outputs = deployment.deploy(settings, built)
        with step("settings", "providers and keys") as progress:
            progress.result = access.store_provider_settings(settings, outputs)
            description = access.describe(settings, outputs)
        say("")
        say(f"Nightshift is up     {description['base_url']}")
        say(f"API key              {description['api_key']}")
        say(f"all addresses        {settings.shown(settings.description_file)}")
        say(f"logs                 {settings.shown(settings.function_log_file)}, {settings.log_file.name}")
        say(f"next                 make demo{_options(settings)} | make down{_options(settings)}")


def down(settings: Settings) -> None:
    """Stop the emulator and the functions' processes; everything stored is kept."""
    emulator_process.stop(settings)


def reset(settings: Settings) -> None:
    """Stop the emulator and delete its home."""
    emulator_process.stop(settings)
    with step("reset", settings.shown(settings.home)):
        settings.delete_home()


def _options(settings: Settings) -> str:
    """What `make` needs to be told to mean this stack."""
    port = "" if settings.port == DEFAULT_PORT else f" PORT={settings.port}"
    home = "" if settings.home == DEFAULT_HOME else f" STACK_HOME={settings.shown(settings.home)}"
    return port + home


def _parse_arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("PORT") or 4566),
        help="port on 127.0.0.1 (default: 4566 or PORT)",
    )
    options.add_argument(
        "--home", type=Path, default=DEFAULT_HOME, help="folder of the state, logs and stack.json (default: .local)"
    )
    options.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="Key=Value",
        help="template parameter, beside those of the section `local` in samconfig.toml; may be repeated",
    )
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", parents=[options], help="start, build and deploy what is not up to date")
    commands.add_parser("down", parents=[options], help="stop, and keep the state")
    commands.add_parser("reset", parents=[options], help="stop, and delete the state")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
