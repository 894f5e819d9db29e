"""A process that says one thing to a broker again and again.

`HOST PORT ROOT CERT KEY NAME TOPIC PAYLOAD PER_S`; with 0 as fast as the line takes it.
"""

import socket
import ssl
import sys
import time


def _text(said: str) -> bytes:
    raw = said.encode()
    return len(raw).to_bytes(2, "big") + raw


def _packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = divmod(left, 128)
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


def main() -> None:
    host, port, root, cert, key, name, topic, payload, per_s = sys.argv[1:]
    context = ssl.create_default_context(cafile=root)
    context.load_cert_chain(cert, key)
    hello = _text("MQTT") + bytes([4, 0b1000_0010]) + (60).to_bytes(2, "big")
    connect = _packet(0x10, hello + _text(name) + _text(name))
    at_once = max(1, int(per_s) // 20) if int(per_s) else 100
    burst = _packet(0x30, _text(topic) + payload.encode()) * at_once
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as line:
        line.sendall(connect)
        line.recv(4)
        while True:
            line.sendall(burst)
            if int(per_s):
                time.sleep(at_once / int(per_s))


if __name__ == "__main__":
    main()
