"""Why a photo was not taken. Each says what to do."""

from controller.errors import Conflict, Invalid
from controller.text import Text


class NoPicture(Invalid):
    """Not a whole JPEG, PNG or WebP."""

    code = "no_picture"
    title = Text("This is no whole JPEG, PNG or WebP picture. Choose another one.")


class PictureTooBig(Invalid):
    """More bytes, or more pixels, than a photo of a speaker needs."""

    code = "picture_too_big"
    title = Text("The picture is too big: 5 MB and 50 million pixels at most. Take it at a smaller size.")


class TooManyPhotos(Conflict):
    """A speaker has as many as it may have."""

    code = "too_many_photos"
    title = Text("A speaker has 6 photos at most. Remove one first.")
