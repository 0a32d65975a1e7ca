"""Code versions of assets, computed from the code that a computation reaches.

A version is the hash of every statement that a computation reaches by name, over functions,
classes and constants of the whole package, imports inside functions included; of the SELECT it
runs; and of every parameter file it reads. Nothing is listed by hand.

What is followed:

* A name: to the top-level statement that binds it, here or, through an import, in another module.
  Only that statement counts, so that a function that is never called changes no version.
* What a computation holds, as arguments of a `partial` or variables of a closure.
* A text that names a module of the package, as `CoxSpecification.family` does: to that module.
* The name of a parameter file given to `load_parameters`, or to a function that passes it on.
* Of a file read by `load_rows_of`, only the rows with the value that is its first argument, or the
  first argument of a function that passes its own on: `find_measure("shr", ...)` leads to SHR's
  rows of the register. Where the value is not a text of the code, the whole file counts.

Pictures are not followed: they change no row. Nor is the code that stores tables: computations do
not name it.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from importlib import resources
from types import FunctionType

import dagster as dg

from esrd_pipeline.orchestration.code_names import (
    Call,
    Module,
    Used,
    find_functions,
    parse_module,
)
from esrd_pipeline.parameters import find_official
from esrd_pipeline.sql import Select
from esrd_pipeline.tables.model import Table

PACKAGE = "esrd_pipeline"
_PARAMETERS = "parameters/"
_NOT_FOLLOWED = ("esrd_pipeline.orchestration.pictures",)
_LOADER = ("esrd_pipeline.parameters", "load_parameters")
_ROWS_LOADER = ("esrd_pipeline.parameters.rows", "load_rows_of")
_CCS = "esrd_pipeline.parameters.ccs"
"""Reads the value sets of the CCS, which have no file here."""

Reader = Callable[[str], bytes | None]
"""The bytes of a file of the package by its path, or None where there is no such file."""
_Place = tuple[str, int]
"""A top-level statement: its module and its position there."""
_Choice = tuple[str, str]
"""A parameter file and the column that its rows are chosen by."""


def read_package(path: str) -> bytes | None:
    """Read a file of the package; of `parameters/` the official one where there is one."""
    folder, _, name = path.partition("/")
    official = find_official(name.removesuffix(".csv")) if folder == "parameters" else None
    file = official or resources.files(PACKAGE).joinpath(path)
    return file.read_bytes() if file.is_file() else None


@dataclass(frozen=True, slots=True)
class _Onward:
    """What a piece of code refers to: statements, parameter files by name, and rows of them."""

    places: list[_Place]
    files: set[str]
    rows: set[tuple[_Choice, str]]


@dataclass(frozen=True, slots=True)
class _Reached:
    """What one computation reaches: the parts of its version by name, and statements visited."""

    parts: dict[str, bytes] = field(default_factory=dict)
    places: set[_Place] = field(default_factory=set)


class CodeVersions:
    """Computes code versions from one state of the package's files, each read once."""

    def __init__(self, read: Reader = read_package) -> None:
        self._reader = read
        self._files: dict[str, bytes | None] = {}
        self._modules: dict[str, Module | None] = {}
        self._functions: dict[tuple[str, int], list[tuple[bytes, Used]]] = {}
        self._onward: dict[_Place, _Onward] = {}
        self._takers: dict[_Place, bool] = {}
        self._choices: dict[_Place, frozenset[_Choice]] = {}

    def compute(self, computation: object, tables: Sequence[Table]) -> str:
        """Return the version of a computation that stores `tables`."""
        return self.compute_apart(computation, tables)[0]

    def compute_apart(self, computation: object, tables: Sequence[Table]) -> tuple[str, str, str]:
        """Return the version, that of the code alone, and that of the parameter files alone."""
        parts = self.list_parts(computation) | {f"table {t.name}": _describe(t) for t in tables}
        files = {name: part for name, part in parts.items() if name.startswith(_PARAMETERS)}
        code = {name: parts[name] for name in parts.keys() - files}
        return _digest(parts), _digest(code), _digest(files)

    def list_parts(self, computation: object) -> dict[str, bytes]:
        """Return everything a computation reaches, by name: statements, SELECTs, files, values.

        Raises:
            TypeError: it holds a value whose code cannot be found.
        """
        reached = _Reached()
        self._look_through(computation, "computation", reached)
        return reached.parts

    def _look_through(self, value: object, name: str, reached: _Reached) -> None:
        """Follow what a value holds: functions, SELECTs, fields, items; note its plain values."""
        match value:
            case None | bool() | int() | float() | str():
                reached.parts[name] = repr(value).encode()
            case FunctionType():
                self._enter(value, name, reached)
            case type():
                self._follow(self._find(value.__module__, value.__qualname__), reached)
            case Select():
                reached.parts[value.path] = value.text.encode()
                self._add_files(value.value_sets, reached)
            case _:
                for part, held in _list_held(value, name):
                    self._look_through(held, f"{name}.{part}", reached)

    def _enter(self, function: FunctionType, name: str, reached: _Reached) -> None:
        """Follow a function that a computation holds, and the variables it closes over."""
        home, full_name, code = function.__module__, function.__qualname__, function.__code__
        reached.parts[name] = f"{home}.{full_name}".encode()
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._look_through(cell.cell_contents, f"{name}.{variable}", reached)
        module = self._load(home)
        if "<" not in full_name:
            places = self._find(home, full_name.partition(".")[0])
            self._follow(places, reached)
            # Nothing says what it will be called with.
            self._add_files(self._list_chosen_files(places), reached)
        elif module is not None:
            key = (home, code.co_firstlineno)
            if key not in self._functions:
                self._functions[key] = find_functions(module, code.co_firstlineno)
            for position, (source, used) in enumerate(self._functions[key]):
                reached.parts[f"{home}.{full_name} ({position})"] = source
                onward = self._lead(home, used)
                self._follow(onward.places, reached)
                self._add_read(onward, reached)

    def _follow(self, places: Sequence[_Place], reached: _Reached) -> None:
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            home, position = place
            module = self._load(home)
            if place in reached.places or module is None:
                continue
            reached.places.add(place)
            statement = module.statements[position]
            reached.parts[f"{home}.{statement.name}"] = statement.source
            if place not in self._onward:
                self._onward[place] = self._lead(home, statement.used)
            waiting += self._onward[place].places
            self._add_read(self._onward[place], reached)

    def _add_read(self, onward: _Onward, reached: _Reached) -> None:
        self._add_files(onward.files, reached)
        for (name, column), value in onward.rows:
            path = f"{_PARAMETERS}{name}.csv"
            content = self._read(path)
            if content is not None:
                chosen = _choose_rows(content, column, value)
                reached.parts[f"{path}: {column} {value}"] = chosen

    def _add_files(self, names: Iterable[str], reached: _Reached) -> None:
        for name in names:
            path = f"{_PARAMETERS}{name}.csv"
            content = self._read(path)
            if content is None:
                self._follow(self._find(_CCS, None), reached)
            else:
                reached.parts[path] = content

    def _lead(self, home: str, used: Used) -> _Onward:
        """Return what a piece of code of a module refers to."""
        module = self._load(home)
        places = [place for name in used.names for place in self._resolve(home, name, used)]
        places += [(home, position) for position in (module.unnamed if module else ())]
        uncalled = [place for name in used.mentioned for place in self._resolve(home, name, used)]
        for text in used.texts:
            if text.startswith(f"{PACKAGE}."):
                uncalled += self._find(text, None)
        named: set[str] = self._list_chosen_files(uncalled)
        for called, text in used.calls:
            if any(self._takes_name(place) for place in self._resolve(home, called, used)):
                named |= used.texts if text is None else {text}
        rows: set[tuple[_Choice, str]] = set()
        for call in used.calls_in_full:
            choices = self._list_choices(home, call, used)
            if call.first is not None:
                rows |= {(choice, call.first) for choice in choices}
            elif not call.is_own:
                named |= {name for name, _ in choices}
        files = {name for name in named if self._read(f"parameters/{name}.csv") is not None}
        return _Onward([*places, *uncalled], files, rows)

    def _list_choices(self, home: str, call: Call, used: Used) -> frozenset[_Choice]:
        """Return the files of which a call reads the rows with its first argument."""
        choices: set[_Choice] = set()
        for place in self._resolve(home, call.called, used):
            if place in self._find(*_ROWS_LOADER):
                try:
                    name, column = call.texts
                except ValueError as wrong:
                    raise TypeError(f"{home}: load_rows_of takes two texts") from wrong
                choices.add((name, column))
            else:
                choices |= self._find_choices(place)
        return frozenset(choices)

    def _find_choices(self, place: _Place) -> frozenset[_Choice]:
        """Return the files of which a function reads the rows with its own first argument."""
        if place not in self._choices:
            self._choices[place] = frozenset()
            module = self._load(place[0])
            used = module.statements[place[1]].used if module else Used()
            found = (
                self._list_choices(place[0], call, used)
                for call in used.calls_in_full
                if call.is_own
            )
            self._choices[place] = frozenset().union(*found)
        return self._choices[place]

    def _list_chosen_files(self, places: Iterable[_Place]) -> set[str]:
        """Return the files that functions read rows of, where their argument is not known."""
        return {name for place in places for name, _ in self._find_choices(place)}

    def _takes_name(self, place: _Place) -> bool:
        """Whether a function reads the parameter file whose name it is given."""
        if place in self._find(*_ROWS_LOADER):
            return False
        if place not in self._takers:
            self._takers[place] = place in self._find(*_LOADER)
            module = self._load(place[0])
            used = module.statements[place[1]].used if module else Used()
            self._takers[place] |= any(
                self._takes_name(onward)
                for called, text in used.calls
                if text is None
                for onward in self._resolve(place[0], called, used)
            )
        return self._takers[place]

    def _resolve(self, home: str, name: tuple[str, str | None], used: Used) -> list[_Place]:
        """Return the statements that bind a name which a piece of code of a module uses."""
        first, attribute = name
        module = self._load(home)
        known = used.imports.get(first) or (module.imports.get(first) if module else None)
        if known is None:
            return self._find(home, first)
        source, taken = known
        inner = source if taken is None else f"{source}.{taken}"
        if self._load(inner) is not None:
            return self._find(inner, attribute)
        return [] if taken is None else self._find(source, taken)

    def _find(self, home: str, name: str | None) -> list[_Place]:
        """Return the statements of a module that bind a name; all of them without a name."""
        module = self._load(home)
        if module is None:
            return []
        if name is None:
            return [(home, position) for position in range(len(module.statements))]
        if name in module.imports:
            return self._resolve(home, (name, None), Used())
        return [(home, position) for position in module.bound.get(name, ())]

    def _load(self, name: str) -> Module | None:
        """Return a module of the package, or None of anything else."""
        if name not in self._modules:
            self._modules[name] = None
            if name.startswith(f"{PACKAGE}.") and name not in _NOT_FOLLOWED:
                path = name.removeprefix(f"{PACKAGE}.").replace(".", "/")
                source = self._read(f"{path}.py") or self._read(f"{path}/__init__.py")
                self._modules[name] = None if source is None else parse_module(source)
        return self._modules[name]

    def _read(self, path: str) -> bytes | None:
        if path not in self._files:
            self._files[path] = self._reader(path)
        return self._files[path]


