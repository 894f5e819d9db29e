"""The tree of places that have speakers, for ticking."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NONE: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True)
class AreaNode:
    """A branch of the tree of places with speakers in it."""

    code: str
    name: str
    kind: str = ""
    children: tuple["AreaNode", ...] = ()
    devices: tuple["DeviceChoice", ...] = ()
    unlisted: int = 0
    """Speakers here that are not among `devices`: they come when the branch is opened."""

    @property
    def size(self) -> int:
        """How many speakers are here and below."""
        return len(self.devices) + self.unlisted + sum(child.size for child in self.children)


@dataclass(frozen=True)
class DeviceChoice:
    """A speaker one can tick."""

    id: str
    name: str
    online: bool = True


@dataclass(frozen=True)
class PlaceFacts:
    """An area of the viewer's subtree."""

    code: str
    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True)
class ChoiceFacts:
    """A speaker and the area it stands in."""

    id: str
    name: str
    area: str
    online: bool


def tree(
    places: Iterable[PlaceFacts], speakers: Iterable[ChoiceFacts], unlisted: Mapping[str, int] = NONE
) -> tuple[AreaNode, ...]:
    """Nest the areas. A root is one whose parent the viewer does not see; `unlisted` counts further speakers by area.

    Branches without a speaker are left out, and a place with a single one is shown as that speaker.
    """
    known = {place.code: place for place in places}
    below: dict[str | None, list[PlaceFacts]] = defaultdict(list)
    for place in known.values():
        below[place.parent if place.parent in known else None].append(place)
    here: dict[str, list[DeviceChoice]] = defaultdict(list)
    for speaker in speakers:
        here[speaker.area].append(DeviceChoice(speaker.id, speaker.name, speaker.online))

    def branch(place: PlaceFacts) -> AreaNode:
        children = (branch(child) for child in sorted(below[place.code], key=lambda each: each.name))
        own = [*here[place.code]]
        kept: list[AreaNode] = []
        for child in children:
            if child.size == 1 and (alone := _all_of(child)):
                own += alone
            elif child.size:
                kept.append(child)
        return AreaNode(
            code=place.code,
            name=place.name,
            kind=place.kind,
            children=tuple(kept),
            devices=tuple(sorted(own, key=lambda each: each.name)),
            unlisted=unlisted.get(place.code, 0),
        )

    roots = (_narrowest(branch(place)) for place in sorted(below[None], key=lambda each: each.name))
    return tuple(root for root in roots if root.size)


def node_of(nodes: Iterable[AreaNode], code: str) -> AreaNode | None:
    """Return the branch of a place, wherever it is."""
    for node in nodes:
        found = node if node.code == code else node_of(node.children, code)
        if found is not None:
            return found
    return None


def codes(nodes: Iterable[AreaNode]) -> frozenset[str]:
    """Return every place of the tree."""
    return frozenset(code for node in nodes for code in (node.code, *codes(node.children)))


def ids(nodes: Iterable[AreaNode]) -> frozenset[str]:
    """Return every speaker of the tree."""
    return frozenset(device.id for node in nodes for device in _all_of(node))


def _all_of(node: AreaNode) -> list[DeviceChoice]:
    return [*node.devices, *(device for child in node.children for device in _all_of(child))]


def _narrowest(node: AreaNode) -> AreaNode:
    """Where all speakers lie in one branch, the tree begins there."""
    while len(node.children) == 1 and not node.devices and not node.unlisted:
        (node,) = node.children
    return node
