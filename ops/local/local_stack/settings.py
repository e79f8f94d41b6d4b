"""Where one local stack lives: its home, its port, its parameters, and the environments of what it starts."""

import fcntl
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local_stack.console import StackError

ROOT = Path(__file__).resolve().parents[3]
REGION = "us-east-1"
ACCESS_KEY = "test"  # The emulator's root user; no secret.
SECRET_KEY = "test"  # noqa: S105 -- what the embedded AWS lets in

HOME_MARK = ".nightshift-stack"
"""File in every home: what `reset` looks for before it deletes a folder."""

PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
)
"""All that the emulator, and with it every function, sees of the caller's environment."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One local stack. Two of them need another home and another port.

    Attributes:
        records_events: whether every event that a function receives is kept, with tokens and what users wrote.
    """

    home: Path
    port: int
    parameters: tuple[str, ...]
    records_events: bool = False

    @classmethod
    def create(cls, home: Path, port: int, parameters: list[str]) -> "Settings":
        """Make the paths absolute; ``parameters`` are ``Key=Value`` overrides of the template's."""
        return cls(home.absolute(), port, tuple(parameters))

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.home / "emulator.log"

    @property
    def function_log_file(self) -> Path:
        return self.home / "functions.log"

    @property
    def event_log_file(self) -> Path:
        return self.home / "events.log"

    @property
    def description_file(self) -> Path:
        return self.home / "stack.json"

    @property
    def temporary_folder(self) -> Path:
        return self.home / "tmp"

    def shown(self, path: Path) -> str:
        """A path as a person types it, relative to the repository where possible."""
        return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)

    @property
    def has_home(self) -> bool:
        """Whether the home is one that `up` made."""
        return (self.home / HOME_MARK).exists()

    def make_home(self) -> None:
        """Create the home; refuse a folder that holds something else."""
        if self.home.is_dir() and any(self.home.iterdir()) and not self.has_home:
            raise StackError(f"{self.home} is not empty and no home of a stack: choose another with --home")
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.home / HOME_MARK).touch()

    def delete_home(self) -> None:
        """Delete the home, if it is one."""
        if not self.home.exists():
            return
        if not self.has_home:
            raise StackError(f"{self.home} is no home of a stack, so it is not deleted: check --home")
        shutil.rmtree(self.home)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one command at a time work on this home; a second one waits."""
        self.make_home()
        with locked(self.home / "up.lock"):
            yield

    def client(self, service: str) -> Any:
        """A boto3 client of the embedded AWS that reads nothing of the user's own AWS settings."""
        # Typed per service by boto3-stubs, which can't say "any service".
        make_client: Any = boto3.client
        return make_client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def aws_environment(self) -> dict[str, str]:
        """The caller's environment with the embedded AWS in place of any real account; for `sam`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": _without_proxy(),
            "no_proxy": _without_proxy(),
        }

    def emulator_environment(self) -> dict[str, str]:
        """Nothing but what the emulator needs: its functions inherit it."""
        passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {
            "LANG": "C.UTF-8",
            **passed_on,
            "NO_PROXY": _without_proxy(),
            "no_proxy": _without_proxy(),
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT / "ops" / "local"),
            "PYTHONUNBUFFERED": "1",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.home / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.home / "s3"),
            "FUNCTION_LOG": str(self.function_log_file),
            "LAYER_DIR": str(self.home / "layers"),
            "TMPDIR": str(self.temporary_folder),
            # Listeners and helpers that the stack has no use for.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
            **({"EVENT_LOG": str(self.event_log_file)} if self.records_events else {}),
            **_native_packages(),
        }


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; it ends with the process at the latest."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _native_packages() -> dict[str, str]:
    """Packages for this machine where the layer's, built for Lambda on x86_64, would not run (macOS, ARM)."""
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return {}
    return {"NATIVE_PACKAGES": str(ROOT / ".venv" / "lib" / "python3.13" / "site-packages")}


def _without_proxy() -> str:
    own = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return ",".join(filter(None, [own, "127.0.0.1", "localhost"]))
