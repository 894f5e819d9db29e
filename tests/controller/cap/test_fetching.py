import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.cap.fetching import AddressRefused, Away, Fetcher, Refused, TooLong, is_public
from tests.support.feeds import Answer, WebServer
from tests.support.tls import certificate

HERE = ipaddress.ip_network("127.0.0.1/32")


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer().running() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(own_networks=[HERE])
    yield fetcher
    await fetcher.aclose()


async def test_what_is_there_is_fetched_under_the_name_that_was_asked_for(server: WebServer, fetcher: Fetcher):
    server.answers["/a?b=1"] = Answer(b"hello", headers={"ETag": '"1"'})
    answer = await fetcher.get(server.url("/a?b=1#c", host="localhost"), bytes_max=5)
    assert (answer.body, answer.etag) == (b"hello", '"1"')
    assert server.asked[0].headers["host"] == f"localhost:{server.port}"


async def test_what_has_not_changed_is_not_sent_again(server: WebServer, fetcher: Fetcher):
    server.answers["/a"] = Answer(b"hello", headers={"ETag": '"1"'})
    answer = await fetcher.get(server.url("/a"), bytes_max=5, etag='"1"')
    assert answer.body is None


@pytest.mark.parametrize("measured", [True, False])
async def test_more_bytes_than_are_taken_are_refused(server: WebServer, fetcher: Fetcher, *, measured: bool):
    server.answers["/a"] = Answer(b"hello!", measured=measured)
    with pytest.raises(TooLong):
        await fetcher.get(server.url("/a"), bytes_max=5)
    for _ in range(20):
        await asyncio.sleep(0)  # httpx closes its own layers, one at each turn of the loop


async def test_a_packed_answer_is_not_unpacked(server: WebServer, fetcher: Fetcher):
    server.answers["/a"] = Answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    with pytest.raises(Refused):
        await fetcher.get(server.url("/a"), bytes_max=5)
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("status", "failure"), [(404, Refused), (403, Refused), (500, Away), (429, Away)])
async def test_a_failure_says_whether_to_try_again(
    server: WebServer, fetcher: Fetcher, status: int, failure: type[Exception]
):
    server.answers["/a"] = Answer(status=status)
    with pytest.raises(failure):
        await fetcher.get(server.url("/a"), bytes_max=5)


async def test_a_broken_connection_may_be_tried_again(server: WebServer, fetcher: Fetcher):
    server.answers["/a"] = Answer(b"hell", whole=False)
    with pytest.raises(Away):
        await fetcher.get(server.url("/a"), bytes_max=5)


async def test_a_machine_that_is_not_there_may_be_tried_again(fetcher: Fetcher):
    with pytest.raises(Away):
        await fetcher.get("http://127.0.0.1:1/", bytes_max=5)
    with pytest.raises(Away):
        await fetcher.get("http://nobody.invalid/", bytes_max=5)


async def test_redirects_are_followed_a_few_times(server: WebServer, fetcher: Fetcher):
    server.answers |= {
        "/1": Answer(status=302, headers={"Location": "/2"}),
        "/2": Answer(status=308, headers={"Location": server.url("/3")}),
        "/3": Answer(b"here"),
        "/loop": Answer(status=301, headers={"Location": "/loop"}),
    }
    answer = await fetcher.get(server.url("/1"), bytes_max=5)
    assert (answer.body, answer.url) == (b"here", server.url("/3"))
    with pytest.raises(Refused):
        await fetcher.get(server.url("/loop"), bytes_max=5)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/",
        "http://localhost.localdomain@127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://2130706434/",
        "http://0x7f000002/",
        "file:///etc/passwd",
        "ftp://example.vn/",
        "gopher://example.vn/",
        "//example.vn/",
        "feed.xml",
        "http://",
        "",
    ],
)
async def test_nobody_is_asked_inside_our_own_network(fetcher: Fetcher, url: str):
    with pytest.raises(AddressRefused):
        await fetcher.get(url, bytes_max=5)


async def test_a_redirect_leads_nowhere_that_an_address_may_not(server: WebServer):
    server.answers["/a"] = Answer(status=302, headers={"Location": "http://169.254.169.254/"})
    fetcher = Fetcher(own_networks=[HERE])
    with pytest.raises(AddressRefused):
        await fetcher.get(server.url("/a"), bytes_max=5)
    await fetcher.aclose()


async def test_without_leave_this_machine_is_not_asked_either(server: WebServer):
    fetcher = Fetcher()
    with pytest.raises(AddressRefused):
        await fetcher.get(server.url("/a"), bytes_max=5)
    await fetcher.aclose()
    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("100.64.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.251", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("2002:7f00:1::", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool):  # noqa: FBT001 a case
    assert is_public(ipaddress.ip_address(address)) is public


async def test_the_certificate_must_be_of_the_name_not_of_the_address(tmp_path: Path):
    cert_file, key_file = certificate(tmp_path)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(cert_file, key_file)
    fetcher = Fetcher(own_networks=[HERE], tls=ssl.create_default_context(cafile=str(cert_file)))
    async with WebServer().running(serves) as server:
        server.answers["/a"] = Answer(b"hello")
        named = server.url("/a", host="localhost", scheme="https")
        assert (await fetcher.get(named, bytes_max=5)).body == b"hello"
        with pytest.raises(Away):
            await fetcher.get(server.url("/a", scheme="https"), bytes_max=5)
        server.answers["/down"] = Answer(status=302, headers={"Location": named.replace("https", "http")})
        with pytest.raises(AddressRefused):
            await fetcher.get(named.replace("/a", "/down"), bytes_max=5)
    await fetcher.aclose()
