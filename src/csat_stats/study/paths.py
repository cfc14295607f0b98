"""Where things lie: every path of a project comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Project:
    """A folder with ``params/``, ``notebooks/``, ``data/`` and ``reports/``."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project around ``start`` (default: the working folder), else that folder itself."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
                return cls(folder)
        return cls(here)

    @property
    def params(self) -> Path:
        return self.root / "params"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    def processed(self, study: str, key: str) -> Path:
        return self.root / "data" / "processed" / study / key

    def reports(self, study: str) -> Path:
        return self.root / "reports" / study

    def shown(self, path: Path) -> str:
        """``path`` as a message shows it: relative to the project where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
