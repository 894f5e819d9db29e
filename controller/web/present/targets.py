"""Whom something addresses, as a form chooses it: what is chosen, and the piece in which one chooses."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.datastructures import FormData

from controller.broadcasts import schemas
from controller.broadcasts.models import TargetKind
from controller.errors import Invalid
from controller.text import Text
from controller.web.present.areas import AreaNode


@dataclass(frozen=True)
class Choice:
    """What a form says that it addresses; nothing of it is checked yet."""

    areas: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    polygon: str = ""
    """GeoJSON, as it was drawn."""

    @classmethod
    def read(cls, fields: FormData) -> "Choice":
        """Return what a form sent."""

        def keys(name: str) -> frozenset[str]:
            return frozenset(each for each in fields.getlist(name) if isinstance(each, str) and each)

        return cls(keys("area"), keys("group"), keys("device"), max(keys("polygon"), default=""))

    @classmethod
    def of(cls, targets: Iterable[tuple[TargetKind, str]], polygon: str | None = None) -> "Choice":
        """Return what was chosen before."""
        keys: dict[TargetKind, set[str]] = {kind: set() for kind in TargetKind}
        for kind, key in targets:
            keys[kind].add(key)
        areas, groups, devices = (
            frozenset(keys[kind]) for kind in (TargetKind.AREA, TargetKind.GROUP, TargetKind.DEVICE)
        )
        return cls(areas, groups, devices, polygon or "")

    def __bool__(self) -> bool:
        """Whether anything is chosen."""
        return bool(self.areas or self.groups or self.devices or self.polygon)

    def pruned(self, areas: Iterable[AreaNode]) -> "Choice":
        """Leave out what lies in a place that is chosen as a whole, and speakers that are not in the tree."""
        whole, devices, listed = set[str](), set[str](), set[str]()

        def walk(node: AreaNode, *, covered: bool) -> None:
            listed.add(node.code)
            if node.code in self.areas and not covered:
                whole.add(node.code)
                covered = True
            if not covered:
                devices.update(device.id for device in node.devices if device.id in self.devices)
            for child in node.children:
                walk(child, covered=covered)

        for root in areas:
            walk(root, covered=False)
        return replace(self, areas=frozenset(whole | (self.areas - listed)), devices=frozenset(devices))

    def named(self) -> list[schemas.Target]:
        """Return what is chosen by name."""
        kinds = ((TargetKind.AREA, self.areas), (TargetKind.GROUP, self.groups), (TargetKind.DEVICE, self.devices))
        return [schemas.Target(kind=kind, key=key) for kind, keys in kinds for key in sorted(keys)]

    def address(self) -> dict[str, Any]:
        """Return it as `alerts.schemas.AddressIn` reads it. Refuses a drawing that is no JSON."""
        wish: dict[str, Any] = {"targets": [each.model_dump() for each in self.named()]}
        if self.polygon:
            try:
                wish["polygon"] = json.loads(self.polygon)
            except (ValueError, RecursionError) as error:
                raise Invalid.field("polygon", Text("What was drawn cannot be read: draw it again")) from error
        return wish


NOTHING: Final = Choice()


@dataclass(frozen=True)
class Target:
    """Something that is, or may be, chosen."""

    kind: TargetKind
    key: str
    name: str
    place: str = ""


@dataclass(frozen=True)
class Branch:
    """An area of the tree, and how deep it lies below the first."""

    code: str
    name: str
    kind: str
    depth: int


@dataclass(frozen=True)
class Picker:
    """All that the piece shows."""

    issuer: str
    """The area within which is chosen."""
    chips: tuple[Target, ...] = ()
    """What is chosen beside what is listed."""
    polygon: str = ""
    drawable: bool = False
    areas: tuple[AreaNode, ...] = ()
    """The tree of places that have speakers …"""
    branches: tuple[Branch, ...] = ()
    """… or that of all areas, which an alert may address."""
    cut: bool = False
    """Whether the tree leaves areas out."""
    groups: tuple[Target, ...] = ()
    chosen: Choice = NOTHING
