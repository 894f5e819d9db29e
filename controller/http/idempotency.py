"""Idempotency keys: a creating call that is repeated after a cut line is answered as the first time, and creates once.

The answer is stored by (user, key) in the same transaction as what it created. A repetition that arrives while the
first is still running waits for it in the database.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request, Response
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from controller.database import insert_into
from controller.errors import KeyReused
from controller.http.models import Answer

KEPT_FOR = timedelta(hours=24)
KEPT_HEADERS = ("content-type", "etag", "location")
_CHUNK_BYTES = 1024 * 1024


@dataclass
class AnsweredBefore(Exception):
    """The request was carried out before: this is what it was answered."""

    response: Response


async def claim(request: Request, session: AsyncSession, *, user_id: str, key: str, now: datetime) -> None:
    """Take `key` for this request, or raise `AnsweredBefore` or `KeyReused`."""
    digest = await _digest(request)
    await session.execute(delete(Answer).where(Answer.user_id == user_id, Answer.created_at < now - KEPT_FOR))
    values = {"user_id": user_id, "key": key, "request_hash": digest, "created_at": now}
    inserted = insert_into(session, Answer).values(values).on_conflict_do_nothing()
    taken = await session.scalar(inserted.returning(Answer.key))
    stored = (await session.scalars(select(Answer).where(Answer.user_id == user_id, Answer.key == key))).one()
    if taken is not None:
        request.state.answer = stored
        return
    if stored.request_hash != digest:
        raise KeyReused
    headers = {**stored.headers, "Idempotency-Replayed": "true"}
    raise AnsweredBefore(Response(stored.body, stored.status, headers))


async def remember(request: Request, response: Response) -> None:
    """Store the answer to a claimed request in its transaction."""
    answer: Answer | None = getattr(request.state, "answer", None)
    if answer is None:
        return
    answer.status = response.status_code
    answer.headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    answer.body = bytes(response.body)


async def _digest(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    if not request.headers.get("content-type", "").startswith("multipart/"):
        digest.update(await request.body())
        return digest.hexdigest()
    for name, value in (await request.form()).multi_items():
        digest.update(f"\n{name}=".encode())
        if not isinstance(value, UploadFile):
            digest.update(value.encode())
            continue
        digest.update(f"{value.filename};{value.content_type};{value.size}\n".encode())
        while chunk := await value.read(_CHUNK_BYTES):
            digest.update(chunk)
        await value.seek(0)
    return digest.hexdigest()
