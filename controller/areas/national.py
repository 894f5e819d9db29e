"""Việt Nam's provinces and communes as of 1 July 2025, from the `vietnam-provinces` package."""

from collections.abc import Collection, Iterator

from vietnam_provinces import Province, Ward

from controller.areas.models import Area
from controller.areas.tree import ROOT_CODE, ROOT_PATH, child_path


def province_code(number: int) -> str:
    """The official code of a province: two digits."""
    return f"{number:02d}"


def commune_code(number: int) -> str:
    """The official code of a commune: five digits."""
    return f"{number:05d}"


def national_areas(provinces: Collection[str] | None = None) -> Iterator[Area]:
    """Yield provinces and their communes, parents first; only those of some province codes when given."""
    paths: dict[str, str] = {}
    for province in Province.iter_all():
        code = province_code(province.code.value)
        if provinces is None or code in provinces:
            paths[code] = child_path(ROOT_PATH, code)
            yield Area(
                code=code,
                name=province.name,
                kind=province.division_type.value,
                parent_code=ROOT_CODE,
                path=paths[code],
                depth=1,
            )
    for ward in Ward.iter_all():
        parent, code = province_code(ward.province_code.value), commune_code(ward.code.value)
        if parent in paths:
            yield Area(
                code=code,
                name=ward.name,
                kind=ward.division_type.value,
                parent_code=parent,
                path=child_path(paths[parent], code),
                depth=2,
            )
