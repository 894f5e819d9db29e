"""Uploaded files go into the content store before the transaction takes its lock: writing them may take seconds.

What is refused afterwards is swept with everything else that nothing refers to.
"""

import asyncio
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from controller.content.service import store_of
from controller.content.store import Stored
from controller.http.route import RuntimeDep

FILES = ("file", "second_file")
"""The fields of forms that carry recordings."""


async def _kept(request: Request, runtime: RuntimeDep) -> dict[str, Stored]:
    """Keep the form's files that are not empty, by field. Who sent them was asked before they were read."""
    form = await request.form()
    stored: dict[str, Stored] = {}
    for name in FILES:
        file = form.get(name)
        if isinstance(file, UploadFile) and file.size:
            stored[name] = await asyncio.to_thread(store_of(runtime).put_stream, file.file)
            await file.seek(0)
    return stored


Kept = Depends(_kept)
"""Goes first into `dependencies=[…]` of an endpoint that takes a file."""
KeptDep = Annotated[dict[str, Stored], Kept]
