"""The tree of places that have speakers, for ticking."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from controller.web.views import AreaNode, DeviceChoice


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


def tree(places: Iterable[PlaceFacts], speakers: Iterable[ChoiceFacts]) -> tuple[AreaNode, ...]:
    """Nest the areas. A root is one whose parent the viewer does not see.

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
            if child.size == 1:
                own += _all_of(child)
            elif child.size:
                kept.append(child)
        return AreaNode(
            code=place.code,
            name=place.name,
            kind=place.kind,
            children=tuple(kept),
            devices=tuple(sorted(own, key=lambda each: each.name)),
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


def _all_of(node: AreaNode) -> list[DeviceChoice]:
    return [*node.devices, *(device for child in node.children for device in _all_of(child))]


def _narrowest(node: AreaNode) -> AreaNode:
    """Where all speakers lie in one branch, the tree begins there."""
    while len(node.children) == 1 and not node.devices:
        (node,) = node.children
    return node
