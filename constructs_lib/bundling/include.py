"""Finds the further files a user wants in a bundle: data, templates, executables."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath

from constructs_lib.bundling.project import Project
from constructs_lib.problem import BundlingError, Problem


def refuse_unusable_patterns(patterns: Sequence[str], where: str) -> None:
    """Refuse patterns that no file of a bundle can match.

    Raises:
        BundlingError: A pattern is empty, absolute, leads out of the folder or is no glob.
    """
    problems = []
    for pattern in patterns:
        reason = _reason_against(pattern)
        if reason is not None:
            fix = "name files below that folder, whose paths they keep: data/*.json, or **/*.html"
            problems.append(Problem(f'include "{pattern}" {reason}', where, fix))
    if problems:
        raise BundlingError(*dict.fromkeys(problems))


def included_files(folder: Path, patterns: Sequence[str], project: Project, where: str) -> list[str]:
    """Return the files below `folder` that the patterns match, relative to it.

    What begins with a dot is only taken where the pattern says so: `**/*` must not carry .env to the cloud.

    Raises:
        BundlingError: A pattern is unusable, or matches nothing.
    """
    refuse_unusable_patterns(patterns, where)
    found: dict[str, None] = {}
    problems = []
    for pattern in patterns:
        all_names = project.files.matches(str(folder), pattern)
        names = [name for name in all_names if _is_meant(name, pattern)]
        if not names:
            hidden = " but hidden ones" if all_names else ""
            problems.append(
                Problem(
                    f'include "{pattern}" matches no file{hidden} (searched: {project.relative(folder)})',
                    where,
                    "correct the pattern, or leave it out" if not hidden else "name the dot: .well-known/*",
                )
            )
        found.update(dict.fromkeys(names))
    if problems:
        raise BundlingError(*problems)
    return list(found)


def _reason_against(pattern: str) -> str | None:
    parts = pattern.replace("\\", "/").split("/")
    if not pattern.strip("./\\ "):
        return "names no file" if ".." not in parts else "leads out of the folder"
    if PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).anchor:
        return "is not relative to the folder"
    if ".." in parts:
        return "leads out of the folder"
    if any("**" in part and part != "**" for part in parts):
        return 'joins "**" with other letters, which is no glob'
    return None


def _is_meant(name: str, pattern: str) -> bool:
    dotted = [part for part in pattern.split("/") if part.startswith(".")]
    return all(any(fnmatchcase(part, wanted) for wanted in dotted) for part in name.split("/") if part.startswith("."))
