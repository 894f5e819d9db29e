"""The table of what must stand on the broker: the broker is a cache, this is the truth."""

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.content.models import Sha256Key
from controller.database import Base
from controller.devices.models import DeviceKey


class RetainedDocument(Base):
    """A retained message. An empty payload says that nothing must stand there."""

    __tablename__ = "retained_documents"

    topic: Mapped[str] = mapped_column(String(255), primary_key=True)
    device_id: Mapped[str | None] = mapped_column(DeviceKey, index=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    content_hash: Mapped[str] = mapped_column(String(64))
    """Of the body without version and time of issue: the same again is not published again."""
    version: Mapped[int] = mapped_column(BigInteger)
    content_sha256: Mapped[str | None] = mapped_column(Sha256Key)
    """The long plan that this manifest points to, in the content store."""
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    kid: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The key that signed it: once another one signs, all is said anew."""
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    """None: the broker has not taken this version yet."""
