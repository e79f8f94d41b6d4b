"""A promise broken on purpose, in a copy of the sources, and what has to notice."""

from dataclasses import dataclass
from pathlib import Path


class MutationError(Exception):
    """The mutation does not fit the sources any more."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One passage of a file that is there exactly once, and what takes its place."""

    path: str
    passage: str
    replacement: str

    def apply(self, tree: Path) -> None:
        """Change the file below `tree`.

        Raises:
            MutationError: the passage is not there exactly once.
        """
        file = tree / self.path
        source = file.read_text()
        if (found := source.count(self.passage)) != 1:
            raise MutationError(f"{self.path} has this passage {found} times instead of once:\n{self.passage}")
        file.write_text(source.replace(self.passage, self.replacement))


@dataclass(frozen=True, slots=True)
class Mutation:
    """One promise broken.

    Attributes:
        promises: their numbers in docs/architecture.md.
        tests: a file or folder of tests that has to notice.
        selection: which tests of it, as `pytest -k` takes it; empty takes all.
    """

    name: str
    promises: str
    edits: tuple[Edit, ...]
    tests: str
    selection: str = ""
