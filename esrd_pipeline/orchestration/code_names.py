"""The names that a module's top-level statements bind, and the names and texts each one uses.

Annotations and classes that are only tested for (`isinstance`, `case`) are left out: the code that
makes the object names its class.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Imported = tuple[str, str | None]
"""A module and the name taken from it; no name where the module itself is bound."""
Name = tuple[str, str | None]
"""A global name and the attribute taken from it, if one is."""
_NOT_COUNTED = {"annotation", "returns", "cls", "ctx", "op", "ops"}
"""Parts of a node that lead to no code; `cls` is the class that a `case` asks for."""
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OWN_SCOPE = (ast.Lambda, *_COMPREHENSIONS)
_NAMING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


@dataclass(frozen=True, slots=True)
class Call:
    """A call with positional arguments.

    Attributes:
        called: the name that is called.
        first: the first argument, if it is a text.
        is_own: whether the first argument is the first parameter of the function that calls.
        texts: the further arguments that are texts.
    """

    called: Name
    first: str | None
    is_own: bool
    texts: tuple[str, ...]


@dataclass(slots=True)
class Used:
    """What a piece of code uses.

    Attributes:
        names: global names, each alone or with the attribute taken from it (`cox`, `fit`).
        imports: what its own import statements bind, by name.
        texts: its string constants.
        calls: names it calls, with the texts of the first argument; None stands for a variable.
        calls_in_full: the same calls with what their arguments are.
        mentioned: names it uses in another way than by such a call.
        own: the first parameter of a function; None if anything in it binds that name again.
    """

    names: set[Name] = field(default_factory=set)
    imports: dict[str, Imported] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    calls: set[tuple[Name, str | None]] = field(default_factory=set)
    calls_in_full: set[Call] = field(default_factory=set)
    mentioned: set[Name] = field(default_factory=set)
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement: a unique label of what it binds, its source and what it uses."""

    name: str
    first_line: int
    source: bytes
    used: Used


@dataclass(frozen=True, slots=True)
class Module:
    """A module's top-level statements by the names they bind.

    Attributes:
        statements: everything but docstrings, imports and what only type checkers read.
        bound: positions in `statements` of those that bind a name.
        unnamed: positions of those that bind none, which run whenever the module is imported.
        imports: what the import statements bind, by name.
    """

    statements: list[Statement] = field(default_factory=list)
    bound: dict[str, list[int]] = field(default_factory=dict)
    unnamed: list[int] = field(default_factory=list)
    imports: dict[str, Imported] = field(default_factory=dict)


def parse_module(source: bytes) -> Module:
    """Index the top-level statements of a module. Its syntax tree is not kept: it is large."""
    module, lines = Module(), source.splitlines(keepends=True)
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imports.update(_list_imports(statement))
        elif not _is_for_readers(statement):
            position = len(module.statements)
            names = sorted(_list_bound([statement]))
            before = max(len(module.bound.get(name, ())) for name in names) if names else position
            decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
            first = min([statement.lineno, *(one.lineno for one in decorators)])
            module.statements.append(
                Statement(
                    name=", ".join(names) + (f" ({before})" if before else ""),
                    first_line=first,
                    source=b"".join(lines[first - 1 : statement.end_lineno]),
                    used=_find_used(statement, _find_own(statement)),
                )
            )
            for name in names:
                module.bound.setdefault(name, []).append(position)
            if not names:
                module.unnamed.append(position)
    return module


def find_functions(module: Module, line: int) -> list[tuple[bytes, Used]]:
    """Return source and uses of the functions that begin in a line, nested ones and lambdas."""
    found: list[tuple[bytes, Used]] = []
    for statement in module.statements:
        lines = statement.source.splitlines(keepends=True)
        within = line - statement.first_line + 1
        if 1 <= within <= len(lines):
            found += [
                (b"".join(lines[within - 1 : node.end_lineno]), _find_used(node))
                for node in ast.walk(ast.parse(statement.source))
                if isinstance(node, _FUNCTIONS) and node.lineno == within
            ]
    return found


