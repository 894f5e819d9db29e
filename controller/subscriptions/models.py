"""The table of subscriptions."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.accounts.models import SECRET, TokenHash, User, UserId
from controller.areas.models import Area, Code
from controller.database import Base, new_id


class Subscription(Base):
    """One person's secret address of one area's calendar."""

    __tablename__ = "calendar_subscriptions"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    secret_hash: Mapped[str] = mapped_column(TokenHash, unique=True, info=SECRET)
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    created_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True, foreign_keys=[area_code])
