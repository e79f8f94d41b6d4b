"""Which texts are URLs that a callback can go to."""

import pytest

from nightshift.domain.web_url import MAX_URL_LENGTH, WebUrl, WebUrlError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", WebUrl("https", "example.com", 443, "/")),
        ("HTTPS://Example.COM/Hook?a=1#part", WebUrl("https", "example.com", 443, "/Hook?a=1")),
        ("http://example.com:8080/x", WebUrl("http", "example.com", 8080, "/x")),
        ("http://example.com:/x", WebUrl("http", "example.com", 80, "/x")),
        ("http://example.com./", WebUrl("http", "example.com", 80, "/")),
        ("http://my_service.internal/", WebUrl("http", "my_service.internal", 80, "/")),
        ("http://192.0.2.7:9/", WebUrl("http", "192.0.2.7", 9, "/")),
        ("http://192.0.2.7./", WebUrl("http", "192.0.2.7", 80, "/")),
        ("http://[2001:DB8::1]:443/", WebUrl("http", "2001:db8::1", 443, "/")),
        (
            "https://bücher.example/straße?q=ß",
            WebUrl("https", "xn--bcher-kva.example", 443, "/stra%C3%9Fe?q=%C3%9F"),
        ),
        ("https://example.com/a%20b?u=http://x@y", WebUrl("https", "example.com", 443, "/a%20b?u=http://x@y")),
        ("https://example.com//evil.example", WebUrl("https", "example.com", 443, "//evil.example")),
        # Full-width letters and dots are only another way of writing a name: what they mean is judged.
        ("http://127。0。0。1/", WebUrl("http", "127.0.0.1", 80, "/")),
        ("http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/", WebUrl("http", "localhost", 80, "/")),
    ],
)
def test_url_is_read(text: str, expected: WebUrl) -> None:
    assert WebUrl.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/hook",
        "//example.com/hook",
        "/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.com/",
        "http:example.com",
        "http:///hook",
        "http://:80/",
        "https://user@example.com/",
        "https://user:secret@example.com/",
        "https://@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:http/",
        "https://example.com:80:80/",
        "https://example.com:-1/",
        "https://example.com:\uff18\uff10/",
        "https://exa mple.com/",
        " https://example.com/",
        "https://example.com/\n",
        "https://example.com/\r\nHost: evil",
        "https://exam\tple.com/",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://example.com/\u200b",
        "https://example.com/\ud800",
        "https://example.com\\@127.0.0.1/",
        "https:\\\\example.com/",
        "https://exa%6dple.com/",
        "https://%31%32%37.0.0.1/",
        "https://example..com/",
        "https://example.com../",
        "https://./",
        "https://-example.com/",
        "https://example-.com/",
        f"https://{'a' * 64}.com/",
        f"https://{'.'.join(['a' * 60] * 5)}/",
        "https://exa℀mple.com/",
        "https://[::1/",
        "https://::1/",
        "https://[::1]evil.com/",
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://[v1.fe80]/",
        "https://[127.0.0.1]/",
        "https://[example.com]/",
        "https://[]/",
        # Every way in which system resolvers read 127.0.0.1.
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.1.2/",
        "http://256.0.0.1/",
        "http://1.2.3.0x/",
        "http://0/",
    ],
)
def test_url_is_refused(text: str) -> None:
    with pytest.raises(WebUrlError):
        WebUrl.parse(text)


def test_longest_url_is_read_and_a_longer_one_refused() -> None:
    longest = "https://example.com/".ljust(MAX_URL_LENGTH, "a")
    assert len(WebUrl.parse(longest).target) == MAX_URL_LENGTH - len("https://example.com")
    with pytest.raises(WebUrlError, match="at most 2048 characters, found 2049"):
        WebUrl.parse(longest + "a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://example.com/", "must be an absolute http or https URL"),
        ("https://user:secret@example.com/", "must not contain credentials"),
        ("https://example.com:0/", "must have a port from 1 to 65535, found 0"),
        ("https://exa mple.com/", "must not contain spaces, backslashes or control characters"),
        ("http://127.1/", "must write an IPv4 address as four decimal numbers"),
        ("https://[::1", "must be a well-formed URL"),
    ],
)
def test_refusal_says_what_was_expected(text: str, reason: str) -> None:
    with pytest.raises(WebUrlError) as refused:
        WebUrl.parse(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com:80/", "example.com"),
        ("https://example.com:80/", "example.com:80"),
        ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ("http://[2001:db8::1]:443/", "[2001:db8::1]:443"),
    ],
)
def test_host_header_names_port_only_where_it_is_not_default(text: str, expected: str) -> None:
    assert WebUrl.parse(text).host_header == expected
