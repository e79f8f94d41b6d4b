"""Breaks promises on purpose, one at a time, in copies of the working tree, and says which test notices.

Run by ``make mutations``. A mutation that no test notices, or that does not fit the sources any more, is a failure. The
working tree stays as it is.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutations.mutation import Mutation, MutationError
from mutations.mutations import MUTATIONS

ROOT = Path(__file__).parents[2]
_FAILED = re.compile(r"^FAILED (?P<test>.*?)(?: - (?P<why>.*))?$", re.MULTILINE)


def main() -> int:
    """Check every mutation; 1 if one survives."""
    survivors = [mutation.name for mutation in MUTATIONS if not _is_caught(mutation)]
    print(f"mutations: {len(MUTATIONS)}, caught {len(MUTATIONS) - len(survivors)}, survived {len(survivors)}")
    return 1 if survivors else 0


def _is_caught(mutation: Mutation) -> bool:
    """Show what the mutation's tests say of the sources as they are, which must be nothing, and of the broken ones."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        _copy_working_tree(tree)
        if failures := _failures(mutation, tree):
            return _tell(mutation, "its tests fail already", failures)
        try:
            for edit in mutation.edits:
                edit.apply(tree)
        except MutationError as error:
            return _tell(mutation, "does not apply", [str(error)])
        failures = _failures(mutation, tree)
    _tell(mutation, "caught by" if failures else "SURVIVED", failures)
    return bool(failures)


def _copy_working_tree(tree: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def _failures(mutation: Mutation, tree: Path) -> list[str]:
    """Return the tests that fail in this tree, with their reasons; the first one ends it."""
    command = [sys.executable, "-m", "pytest", "-x", "-rf", "--no-header", "--tb=no", mutation.tests]
    command += ["-k", mutation.selection] if mutation.selection else []
    environment = os.environ | {"KILL_POINTS": "all", "COLUMNS": "400"}
    done = subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True, text=True)
    found = [f"{one['test']}  {one['why'] or ''}".strip() for one in _FAILED.finditer(done.stdout)]
    if done.returncode not in {0, 1} or bool(found) != bool(done.returncode):
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return found


def _tell(mutation: Mutation, verdict: str, lines: list[str]) -> bool:
    print(f"{mutation.name} (promise {mutation.promises}): {verdict}")
    for line in lines:
        print(f"    {line}")
    sys.stdout.flush()
    return False


if __name__ == "__main__":
    sys.exit(main())
