"""How long to wait before trying again."""


def delay_s(attempt: int, *, base_s: float, cap_s: float, draw: float) -> float:
    """Return the wait after failure number `attempt` (from 1): doubling up to a cap, between half and all of it.

    `draw` is a random number in [0, 1): a thousand speakers must not come back at the same moment.
    """
    whole = min(cap_s, base_s * 2.0 ** min(attempt - 1, 32))
    return whole * (0.5 + draw / 2)
