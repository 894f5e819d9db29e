"""Relays (`tiếp âm`): another station inside a programme, from its minute to its minute and never beyond.

`sound` is what the player reads, `rules` decides what is heard of it, `source` fetches the station through `gate`
into a `jitter` buffer.
"""
