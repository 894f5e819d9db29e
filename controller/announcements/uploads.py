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


async def _kept(request: Request, runtime: RuntimeDep) -> Stored | None:
    """Keep the form's file, if there is one that is not empty. Who sent it was asked before it was read."""
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.size:
        return None
    stored = await asyncio.to_thread(store_of(runtime).put_stream, file.file)
    await file.seek(0)
    return stored


Kept = Depends(_kept)
"""Goes first into `dependencies=[…]` of an endpoint that takes a file."""
KeptDep = Annotated[Stored | None, Kept]
