"""Notices by itself what a transaction changes of the tables in `audit.registry`, and writes it down at its end.

The entries stand or fall with the change: they are the last thing that its own transaction does.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, event, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstanceState, Mapper, ORMExecuteState, Session, UOWTransaction

from controller.areas.tree import ROOT_PATH
from controller.audit.chain import Changes, Deed, Json, canonical
from controller.audit.ledger import append
from controller.audit.registry import BY_MODEL, WHOLE, Act, Part, Spec, Whole
from controller.audit.values import HIDDEN, difference, plain, told
from controller.database import Actor, Base, Database, actor_of

_NOTES = "audit"
NOTED_APART = {"audit_noted_apart": True}
"""`execution_options` of a statement that adds many rows at once, and whose caller says so with `note`."""

CREATED, CHANGED, REMOVED = "created", "changed", "removed"
_KEYS_AT_A_TIME = 1000
Values = Mapping[str, Any]


@dataclass
class _Thing:
    """What a transaction did to one thing so far."""

    spec: Whole
    key: str
    action: str = CHANGED
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Secret fields that became different."""
    parts: dict[str, tuple[Counter[bytes], Counter[bytes]]] = field(default_factory=dict)
    """By field: what left, and what joined."""
    label: str = ""
    area: str = ""
    """Both are known already where the thing is no more."""

    def changes(self) -> Changes:
        """All of it, before → after."""
        whole = {**difference(self.before, self.after), **{name: [HIDDEN, HIDDEN] for name in self.hidden}}
        for name, (left, joined) in self.parts.items():
            gone, new = _listed(left - joined), _listed(joined - left)
            if gone or new:
                whole[name] = [told(gone), told(new)]
        return whole


@dataclass
class _Notes:
    """What a transaction did so far, in order."""

    things: dict[tuple[type[Base], str], _Thing] = field(default_factory=dict)
    acts: list[tuple[Act, Any]] = field(default_factory=list)
    said: list[tuple[Actor | None, Deed]] = field(default_factory=list)
    unknown: dict[Any, dict[str, Any]] = field(default_factory=dict)
    """By row: what the database holds of fields whose former value the session does not know."""

    def thing(self, spec: Whole, key: str) -> _Thing:
        return self.things.setdefault((spec.model, key), _Thing(spec, key))


def note(session: AsyncSession | Session, deed: Deed, *, actor: Actor | None = None) -> None:
    """Write down what no row tells by itself. Without an `actor` it was whoever stands behind the transaction."""
    _notes(session).said.append((actor, deed))


def watch(database: Database, now: Callable[[], datetime]) -> None:
    """Keep the trail of every transaction of this database."""
    event.listen(database.writing, "before_flush", _ask_for_unknown)
    event.listen(database.writing, "after_flush", _notice)
    event.listen(database.writing, "persistent_to_deleted", _notice_parting)
    event.listen(database.writing, "do_orm_execute", _notice_statement)

    def write(session: Session) -> None:
        session.flush()
        notes: _Notes | None = session.info.pop(_NOTES, None)
        deeds = [] if notes is None else list(_deeds(session, notes))
        if deeds:
            append(session, deeds, now())

    event.listen(database.writing, "before_commit", write)


def _notes(session: AsyncSession | Session) -> _Notes:
    notes: _Notes = session.info.setdefault(_NOTES, _Notes())
    return notes


