"""How a quirk is switched off in the running code: a patch, and the builders that most switches are made of.

A switch is a function that takes a `Patch` and changes the code before the server starts. It does what somebody would
have written who had only read the docs, or had not thought of the quirk at all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec import structs

from loopsim.contract import Operation, Rendered, render
from loopsim.domain.quirks import QUIRKS as SETTINGS
from loopsim.errors import Refusal
from loopsim.operations.control import settings as control_settings
from loopsim.operations.index import import_all
from loopsim.operations.perform import OPERATIONS, Answer, Call, Registered
from loopsim.store.transaction import Transaction
from loopsim.wire import php

Switch = Callable[["Patch"], None]
Perform = Callable[[Transaction, Call], Answer]


class Patch:
    """Changes to the code of this process."""

    def __init__(self) -> None:
        import_all()
        self._monkeypatch = pytest.MonkeyPatch()

    def set(self, target: object, name: str, value: Any) -> None:
        """Another attribute of a module or class."""
        self._monkeypatch.setattr(target, name, value)

    def item(self, target: Any, key: Any, value: Any) -> None:
        """Another entry of a dict."""
        self._monkeypatch.setitem(target, key, value)

    def everywhere(self, old: object, new: object) -> None:
        """Another function (or constant) wherever loopsim has imported the old one."""
        found = 0
        for module_name, module in list(sys.modules.items()):
            if module_name.partition(".")[0] == "loopsim":
                for name in [name for name, value in vars(module).items() if value is old]:
                    self.set(module, name, new)
                    found += 1
        assert found, f"{old} is nowhere"

    def undo(self) -> None:
        """Everything as it was."""
        self._monkeypatch.undo()


# operations


def wrapped(operation_id: str, wrap: Callable[[Perform, Transaction, Call], Any]) -> Switch:
    """The operation's function goes through `wrap`, which is given the real one."""

    def switch(patch: Patch) -> None:
        registered = OPERATIONS[operation_id]

        def real(tx: Transaction, call: Call) -> Answer:
            result = registered.function(tx, call)
            return result if isinstance(result, Answer) else Answer(result)

        patch.item(OPERATIONS, operation_id, Registered(lambda tx, call: wrap(real, tx, call), registered.reads))

    return switch


def answered(operation_id: str, change: Callable[[Any], Any], status: int | None = None) -> Switch:
    """The operation answers `change` of the JSON it would answer, with another status if one is given."""

    def wrap(real: Perform, tx: Transaction, call: Call) -> Answer:
        answer = real(tx, call)
        value = json.loads(answer.body) if isinstance(answer.body, bytes) else answer.body
        return Answer(php.encode(change(value)), answer.status if status is None else status, answer.headers)

    return wrapped(operation_id, wrap)


def asked(operation_id: str, change: Callable[[Call], Call]) -> Switch:
    """The operation sees another call."""
    return wrapped(operation_id, lambda real, tx, call: real(tx, change(call)))


def queried(operation_id: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Switch:
    """The operation sees another query."""
    return asked(operation_id, lambda call: structs.replace(call, query=change(dict(call.query))))


# refusals


def rendered(change: Callable[[Operation, Refusal, Rendered], Rendered | None]) -> Switch:
    """Refusals are worded otherwise, where `change` gives another answer."""

    def switch(patch: Patch) -> None:
        def worded(operation: Operation, refusal: Refusal, quirks: Mapping[str, Any], instance: str = "") -> Rendered:
            usual = render(operation, refusal, quirks, instance)
            return usual if operation.api == "control" else change(operation, refusal, usual) or usual

        patch.everywhere(render, worded)

    return switch


def refused(code: str, status: int, body: Any, *operations: str) -> Switch:
    """One refusal, of some operations or of all, has another status and body."""

    def change(operation: Operation, refusal: Refusal, _usual: Rendered) -> Rendered | None:
        fits = refusal.code == code and (not operations or operation.id in operations)
        return Rendered(status, body, {}) if fits else None

    return rendered(change)


# settings


def default(name: str, value: str) -> Switch:
    """The default of a named setting is another."""
    return lambda patch: patch.item(SETTINGS, name, (value, *(each for each in SETTINGS[name] if each != value)))


def dead(name: str) -> Switch:
    """A named setting is taken and does nothing."""

    def switch(patch: Patch) -> None:
        real = control_settings.changed

        def changed(settings: Any, body: dict[str, Any]) -> Any:
            chosen = {key: value for key, value in body.get("quirks", {}).items() if key != name}
            return real(settings, {**body, "quirks": chosen})

        patch.everywhere(real, changed)

    return switch


def both(*switches: Switch) -> Switch:
    """Several switches as one."""

    def switch(patch: Patch) -> None:
        for each in switches:
            each(patch)

    return switch


def function(old: Callable[..., Any], new: Callable[..., Any]) -> Switch:
    """A function is another, wherever it is used."""
    return lambda patch: patch.everywhere(old, new)


def after(old: Callable[..., Any], change: Callable[[Any], Any]) -> Switch:
    """A function gives `change` of what it would give."""
    return lambda patch: patch.everywhere(old, lambda *args, **more: change(old(*args, **more)))


def attribute(target: object, name: str, value: Any) -> Switch:
    """An attribute of a module or class is another."""
    return lambda patch: patch.set(target, name, value)


def method(target: type, name: str, wrap: Callable[..., Any]) -> Switch:
    """A method goes through `wrap`, which is given the real one and its arguments."""

    def switch(patch: Patch) -> None:
        real = getattr(target, name)
        patch.set(target, name, lambda *args, **more: wrap(real, *args, **more))

    return switch
