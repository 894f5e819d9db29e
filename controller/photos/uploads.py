"""A picture is drawn anew and stored before the transaction takes its lock, as recordings are."""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from audio.errors import AudioError
from controller.content.service import store_of
from controller.content.store import ContentStore, Stored
from controller.errors import Unavailable
from controller.http.route import RuntimeDep
from controller.photos.errors import PictureTooBig
from controller.photos.picture import BYTES_MAX, drawn_anew
from controller.text import Text

_AT_A_TIME = asyncio.Semaphore(2)
"""Each takes a processor for up to a second."""


async def _drawn(request: Request, runtime: RuntimeDep) -> Stored | None:
    """Keep the form's picture, drawn anew; None where none was chosen."""
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.size:
        return None
    if file.size > BYTES_MAX:
        raise PictureTooBig
    data = await file.read()
    try:
        async with _AT_A_TIME:
            return await asyncio.to_thread(_keep, store_of(runtime), data)
    except AudioError as error:
        raise Unavailable(Text.both(error.message_vi, error.message_en)) from error


def _keep(store: ContentStore, data: bytes) -> Stored:
    return store.put(drawn_anew(data))


Drawn = Depends(_drawn)
"""Goes first into `dependencies=[…]` of an endpoint that takes a photo."""
DrawnDep = Annotated[Stored | None, Drawn]
