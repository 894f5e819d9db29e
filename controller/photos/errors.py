"""Why a photo was not taken. Each says what to do."""

from controller.errors import Conflict, Invalid
from controller.text import Text


class NoPicture(Invalid):
    """Not a whole JPEG, PNG or WebP."""

    code = "no_picture"
    title = Text(
        "Tệp này không phải ảnh JPEG, PNG hay WebP còn nguyên vẹn. Hãy chọn ảnh khác.",
        "This is no whole JPEG, PNG or WebP picture. Choose another one.",
    )


class PictureTooBig(Invalid):
    """More bytes, or more pixels, than a photo of a speaker needs."""

    code = "picture_too_big"
    title = Text(
        "Ảnh quá lớn: nhiều nhất 5 MB và 50 triệu điểm ảnh. Hãy chụp với cỡ nhỏ hơn.",
        "The picture is too big: 5 MB and 50 million pixels at most. Take it at a smaller size.",
    )


class TooManyPhotos(Conflict):
    """A speaker has as many as it may have."""

    code = "too_many_photos"
    title = Text(
        "Mỗi cụm loa có nhiều nhất 6 ảnh. Hãy xoá bớt một ảnh trước.",
        "A speaker has 6 photos at most. Remove one first.",
    )