def _choose_rows(content: bytes, column: str, value: str) -> bytes:
    """Return the rows of a parameter file that have a value in a column."""
    lines = content.decode().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return repr([row for row in rows if row[column] == value]).encode()


def _digest(parts: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(name.encode() + b"\0" + hashlib.sha256(parts[name]).digest())
    return digest.hexdigest()[:12]


def _list_held(value: object, name: str) -> list[tuple[str, object]]:
    """Return what a value holds, by name; a table's definition counts only for its own asset."""
    match value:
        case Table() | dg.PartitionMapping():
            return []
        case partial():
            return [("function", value.func), ("args", value.args), ("keywords", value.keywords)]
        case Mapping():
            return [(str(key), value[key]) for key in sorted(value, key=str)]
        case tuple() | list():
            return [(str(position), held) for position, held in enumerate(value)]
        case _ if is_dataclass(value):
            held = [(one.name, getattr(value, one.name)) for one in fields(value)]
            return [("class", type(value)), *held]
        case _:
            raise TypeError(f"{name}: a {type(value).__name__} has no code version")


def _describe(table: Table) -> bytes:
    """Return the parts of a definition that fix a table's bytes: key, columns and their types."""
    columns = [(column.name, column.type) for column in table.columns]
    return repr((table.key, columns)).encode()