def _find_used(node: ast.AST, own: str | None = None) -> Used:
    used = Used(own=own)
    _visit(node, frozenset(), used)
    return used


def _find_own(statement: ast.stmt) -> str | None:
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    parameters = (*statement.args.posonlyargs, *statement.args.args)
    if not parameters:
        return None
    own = parameters[0]
    is_bound_again = any(
        (isinstance(node, ast.arg) and node is not own and node.arg == own.arg)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == own.arg)
        or (isinstance(node, _NAMING) and node.name == own.arg)
        for node in ast.walk(statement)
    )
    return None if is_bound_again else own.arg


def _is_for_readers(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring or is under `if TYPE_CHECKING`."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


def _list_imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Imported]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, (node.module or "", alias.name)
        else:
            yield alias.asname or alias.name.partition(".")[0], (alias.name, None)


def _list_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children of a node that can lead to code."""
    kind = type(node)
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(name for name in node._fields if name not in _NOT_COUNTED)
    for name in _FIELDS[kind]:
        value = getattr(node, name)
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, ast.AST))


def _list_bound(nodes: Sequence[ast.AST]) -> set[str]:
    """Return the names that nodes bind in their own scope, imports aside."""
    bound: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            bound.add(node.name)
        elif not isinstance(node, _OWN_SCOPE):
            if isinstance(node, _NAMING) and node.name:
                bound.add(node.name)
            waiting.extend(_list_children(node))
    return bound


def _visit(node: ast.AST, local: frozenset[str], used: Used) -> None:
    """Collect what a node uses; `local` names belong to the functions around it."""
    name = _read_name(node)
    if name is not None:
        if name[0] not in local:
            used.names.add(name)
            used.mentioned.add(name)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            used.texts.add(node.value)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        used.imports.update(_list_imports(node))
    elif isinstance(node, ast.Call) and node.args:
        _visit_call(node, node.args[0], local, used)
    elif isinstance(node, _FUNCTIONS):
        _visit_function(node, local, used)
    else:
        if isinstance(node, _COMPREHENSIONS):
            local |= _list_bound([generator.target for generator in node.generators])
        _visit_children(node, local, used)


def _read_name(node: ast.AST) -> Name | None:
    if isinstance(node, ast.Name):
        return node.id, None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    return None


def _visit_children(node: ast.AST, local: frozenset[str], used: Used) -> None:
    for child in _list_children(node):
        _visit(child, local, used)


def _visit_call(node: ast.Call, first: ast.expr, local: frozenset[str], used: Used) -> None:
    called = _read_name(node.func)
    if called == ("isinstance", None):
        _visit(first, local, used)
        return
    if called is None or called[0] in local:
        _visit(node.func, local, used)
    else:
        used.names.add(called)
        _note_arguments(called, node.args, used)
    for argument in (*node.args, *node.keywords):
        _visit(argument, local, used)


def _note_arguments(called: Name, arguments: Sequence[ast.expr], used: Used) -> None:
    first, *further = arguments
    if isinstance(first, ast.Name):
        used.calls.add((called, None))
    texts = [node.value for node in ast.walk(first) if isinstance(node, ast.Constant)]
    used.calls.update((called, text) for text in texts if isinstance(text, str))
    used.calls_in_full.add(
        Call(
            called,
            _read_text(first),
            isinstance(first, ast.Name) and first.id == used.own,
            tuple(text for text in map(_read_text, further) if text is not None),
        )
    )


def _read_text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _visit_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, local: frozenset[str], used: Used
) -> None:
    arguments = node.args
    defaults = (*arguments.defaults, *(value for value in arguments.kw_defaults if value))
    for outside in (*defaults, *getattr(node, "decorator_list", ())):
        _visit(outside, local, used)
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    parameters = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    gathered = (argument for argument in (arguments.vararg, arguments.kwarg) if argument)
    own = {argument.arg for argument in (*parameters, *gathered)} | _list_bound(body)
    for statement in body:
        _visit(statement, local | own, used)