def _ask_for_unknown(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Before they are overwritten, read what fields held that the session never loaded or was told to forget."""
    for row in session.dirty:
        spec = BY_MODEL.get(type(row))
        if not isinstance(spec, Whole):
            continue
        state: InstanceState[Any] = inspect(row)
        fields = [name for name in _told(spec) if _blind(state, name)]
        if fields:
            mapper = state.mapper
            columns = [mapper.columns[name] for name in fields]
            primary = [column == value for column, value in zip(mapper.primary_key, state.identity or (), strict=True)]
            with session.no_autoflush:
                found = session.execute(select(*columns).where(*primary)).first()
            if found is not None:
                _notes(session).unknown.setdefault(row, dict(zip(fields, found, strict=True)))


def _blind(state: InstanceState[Any], name: str) -> bool:
    history = state.attrs[name].history
    return bool(history.added) and not history.deleted


def _notice(session: Session, _context: UOWTransaction) -> None:
    """Read what a flush wrote, while the session still knows what was before."""
    for rows, took in ((session.new, _made), (session.dirty, _changed), (session.deleted, _gone)):
        for row in rows:
            if (spec := BY_MODEL.get(type(row))) is not None:
                took(session, spec, row)


def _made(session: Session, spec: Spec, row: Any) -> None:
    match spec:
        case Whole():
            _make(session, spec, _values(row))
        case Part():
            _move(session, spec, _values(row), joined=True)
        case Act():
            _notes(session).acts.append((spec, row))


def _changed(session: Session, spec: Spec, row: Any) -> None:
    if not isinstance(spec, Whole):
        return
    state: InstanceState[Any] = inspect(row)
    known = _notes(session).unknown.pop(row, {})
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in _told(spec):
        history = state.attrs[name].history
        if history.added or history.deleted:
            before[name] = history.deleted[0] if history.deleted else known.get(name)
            after[name] = history.added[0] if history.added else None
    _change(session, spec, _key(state.mapper, _values(row)), before, after)


def _gone(session: Session, spec: Spec, row: Any) -> None:
    if isinstance(spec, Whole):
        _remove(session, spec, _values(row), area=spec.place(session, row))


def _notice_parting(session: Session, row: object) -> None:
    """Parts are also removed for having been taken out of their thing's list, which no list of the session names."""
    spec = BY_MODEL.get(type(row))
    if isinstance(spec, Part):
        _move(session, spec, _values(row), joined=False)


def _notice_statement(state: ORMExecuteState) -> Any:
    """Notice what a statement changes without loading it."""
    writes = state.is_insert or state.is_update or state.is_delete
    spec = BY_MODEL.get(state.bind_mapper.class_) if writes and state.bind_mapper is not None else None
    if spec is None or isinstance(spec, Act):
        return None
    if not state.is_insert:
        return _around(state, spec)
    if not state.execution_options.get("audit_noted_apart"):
        raise RuntimeError(f"{spec.model.__name__} is audited: add its rows to the session, or `note` them")
    return None


def _around(state: ORMExecuteState, spec: Whole | Part) -> Any:
    """Carry a statement out between two looks at the rows that it touches."""
    session, statement, mapper = state.session, state.statement, inspect(spec.model)
    assert isinstance(statement, Update | Delete)  # noqa: S101 what the session says that it is
    before = {_key(mapper, row): row for row in _rows(session, mapper, statement.whereclause)}
    gone = state.is_delete
    areas = {}
    if isinstance(spec, Whole) and gone:
        areas = {key: spec.place(session, SimpleNamespace(**values)) for key, values in before.items()}
    result = state.invoke_statement()
    for key, values in before.items():
        now = None if gone else _again(session, mapper, values)
        if isinstance(spec, Part):
            _move(session, spec, values, joined=False)
            if now is not None:
                _move(session, spec, now, joined=True)
        elif now is None:
            _remove(session, spec, values, area=areas.get(key, ROOT_PATH))
        else:
            differ = [name for name in _told(spec) if values[name] != now[name]]
            _change(session, spec, key, {n: values[n] for n in differ}, {n: now[n] for n in differ})
    return result


def _rows(session: Session, mapper: Mapper[Any], *where: ColumnElement[bool] | None) -> Sequence[Values]:
    columns = [column.label(name) for name, column in mapper.columns.items()]
    statement = select(*columns).where(*(condition for condition in where if condition is not None))
    return [dict(row) for row in session.execute(statement).mappings()]


def _again(session: Session, mapper: Mapper[Any], values: Values) -> Values | None:
    same = [column == values[mapper.get_property_by_column(column).key] for column in mapper.primary_key]
    return next(iter(_rows(session, mapper, *same)), None)


def _make(session: Session, spec: Whole, values: Values) -> None:
    thing = _notes(session).thing(spec, _key(inspect(spec.model), values))
    thing.action = CHANGED if thing.action == REMOVED else CREATED
    thing.after = {name: values[name] for name in _told(spec) if not spec.hides(name)}


def _change(session: Session, spec: Whole, key: str, before: Values, after: Values) -> None:
    if not after:
        return
    thing = _notes(session).thing(spec, key)
    for name, value in after.items():
        if spec.hides(name):
            if thing.action != CREATED and before[name] != value:
                thing.hidden.add(name)
            continue
        if thing.action != CREATED:
            thing.before.setdefault(name, before[name])
        thing.after[name] = value


def _remove(session: Session, spec: Whole, values: Values, *, area: str) -> None:
    notes, key = _notes(session), _key(inspect(spec.model), values)
    thing = notes.thing(spec, key)
    if thing.action == CREATED:
        del notes.things[spec.model, key]
        return
    thing.action, thing.label, thing.area = REMOVED, str(plain(values[spec.label])), area
    for name in _told(spec):
        if not spec.hides(name):
            thing.before.setdefault(name, values[name])
    thing.after = {}
    thing.hidden.clear()


def _move(session: Session, spec: Part, values: Values, *, joined: bool) -> None:
    whole = WHOLE[spec.of]
    left_joined = (
        _notes(session).thing(whole, str(values[spec.by])).parts.setdefault(spec.field, (Counter(), Counter()))
    )
    told_of_it = {name: plain(value) for name, value in values.items() if name != spec.by and value not in _EMPTY}
    left_joined[joined][canonical(told_of_it)] += 1


_EMPTY = (None, "", 0)


def _deeds(session: Session, notes: _Notes) -> Iterator[tuple[Actor, Deed]]:
    """Everything that the transaction did, as it will stand in the trail."""
    actor, names = actor_of(session), _Names(session)
    things = [(thing, changes) for thing in notes.things.values() if _told_of(thing, changes := thing.changes())]
    acts = [(act, WHOLE[act.of], str(getattr(row, act.by)), row) for act, row in notes.acts]
    names.learn([(thing.spec, thing.key) for thing, _ in things] + [(whole, key) for _, whole, key, _ in acts])
    for thing, changes in things:
        label, area = (thing.label, thing.area) if thing.action == REMOVED else names.of(thing.spec, thing.key)
        action = thing.action if thing.spec.like is None else CHANGED
        yield actor, Deed(thing.spec.kind, thing.key, action, label, area, changes)
    for act, whole, key, row in acts:
        label, area = names.of(whole, key)
        changes = {name: [None, told(getattr(row, name))] for name in act.tells}
        yield actor, Deed(whole.kind, key, act.action, label, area, changes)
    for other, deed in notes.said:
        yield other or actor, deed


def _told_of(thing: _Thing, changes: Changes) -> bool:
    if thing.spec.decisions_only:
        return thing.action == CHANGED and bool(changes)
    return thing.action != CHANGED or bool(changes)


class _Names:
    """What things are called and where they lie at the end of the transaction. A stop of a whole province asks once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: list[object] = []
        """The session forgets what nobody holds."""

    def learn(self, wanted: Sequence[tuple[Whole, str]]) -> None:
        """Load these things together."""
        by_spec: dict[type[Base], set[str]] = {}
        for spec, key in wanted:
            by_spec.setdefault(spec.model, set()).add(key)
        for model, keys in by_spec.items():
            (primary,) = inspect(model).primary_key
            listed = sorted(keys)
            for start in range(0, len(listed), _KEYS_AT_A_TIME):
                some = select(model).where(primary.in_(listed[start : start + _KEYS_AT_A_TIME]))
                self._held += self._session.scalars(some).all()

    def of(self, spec: Whole, key: str) -> tuple[str, str]:
        """Return the label and the path of the area."""
        if spec.like is not None:
            return self.of(WHOLE[spec.like], key)
        row = self._session.get(spec.model, key)
        if row is None:
            return key, ROOT_PATH
        return str(plain(getattr(row, spec.label))), spec.place(self._session, row)


def _values(row: Any) -> dict[str, Any]:
    state: InstanceState[Any] = inspect(row)
    return {name: state.dict.get(name) for name in state.mapper.columns.keys()}  # noqa: SIM118 SQLAlchemy's own


def _key(mapper: Mapper[Any], values: Values) -> str:
    return "/".join(str(values[mapper.get_property_by_column(column).key]) for column in mapper.primary_key)


def _told(spec: Whole) -> list[str]:
    """The columns whose change is told, even if their values are not."""
    mapper: Mapper[Any] = inspect(spec.model)
    primary = {mapper.get_property_by_column(column).key for column in mapper.primary_key}
    return [name for name in mapper.columns.keys() if name not in primary and spec.tells(name)]  # noqa: SIM118 its own


def _listed(parts: Counter[bytes]) -> list[Json]:
    return [json.loads(part) for part in sorted(parts.elements())]
