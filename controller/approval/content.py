"""What is approved: a schedule with everything that is heard, in one canonical form. Pure."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from controller.announcements.models import Announcement, Status
from controller.audit.chain import canonical
from controller.broadcasts.models import Schedule
from controller.playlists.models import Playlist, PlaylistItem

Content = dict[str, Any]


def content(schedule: Schedule, announcements: Mapping[str, Announcement]) -> Content:
    """Return all that a schedule would air: where, when, how loud, the words, and the sha256 of the sound."""
    playlist = schedule.playlist
    sound = playlist.sound
    return {
        "title": schedule.title,
        "area": schedule.area_code,
        "targets": sorted([target.kind.value, target.key] for target in schedule.targets),
        "calendar": {
            "first_local": schedule.first_local,
            "zone": schedule.zone,
            "rrule": schedule.rrule,
            "except_local": sorted(schedule.except_local),
            "extra_local": sorted(schedule.extra_local),
            **_narrowed(schedule),
        },
        "priority": int(schedule.priority),
        "resume": schedule.resume.value,
        "volume": schedule.volume,
        "late_join_s": schedule.late_join_s,
        "commune_rank": schedule.commune_rank,
        "staggered": schedule.staggered,
        "playlist": {"id": playlist.id, "author": playlist.author, "items": [_item(each) for each in playlist.items]},
        "announcements": {id_: _words(announcements[id_]) for id_ in sorted(named(playlist)) if id_ in announcements},
        "sound": None if sound is None else {"key": sound.key, "stretches": sound.stretches, "relays": sound.relays},
    }


def digest(said: Content) -> str:
    """Return the name of a content: the same to the letter, the same digest."""
    return hashlib.sha256(canonical(said)).hexdigest()


def settled(schedule: Schedule, announcements: Collection[Announcement]) -> bool:
    """Whether the sound that there is, is that of the words that there are: only then can it be listened to."""
    playlist = schedule.playlist
    return (
        playlist.sound_key is not None
        and playlist.sound_key == playlist.wanted_key
        and all(each.status is Status.READY for each in announcements)
    )


def new_authors(said: Content, before: Content | None) -> frozenset[str]:
    """Return the authors of the playlist and announcements that are not in the version approved before."""
    known = set(before["announcements"]) if before else set()
    authors = {words["author"] for id_, words in said["announcements"].items() if id_ not in known}
    if before is None or before["playlist"]["id"] != said["playlist"]["id"]:
        authors.add(said["playlist"]["author"])
    return frozenset(authors)


def named(playlist: Playlist) -> set[str]:
    """Return the ids of all announcements that a playlist airs or may air."""
    return {id_ for item in playlist.items for id_ in (item.announcement_id, item.bed_id) if id_}


def _narrowed(schedule: Schedule) -> Content:
    """Return what narrows the rule, and nothing where nothing does: what was approved before keeps its digest."""
    moon = {"lunar_days": sorted(schedule.lunar_days)} if schedule.lunar_days else {}
    return moon | ({"skip_holidays": True} if schedule.skip_holidays else {})


def _item(item: PlaylistItem) -> Content:
    return {
        "kind": item.kind.value,
        "announcement": item.announcement_id,
        "chime": item.chime,
        "repeat": item.repeat,
        "pause_ms": item.pause_ms,
        "fade_in_ms": item.fade_in_ms,
        "fade_out_ms": item.fade_out_ms,
        "bed": item.bed_id,
        "bed_db": item.bed_db,
        "relay_url": item.relay_url,
        "relay_title": item.relay_title,
        "relay_ms": item.relay_ms,
    }


def _words(row: Announcement) -> Content:
    return {
        "title": row.title,
        "author": row.author,
        "kind": row.kind.value,
        "text": row.text,
        "language": row.language,
        "voice": row.voice,
        "speed_wpm": row.speed_wpm,
        "profile": str(row.profile),
        "source": row.source,
        **({"recording_url": row.recording_url} if row.recording_url else {}),
        "second_language": row.second_language,
        "second_text": row.second_text,
        "second_voice": row.second_voice,
        "second_source": row.second_source,
        "clip": row.clip_sha256,
    }
