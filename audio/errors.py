"""Why sound was not made. Each refusal says what is wrong and what to do, in Vietnamese and English."""

from typing import ClassVar


class AudioError(Exception):
    """The root. `code` is stable; `transient` says whether trying the same again may work."""

    code: ClassVar[str] = "audio"
    transient: ClassVar[bool] = False
    vi: ClassVar[str] = "Không xử lý được âm thanh."
    en: ClassVar[str] = "The sound could not be processed."

    def __init__(self, **facts: str | float) -> None:
        """Keep the facts that the sentences mention."""
        self.facts = facts
        super().__init__(self.message_en)

    @property
    def message_vi(self) -> str:
        """The sentence for the officer, in Vietnamese."""
        return self.vi.format(**self.facts)

    @property
    def message_en(self) -> str:
        """The same in English."""
        return self.en.format(**self.facts)


class NotAudio(AudioError):
    """A text renamed .mp3, a picture, a playlist: nothing in it can be heard."""

    code = "not_audio"
    vi = "Tệp này không phải là tệp âm thanh. Hãy chọn một tệp ghi âm (MP3, WAV, M4A, OGG…)."
    en = "This file holds no sound. Choose a recording (MP3, WAV, M4A, OGG…)."


class Truncated(AudioError):
    """The file ends before its sound does: an upload or a copy that was cut."""

    code = "truncated"
    vi = "Tệp âm thanh bị cụt, phần cuối bị thiếu. Hãy sao chép lại từ bản gốc rồi tải lên lần nữa."
    en = "The recording is cut short: its end is missing. Copy it again from the original and upload it once more."


class Unreadable(AudioError):
    """There is no such file, or it is a folder, a pipe, a device. Facts: `detail`."""

    code = "unreadable"
    vi = "Không mở được tệp ghi âm: {detail}. Hãy tải tệp lên lần nữa."
    en = "The recording cannot be opened: {detail}. Upload it once more."


class TooDemanding(AudioError):
    """A limit of time, processor or memory stopped the work: a broken file, or one made to do harm."""

    code = "too_demanding"
    vi = "Tệp này đòi hỏi quá nhiều bộ nhớ hoặc thời gian, có thể đã hỏng. Hãy xuất lại dưới dạng MP3 rồi tải lên."
    en = "This file takes too much memory or time; it may be broken. Export it again as MP3 and upload that."


class Silent(AudioError):
    """Nothing, or next to nothing, would be heard. Facts: `lufs`, `limit_lufs`."""

    code = "silent"
    vi = "Bản ghi quá nhỏ: {lufs:.0f} LUFS, cần trên {limit_lufs:.0f}. Hãy thu lại gần micrô hơn."
    en = "Too quiet: {lufs:.0f} LUFS, at least {limit_lufs:.0f} is needed. Record again, closer to the microphone."


class TooShort(AudioError):
    """Shorter than anything that could be understood. Facts: `limit_s`."""

    code = "too_short"
    vi = "Bản ghi ngắn hơn {limit_s:.1f} giây. Hãy thu lại trọn nội dung."
    en = "The recording is shorter than {limit_s:.1f} seconds. Record the whole message again."


class TooLong(AudioError):
    """Lasts longer than one announcement may. Facts: `limit_min`."""

    code = "too_long"
    vi = "Bản ghi dài quá {limit_min:.0f} phút. Hãy chia thành nhiều phần ngắn hơn."
    en = "The recording is longer than {limit_min:.0f} minutes. Split it into shorter parts."


class TooBig(AudioError):
    """More bytes than an upload may have. Facts: `limit_mb`."""

    code = "too_big"
    vi = "Tệp lớn hơn {limit_mb:.0f} MB. Hãy xuất lại dưới dạng MP3 hoặc chia nhỏ tệp."
    en = "The file is larger than {limit_mb:.0f} MB. Export it as MP3, or split it."


