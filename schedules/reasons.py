"""Why an occurrence was left out, in one stable word and in a sentence."""

from enum import StrEnum

from schedules.words import Sentence


class Reason(StrEnum):
    """What kept an occurrence from a speaker's plan, or from its air."""

    QUIET_HOURS = "quiet_hours"
    SESSIONS_PER_DAY = "sessions_per_day"
    SESSION_CAP = "session_cap"
    DAILY_CAP = "daily_cap"
    DAYS_PER_WEEK = "days_per_week"
    FROZEN = "frozen"
    ALREADY_BEGUN = "already_begun"

    def explain(self) -> Sentence:
        """Return the sentence that an officer reads beside the occurrence."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.QUIET_HOURS: Sentence(
        "Rơi vào giờ yên tĩnh; chỉ khẩn cấp mới được phát.",
        "It would sound in quiet hours, which only an emergency may.",
    ),
    Reason.SESSIONS_PER_DAY: Sentence(
        "Ngày đó đã đủ số buổi phát.",
        "That day already has all the sessions it may have.",
    ),
    Reason.SESSION_CAP: Sentence(
        "Buổi phát sẽ dài quá mức cho phép.",
        "The session would become longer than allowed.",
    ),
    Reason.DAILY_CAP: Sentence(
        "Tổng thời lượng trong ngày sẽ vượt mức cho phép.",
        "The day would sound longer than allowed.",
    ),
    Reason.DAYS_PER_WEEK: Sentence(
        "Tuần đó đã đủ số ngày phát.",
        "That week already has all the days of sound it may have.",
    ),
    Reason.FROZEN: Sentence(
        "Quá sát giờ phát để thay đổi.",
        "It is too close to its time to still change.",
    ),
    Reason.ALREADY_BEGUN: Sentence(
        "Giờ phát đã qua khi lịch được thêm.",
        "Its time had already begun when it was added.",
    ),
}
