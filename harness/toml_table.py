"""A table of a TOML file that is read key by key, with errors that name the file, the table and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reds.errors import ConfigError, unknown_name


@dataclass(frozen=True)
class TomlTable:
    """A table with all the keys `keys` and perhaps some of the keys `optional`.

    Attributes:
        where: file and table, for messages.
        data: the table's content.

    Raises:
        ConfigError: a key that is neither, or one of `keys` is missing.
    """

    where: str
    data: Mapping[str, Any]
    keys: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in self.data:
            if key not in (*self.keys, *self.optional):
                raise unknown_name(f"key in {self.where}:", key, (*self.keys, *self.optional))
        for key in self.keys:
            if key not in self.data:
                raise ConfigError(f"{self.where} lacks the key {key!r}", do=f"it takes: {', '.join(self.keys)}")

    def table(self, key: str) -> Mapping[str, Any]:
        """The content of a table within this one."""
        value = self.data[key]
        if not isinstance(value, dict):
            raise self._wrong(key, "a table", value)
        return value

    def text(self, key: str) -> str:
        """A text, perhaps an empty one."""
        value = self.data[key]
        if not isinstance(value, str):
            raise self._wrong(key, "a text", value)
        return value

    def count(self, key: str, at_least: int) -> int:
        """An integer, at least `at_least`."""
        value = self.data[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self._wrong(key, f"an integer, at least {at_least}", value)
        return value

    def names(self, key: str, what: str, known: Collection[str]) -> tuple[str, ...]:
        """Distinct names, at least one, all of them among `known`; `what` one of them is, for messages."""
        values = self.data[key]
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            raise self._wrong(key, "a list of names, at least one", values)
        if len(set(values)) != len(values):
            raise self._wrong(key, "a list of distinct names", values)
        for value in values:
            if value not in known:
                raise unknown_name(f"{what} in {self.where}:", value, known)
        return tuple(values)

    def _wrong(self, key: str, wanted: str, value: object) -> ConfigError:
        return ConfigError(f"{key} in {self.where} is not {wanted}", seen=repr(value))


def read_toml(path: Path) -> Mapping[str, Any]:
    """The content of a TOML file.

    Raises:
        ConfigError: there is no such file, it cannot be read or is not TOML; the message gives line and column.
    """
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"there is no file {path}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML", seen=str(error)) from error
