"""Mosquitto with one door for certificates, and one for the controller on the same machine."""

from datetime import UTC, datetime
from pathlib import Path

from controller.authority.authority import Authority, Revoked
from loa.brokers import Mosquitto, free_port


class GuardedMosquitto(Mosquitto):
    """`door` wants a certificate of this authority that was not revoked; `port` is for the controller beside it."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self.door = free_port()
        self._authority = authority

    def refuse(self, *serials: int) -> None:
        """Write what is revoked; it counts from the next start on."""
        now = datetime.now(UTC)
        revoked = [Revoked(serial, now) for serial in serials]
        (self.data_dir / "revoked.crl").write_text(self._authority.crl(revoked, now))

    def _command(self) -> list[str]:
        command, folder = super()._command(), self.data_dir
        made = self._authority.issue_server(["127.0.0.1"], datetime.now(UTC))
        (folder / "broker.key").write_text(made.key)
        (folder / "broker.crt").write_text(made.certificate)
        (folder / "authority.crt").write_text(self._authority.certificate)
        if not (folder / "revoked.crl").exists():
            self.refuse()
        with (folder / "mosquitto.conf").open("a") as config:
            config.write(
                f"listener {self.door} 127.0.0.1\n"
                f"cafile {folder}/authority.crt\ncertfile {folder}/broker.crt\nkeyfile {folder}/broker.key\n"
                f"crlfile {folder}/revoked.crl\nrequire_certificate true\nuse_identity_as_username true\n"
            )
        return command