class NothingToSay(AudioError):
    """The text has no word that can be read aloud."""

    code = "nothing_to_say"
    vi = "Nội dung không có chữ nào để đọc. Hãy nhập nội dung thông báo."
    en = "The text has no word to read aloud. Type the announcement."


class TooMuchText(AudioError):
    """More text than one announcement may have. Facts: `limit_chars`."""

    code = "too_much_text"
    vi = "Nội dung dài quá {limit_chars:.0f} ký tự. Hãy chia thành nhiều thông báo."
    en = "The text is longer than {limit_chars:.0f} characters. Split it into several announcements."


class EmptyPlaylist(AudioError):
    """A programme with no item that sounds."""

    code = "empty_playlist"
    vi = "Chương trình chưa có mục nào để phát. Hãy thêm ít nhất một thông báo."
    en = "The programme has nothing to play. Add at least one announcement."


class ExerciseUnsaid(AudioError):
    """An exercise without the words that say so is never assembled. Facts: `detail_vi`, `detail_en`."""

    code = "exercise_unsaid"
    transient = True
    vi = "Không tạo được câu «Đây là diễn tập.» nên chương trình diễn tập không được phát. {detail_vi}"
    en = "The words «Đây là diễn tập.» could not be made, and without them no exercise goes on air. {detail_en}"


class ProgrammeTooLong(AudioError):
    """More sound than fits a day: readings, gaps, pauses and chimes together. Facts: `limit_h`."""

    code = "programme_too_long"
    vi = "Chương trình dài quá {limit_h:.0f} giờ. Hãy bớt mục, bớt số lần đọc lại, hoặc chia thành nhiều chương trình."
    en = (
        "The programme is longer than {limit_h:.0f} hours. Take out items or repeats, or make several programmes of it."
    )


class EngineFailed(AudioError):
    """The speech engine or ffmpeg died, hung or was stopped by a limit. Facts: `engine`, `detail`."""

    code = "engine_failed"
    transient = True
    vi = "Bộ xử lý âm thanh {engine} gặp lỗi. Hãy thử lại; nếu vẫn lỗi, báo cho kỹ thuật viên: {detail}"
    en = "The sound engine {engine} failed. Try again; if it keeps failing, tell the technician: {detail}"


class EngineRefused(AudioError):
    """A speech service will not read this, now or later. Facts: `engine`, `detail`."""

    code = "engine_refused"
    vi = "Dịch vụ đọc {engine} từ chối: {detail}. Hãy chọn giọng khác, hoặc báo cho kỹ thuật viên."
    en = "The speech service {engine} refuses: {detail}. Choose another voice, or tell the technician."


class NoVoice(AudioError):
    """Nobody on this machine reads this language. Facts: `language`."""

    code = "no_voice"
    vi = "Máy này không có giọng đọc cho ngôn ngữ «{language}». Hãy thu âm người đọc rồi tải lên."
    en = "No voice on this machine reads the language `{language}`. Record somebody who does, and upload that."


class FfmpegMissing(AudioError):
    """No ffmpeg on this machine."""

    code = "ffmpeg_missing"
    vi = "Máy này chưa có ffmpeg. Hãy cài: «pip install imageio-ffmpeg» hoặc «apt install ffmpeg», hay đặt LOA_FFMPEG."
    en = "No ffmpeg here. Install it: `pip install imageio-ffmpeg` or `apt install ffmpeg`, or set LOA_FFMPEG."


class SpeechMissing(AudioError):
    """No speech engine on this machine."""

    code = "speech_missing"
    vi = "Máy này chưa có bộ đọc tiếng Việt. Hãy cài bằng «pip install espeakng-loader»."
    en = "This machine has no Vietnamese speech engine. Install it with `pip install espeakng-loader`."


class Unwritable(AudioError):
    """The disk is full or refuses us. Facts: `detail`."""

    code = "unwritable"
    transient = True
    vi = "Không ghi được tệp âm thanh: {detail}. Hãy giải phóng dung lượng đĩa rồi thử lại."
    en = "The sound file could not be written: {detail}. Free some disk space and try again."
