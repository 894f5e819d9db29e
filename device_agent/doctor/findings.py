"""What the doctor says: one sentence a finding, in Vietnamese and in English, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


MARKS: Final[Mapping[Level, str]] = {Level.GOOD: "✓", Level.NOTE: "·", Level.BAD: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence. `code` is stable, for scripts."""

    code: str
    level: Level
    vi: str
    en: str

    def said(self, language: str) -> str:
        """The sentence in `vi` or `en`."""
        return self.en if language == "en" else self.vi


def finding(code: str, **facts: str | float) -> Finding:
    """Say it with these facts."""
    level, vi, en = _SENTENCES[code]
    return Finding(code, level, vi.format(**facts), en.format(**facts))


_SENTENCES: Final[Mapping[str, tuple[Level, str, str]]] = {
    "agent_running": (
        Level.NOTE,
        (
            "Agent đang chạy trên máy này nên không phát thử. Dùng nút «Phát thử» ở trang loa, hoặc dừng "
            "agent trước: systemctl stop loa-agent"
        ),
        (
            "The agent is running on this machine, so nothing is played. Use the test tone on the speaker's "
            "page, or stop the agent first: systemctl stop loa-agent"
        ),
    ),
    "amplifier": (
        Level.GOOD,
        "Đóng cắt ampli được.",
        "The amplifier switches.",
    ),
    "amplifier_fault": (
        Level.BAD,
        ("Không đóng cắt được ampli: {error}. Xem lại mục [amplifier] trong cấu hình và quyền của nhóm gpio."),
        (
            "The amplifier cannot be switched: {error}. Look at [amplifier] in the settings and at the rights"
            " of the gpio group."
        ),
    ),
    "amplifier_none": (
        Level.NOTE,
        "Không cấu hình đóng cắt ampli.",
        "No amplifier switch is configured.",
    ),
    "clock": (
        Level.GOOD,
        "Đồng hồ hệ thống đã đồng bộ.",
        "The system clock is synchronised.",
    ),
    "clock_unsynchronised": (
        Level.NOTE,
        "Đồng hồ hệ thống chưa đồng bộ: agent sẽ lấy giờ từ máy chủ khi có mạng.",
        ("The system clock is not synchronised: the agent takes the time from the controller once there is a link."),
    ),
    "device": (
        Level.NOTE,
        "Thiết bị: {device} ({about})",
        "Device: {device} ({about})",
    ),
    "device_default": (
        Level.NOTE,
        "Thiết bị: {device} ({about}), mặc định",
        "Device: {device} ({about}), default",
    ),
    "device_unknown": (
        Level.BAD,
        ("Cấu hình chọn {device} nhưng không có thiết bị tên như vậy. Hãy sửa sink_device theo danh sách trên."),
        "The settings name {device}, but there is no such device. Correct sink_device by the list above.",
    ),
    "disk": (
        Level.GOOD,
        "Thẻ nhớ còn {free_mb:.0f} MB.",
        "{free_mb:.0f} MB are free on the card.",
    ),
    "disk_full": (
        Level.BAD,
        "Thẻ nhớ chỉ còn {free_mb:.0f} MB. Hãy xoá bớt hoặc thay thẻ lớn hơn.",
        "Only {free_mb:.0f} MB are left on the card. Clear some, or put in a larger one.",
    ),
    "faint": (
        Level.BAD,
        "Âm lượng của {device} chỉ {percent} %. Đặt lại: pactl set-sink-volume {device} 100%",
        "The volume of {device} is only {percent} %. Set it: pactl set-sink-volume {device} 100%",
    ),
    "ffmpeg": (
        Level.GOOD,
        "Tiếp âm bằng {path}",
        "Relays stations with {path}",
    ),
    "ffmpeg_missing": (
        Level.BAD,
        "Máy này chưa có ffmpeg nên không tiếp âm được đài nào. Hãy cài: apt install ffmpeg",
        "There is no ffmpeg here, so no station can be relayed. Install it: apt install ffmpeg",
    ),
    "heard": (
        Level.GOOD,
        "Đã nghe lại tín hiệu thử, lệch {late_ms:+.0f} ms (riêng đường nghe lại khoảng 10 ms).",
        "The test signal was heard back, {late_ms:+.0f} ms off (the way back itself takes about 10 ms).",
    ),
    "late": (
        Level.BAD,
        "Nghe lại thấy lệch {late_ms:+.0f} ms so với lúc hứa. Đặt sink_offset_ms trong cấu hình.",
        "What comes back is {late_ms:+.0f} ms off its instant. Set sink_offset_ms in the settings.",
    ),
    "muted": (
        Level.BAD,
        "{device} đang tắt tiếng. Bật lại: pactl set-sink-mute {device} 0",
        "{device} is muted. Switch it on: pactl set-sink-mute {device} 0",
    ),
    "never_played": (
        Level.BAD,
        ("{device} nhận tín hiệu thử nhưng không phát: thiết bị bị treo. Rút ra cắm lại, hoặc khởi động lại máy."),
        ("{device} took the test signal but never played it: the device hangs. Replug it, or restart the machine."),
    ),
    "no_device": (
        Level.BAD,
        "Không thấy thiết bị âm thanh nào. Kiểm tra dây, card âm thanh và gói libasound2 hoặc libpulse0.",
        ("No sound device was found. Check the cable, the sound card, and the libasound2 or libpulse0 package."),
    ),
    "not_heard_back": (
        Level.NOTE,
        "Không có đường nghe lại: hãy nghe bằng tai xem loa có kêu không.",
        "There is nothing to listen back with: hear for yourself whether the horn sounds.",
    ),
    "not_heard_back_alsa": (
        Level.NOTE,
        "Không có đường nghe lại: hãy nghe bằng tai xem loa có kêu không. Nếu im lặng, bật tiếng và tăng âm: alsamixer",
        (
            "There is nothing to listen back with: hear for yourself whether the horn sounds. If it is silent, unmute "
            "the card and turn it up: alsamixer"
        ),
    ),
    "opusfile": (
        Level.GOOD,
        "Giải mã bản tin bằng libopusfile.",
        "Decodes announcements with libopusfile.",
    ),
    "opusfile_missing": (
        Level.NOTE,
        "Máy này chưa có libopusfile nên giải mã bằng ffmpeg, tốn thêm 30 MB bộ nhớ. Nên cài: apt install libopusfile0",
        "There is no libopusfile here, so ffmpeg decodes, which takes 30 MB more. Better: apt install libopusfile0",
    ),
    "played": (
        Level.GOOD,
        (
            "{device} đã phát tín hiệu thử: độ trễ {latency_ms:.0f} ms (dao động {spread_ms:.0f} ms), mẫu đầu"
            " tiên sau {first_ms:.0f} ms, đồng hồ mẫu lệch {ppm:+.0f} ppm."
        ),
        (
            "{device} played the test signal: latency {latency_ms:.0f} ms (varies by {spread_ms:.0f} ms), "
            "first sample after {first_ms:.0f} ms, sample clock off by {ppm:+.0f} ppm."
        ),
    ),
    "quiet_hours": (
        Level.NOTE,
        "Đang trong giờ yên tĩnh nên không phát thử. Nếu thật sự cần: thêm --at-night.",
        "These are quiet hours, so nothing is played. If it must be: add --at-night.",
    ),
    "rate_off": (
        Level.BAD,
        (
            "Đồng hồ mẫu của thiết bị lệch quá nhiều, không thể giữ đồng bộ với các cụm loa khác. Hãy thay "
            "card âm thanh."
        ),
        ("The device's sample clock is too far off to stay together with other speakers. Replace the sound card."),
    ),
    "silent": (
        Level.BAD,
        ("Thiết bị báo đã phát nhưng nghe lại thì im lặng. Kiểm tra âm lượng và tắt tiếng: pactl list sinks"),
        ("The device says that it played, but what comes back is silent. Check volume and mute: pactl list sinks"),
    ),
    "sink": (
        Level.GOOD,
        "Âm thanh đi ra: {device}",
        "Sound goes out through: {device}",
    ),
    "sink_busy": (
        Level.BAD,
        "Chương trình khác đang giữ {device}. Xem là chương trình nào rồi tắt nó: fuser -v /dev/snd/*",
        "Another program holds {device}. See which, and stop it: fuser -v /dev/snd/*",
    ),
    "sink_forbidden": (
        Level.BAD,
        (
            "Người dùng của agent không có quyền dùng {device}. Thêm vào nhóm audio rồi khởi động lại agent: "
            "usermod -aG audio <người dùng>"
        ),
        (
            "The agent's user has no right to use {device}. Add it to the group audio, then restart the agent: "
            "usermod -aG audio <user>"
        ),
    ),
    "sink_lost": (
        Level.BAD,
        "Mất thiết bị khi đang phát thử: {error}. Kiểm tra dây cắm và nguồn điện.",
        "The device was lost while the test signal played: {error}. Check plug and power.",
    ),
    "sink_missing": (
        Level.BAD,
        (
            "Không có {device}. Kiểm tra dây cắm và nguồn của card âm thanh, và sửa sink_device theo danh sách trên "
            "hoặc theo: aplay -L"
        ),
        (
            "There is no {device}. Check plug and power of the sound card, and correct sink_device by the list above "
            "or by: aplay -L"
        ),
    ),
    "sink_unavailable": (
        Level.BAD,
        (
            "Không mở được đường ra âm thanh {device}: {error}. Kiểm tra dây và nguồn, và xem có chương trình"
            " khác đang giữ thiết bị không."
        ),
        (
            "The way out for sound, {device}, cannot be opened: {error}. Check cable and power, and whether "
            "another program holds it."
        ),
    ),
    "sink_unsuited": (
        Level.BAD,
        "{device} không nhận âm thanh mono 16 bit 48 kHz. Trong cấu hình hãy đổi hw:… thành plughw:…",
        "{device} does not take mono 16-bit sound at 48 kHz. In the settings, write plughw:… instead of hw:…",
    ),
    "slow": (
        Level.BAD,
        ("Độ trễ quá lớn: lệnh dừng và phát khẩn cấp sẽ đến chậm. Chọn thiết bị khác, tránh Bluetooth và HDMI."),
        (
            "The latency is too long: Stop and emergencies would come late. Choose another device, not "
            "Bluetooth or HDMI."
        ),
    ),
    "state_dir": (
        Level.BAD,
        "Thư mục dữ liệu không dùng được: {error}",
        "The state directory cannot be used: {error}",
    ),
    "unsteady": (
        Level.BAD,
        ("Âm thanh bị ngắt quãng ({stalls} lần). Máy quá tải hoặc nguồn yếu: xem nhiệt độ, nguồn 5 V và thẻ nhớ."),
        (
            "The sound falters ({stalls} times). The machine is overloaded or short of power: look at its "
            "temperature, its 5 V supply and its card."
        ),
    ),
}
