"""Which clip of Speech Commands is for training, validation or testing: by the lists in its folder, else by the name's hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reds.datasets.speech_clips import WORDS
from reds.errors import MissingError, ProtocolError

TRAINING, VALIDATION, TESTING = "training", "validation", "testing"
LISTS = {VALIDATION: "validation_list.txt", TESTING: "testing_list.txt"}
NOISE_FOLDER = "_background_noise_"
VALIDATION_PERCENT, TESTING_PERCENT = 10, 10
# 2**27 - 1: "~134M", the most clips of a word by one speaker that the published rule allows for.
MOST_CLIPS = 2**27 - 1
OFFICIAL_LISTS = "split by the official lists"
HASH_RULE = "split by the official hash rule"
UNOFFICIAL_LISTS = "split by the lists of the folder, not the official split"

Parts = dict[str, dict[str, list[Path]]]
"""By part and word, the clips in order of their names."""


def partitions(folder: Path) -> tuple[Parts, str]:
    """The clips of each part, and in words what decided.

    Raises:
        MissingError: a word has no clips, or only one of the two lists is there.
        ProtocolError: a list names a clip that is not there, or both do.
    """
    words = _clips(folder)
    listed = _listed(folder)
    by_hash = {_key(path): part_of(path.name) for paths in words.values() for path in paths}
    if listed is None:
        part_by_key, decided = by_hash, HASH_RULE
    else:
        if strange := sorted(listed.keys() - by_hash.keys()):
            raise ProtocolError(
                f"the lists in {folder} name clips that are not there", seen=f"{strange[0]}, {len(strange)} in all"
            )
        part_by_key = {key: listed.get(key, TRAINING) for key in by_hash}
        decided = OFFICIAL_LISTS if part_by_key == by_hash else UNOFFICIAL_LISTS
    parts: Parts = {part: {} for part in (VALIDATION, TESTING, TRAINING)}
    for word, paths in words.items():
        for path in paths:
            parts[part_by_key[_key(path)]].setdefault(word, []).append(path)
    return parts, decided


def part_of(name: str) -> str:
    """The part that the published rule gives a clip of this file name: all clips of a speaker lie in the same one."""
    speaker = name.removesuffix(".wav").split("_nohash_")[0]
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = number % (MOST_CLIPS + 1) * (100 / MOST_CLIPS)
    if percent < VALIDATION_PERCENT:
        return VALIDATION
    return TESTING if percent < VALIDATION_PERCENT + TESTING_PERCENT else TRAINING


def _key(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _clips(folder: Path) -> dict[str, list[Path]]:
    """The clips by word."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and path.name != NOISE_FOLDER)
    words = {path.name: paths for path in folders if (paths := sorted(path.glob("*.wav")))}
    if missing := [word for word in WORDS if word not in words]:
        raise MissingError(f"classes are missing in {folder}", seen=f"no clips in {', '.join(f'{word}/' for word in missing)}")
    if words.keys() <= set(WORDS):
        raise MissingError(f"other words are missing in {folder}", seen="the ten words alone, nothing for the class _unknown_")
    return words


def _listed(folder: Path) -> dict[str, str] | None:
    """The part of each listed clip, None where there are no lists."""
    there = {part: (folder / name).is_file() for part, name in LISTS.items()}
    if not any(there.values()):
        return None
    parts: dict[str, str] = {}
    for part, name in LISTS.items():
        if not there[part]:
            raise MissingError(f"{folder / name} is missing, and the other list is there", do="both are needed, or none")
        for line in (folder / name).read_text(errors="replace").splitlines():
            if line and parts.setdefault(line, part) != part:
                raise ProtocolError(f"both lists in {folder} name the same clip", seen=line)
    return parts
