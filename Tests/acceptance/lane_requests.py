"""Requests to the track endpoints, right, wrong and odd, for comparing those who answer them."""

import gzip

SALE, LEAD = "/track/sale", "/track/lead"
KNOWN = b'"customerExternalId":"<known-id>","amount":4900'
SOLD = b"{" + KNOWN + b',"invoiceId":"<invoice!>"}'
LED = b'{"clickId":"<click>","eventName":"Sign up","customerExternalId":"<customer>","customerName":"Anna"}'


def call(content=SOLD, line=f"POST {SALE} HTTP/1.1", more="", **headers):
    """Head and body of a request, with names in angles. `more`: lines beside the usual headers, or instead."""
    usual = {"Host": "127.0.0.1", "Authorization": "Bearer <token>", "Content-Type": "application/json",
             "Content-Length": "<length>"} | {key.replace("_", "-"): value for key, value in headers.items()}
    lines = "".join(f"{key}: {value}\r\n" for key, value in usual.items() if value is not None)
    return f"{line}\r\n{lines}{more}<way>\r\n".encode("latin-1"), content


def sold(more: bytes):
    return call(b"{" + KNOWN + b',"invoiceId":"<invoice!>",' + more + b"}")


def bare(lines: str, line=f"POST {SALE} HTTP/1.1", content=SOLD):
    """Nothing but these headers."""
    return f"{line}\r\n{lines}<way>\r\n".encode("latin-1"), content


def chunked(content: bytes, size=20) -> bytes:
    parts = [content[n:n + size] for n in range(0, len(content), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


BODIES = {
    "recorded": call(), "without invoice": call(b"{" + KNOWN + b"}"),
    "replayed": call(SOLD.replace(b"<invoice!>", b"<replayed>")),
    "replayed with another amount": call(SOLD.replace(b"<invoice!>", b"<replayed>").replace(b"4900", b"4901")),
    "all fields": sold(b'"currency":"EUR","eventName":"Bought \xc3\xa9","paymentProcessor":"stripe",'
                       b'"metadata":{"a":[1,"\\u00e9"]}'),
    "old names": call(b'{"externalId":"<known-id>","amount":1}'),
    "unknown customer": call(b'{"customerExternalId":"nobody","amount":1}'),
    "unknown customer, empty click": call(b'{"customerExternalId":"nobody","amount":1,"clickId":""}'),
    "direct": call(b'{"customerExternalId":"<customer>","customerName":"Anna","amount":1,"clickId":"<click>"}'),
    "unknown click": call(b'{"customerExternalId":"<customer>","amount":1,"clickId":"none"}'),
    "lead that is none": call(b"{" + KNOWN + b',"leadEventName":"Never"}'), "lead": call(LED, f"POST {LEAD} HTTP/1.1"),
    "lead under /api": call(LED, f"POST /api{LEAD} HTTP/1.1"),
    "lead again": call(LED.replace(b"<customer>", b"<known-id>"), f"POST {LEAD} HTTP/1.1"),
    "lead without click": call(b'{"eventName":"S","customerExternalId":"<customer>"}', f"POST {LEAD} HTTP/1.1"),
    "lead of unknown click": call(LED.replace(b"<click>", b"none"), f"POST {LEAD} HTTP/1.1"),
    "lead deferred": call(LED[:-1] + b',"mode":"deferred"}', f"POST {LEAD} HTTP/1.1"),
    "lead of wrong type": call(b'{"clickId":1}', f"POST {LEAD} HTTP/1.1"),
    "a sale's body as lead": call(SOLD, f"POST {LEAD} HTTP/1.1"), "under /api": call(line=f"POST /api{SALE} HTTP/1.1"),
    "empty": call(b""), "blank": call(b" \r\n\t"), "array": call(b"[]"), "null": call(b"null"), "number": call(b"5"),
    "empty object": call(b"{}"), "open": call(SOLD[:-1]), "more behind": call(SOLD + b"x"), "twice": call(SOLD * 2),
    "blanks around": call(b" \r\n\t" + SOLD + b"\n\n "), "comma": call(SOLD[:-1] + b",}"),
    "form": call(b"customerExternalId=<known-id>&amount=1", Content_Type="application/x-www-form-urlencoded"),
    "amount as text": call(SOLD.replace(b"4900", b'"4900"')), "amount null": call(SOLD.replace(b"4900", b"null")),
    "amount below zero": call(SOLD.replace(b"4900", b"-1")),
    "amount with a point": call(SOLD.replace(b"4900", b"49.5")),
    "amount 4900.0": call(SOLD.replace(b"4900", b"4900.0")), "amount 49e2": call(SOLD.replace(b"4900", b"49e2")),
    "amount 1e400": call(SOLD.replace(b"4900", b"1e400")),
    "amount largest": call(SOLD.replace(b"4900", b"9007199254740991")),
    "amount 2^53": call(SOLD.replace(b"4900", b"9007199254740992")),
    "amount 2^64": call(SOLD.replace(b"4900", b"18446744073709551616")),
    "amount of 5000 digits": call(SOLD.replace(b"4900", b"1" * 5000)), "amount 01": call(SOLD.replace(b"4900", b"01")),
    "amount NaN": call(SOLD.replace(b"4900", b"NaN")), "currency": sold(b'"currency":"zzz"'),
    "metadata as text": sold(b'"metadata":"x"'), "processor": sold(b'"paymentProcessor":"x"'),
    "metadata long": sold(b'"metadata":{"k":"' + b"x" * 9_000 + b'"}'),
    "metadata too long": sold(b'"metadata":{"k":"' + b"x" * 10_000 + b'"}'),
    "unknown fields": sold(b'"unheardOf":{"a":[true,null]},"":0'),
    "id as number": call(b'{"customerExternalId":42,"amount":1}'), "key twice": sold(b'"amount":4900'),
    "key twice, escaped": sold(b'"\\u0061mount":1'), "key twice within": sold(b'"metadata":{"a":1,"a":1}'),
    "mark": call(b"\xef\xbb\xbf" + SOLD), "utf-16": call(b"\xff\xfe" + "{}".encode("utf-16-le")),
    "no utf-8": sold(b'"eventName":"\xff"'), "surrogate": sold(b'"eventName":"\xed\xa0\x80"'),
    "lone surrogate": sold(b'"eventName":"\\ud800"'), "nul": sold(b'"eventName":"\\u0000"'),
    "raw nul": sold(b'"eventName":"\0"'), "control": sold(b'"eventName":"\x01"'),
    "line in text": sold(b'"eventName":"\n"'), "deep": sold(b'"metadata":' + b'{"a":' * 29 + b"1" + b"}" * 29),
    "too deep": sold(b'"metadata":' + b'{"a":' * 40 + b"1" + b"}" * 40), "very deep": call(b"[" * 60_000),
    "many keys": sold(b'"metadata":{' + b",".join(b'"%d":1' % n for n in range(1_001)) + b"}"),
    "64 KiB": call(SOLD + b" " * (65_536 - len(SOLD))), "a byte more": call(SOLD + b" " * (65_537 - len(SOLD))),
    "a MiB": call(SOLD + b" " * ((1 << 20) - len(SOLD))),
    "two bytes more": call(SOLD + b" " * ((1 << 20) + 2 - len(SOLD))),
    "gzip that is none": call(Content_Encoding="gzip"), "gzip": call(gzip.compress(SOLD), Content_Encoding="gzip"),
}
HEADS = {
    "text/plain": call(Content_Type="text/plain"), "no content type": call(Content_Type=None),
    "empty content type": call(Content_Type=""),
    "json with charset": call(Content_Type="application/json; charset=utf-16"),
    "accepts nothing": call(more="Accept: image/png\r\nAccept-Encoding: br\r\n"),
    "page of a site": call(more="Origin: https://a.example\r\nReferer: https://a.example/\r\nCookie: dub_id=1\r\n"),
    "no key": call(Authorization=None), "empty key": call(Authorization=""),
    "Bearer alone": call(Authorization="Bearer"), "empty Bearer": call(Authorization="Bearer "),
    "wrong key": call(Authorization="Bearer dub_wrong"), "half a key": call(Authorization="Bearer <tok>"),
    "key with more": call(Authorization="Bearer <token>x"),
    "key of another kind": call(Authorization="Bearer sk_live_1"), "basic": call(Authorization="Basic <token>"),
    "lower bearer": call(Authorization="bearer <token>"), "two blanks": call(Authorization="Bearer  <token>"),
    "tab": call(Authorization="Bearer\t<token>"), "blank behind": call(Authorization="Bearer <token> "),
    "comma": call(Authorization="Bearer <token>,"), "reads only": call(Authorization="Bearer <reader>"),
    "expired": call(Authorization="Bearer <expired>"), "poor": call(Authorization="Bearer <poor>"),
    "key twice": call(more="Authorization: Bearer <token>\r\n"),
    "other key twice": call(more="Authorization: Bearer dub_wrong\r\n"),
    "key in the query": call(line=f"POST {SALE}?token=<token> HTTP/1.1", Authorization=None),
    "lower names": bare("host: 127.0.0.1\r\nauthorization: Bearer <token>\r\ncontent-length: <length>\r\n"),
    "upper names": bare("HOST: 127.0.0.1\r\nAUTHORIZATION: Bearer <token>\r\nCONTENT-LENGTH: <length>\r\n"),
    "mixed names": bare("hOsT: 127.0.0.1\r\naUthoRization: Bearer <token>\r\ncOnTeNt-LeNgTh: <length>\r\n"),
    "no blanks": bare("Host:127.0.0.1\r\nAuthorization:Bearer <token>\r\nContent-Length:<length>\r\n"),
    "many blanks": bare("Host: \t 127.0.0.1 \t\r\nAuthorization:\t\tBearer <token> \r\n"
                        "Content-Length: \t <length>  \r\n"),
    "tab behind the length": call(Content_Length="<length>\t"),
    "tab before the length": call(Content_Length="\t<length>"), "blank before colon": call(more="X-A : b\r\n"),
    "blank before length's colon": bare("Host: a\r\nAuthorization: Bearer <token>\r\nContent-Length : <length>\r\n"),
    "folded": call(more="X-A: b\r\n c\r\n"),
    "folded key": bare("Host: a\r\nAuthorization: Bearer\r\n <token>\r\nContent-Length: <length>\r\n"),
    "folded length": bare("Host: a\r\nAuthorization: Bearer <token>\r\nContent-Length: <length>\r\n 0\r\n"),
    "first line folded": bare(" Host: a\r\nAuthorization: Bearer <token>\r\nContent-Length: <length>\r\n"),
    "bare line feed": bare("Host: a\nAuthorization: Bearer <token>\nContent-Length: <length>\n"),
    "line feed at the end": call(more="X-A: b\n"), "bare return": call(more="X-A: b\rX-B: c\r\n"),
    "two returns": call(more="X-A: b\r\r\n"), "nul": call(more="X-A: b\0c\r\n"),
    "control": call(more="X-A: b\x01c\r\n"), "delete": call(more="X-A: b\x7fc\r\n"),
    "form feed": call(more="X-A:\x0cb\r\n"), "latin": call(more="X-A: caf\xe9\r\n"),
    "utf-8": call(more="X-A: caf\xc3\xa9\r\n"), "latin name": call(more="X-\xe9: b\r\n"),
    "no colon": call(more="X-A\r\n"), "no name": call(more=": b\r\n"),
    "odd names": call(more="!#$%&'*+-.^_`|~: b\r\n"), "broken names": call(more="X(A): b\r\n"),
    "quoted name": call(more='"X": b\r\n'), "empty value": call(more="X-A:\r\nX-B: \r\n"),
    "colons": call(more="X-A: b: c:\r\n"), "one letter": call(more="a:b\r\n"),
    "underscore": call(more="Content_Length: 3\r\n"),
    "underscore key": call(Authorization=None, more="Authorization_: Bearer <token>\r\n"),
    "seven KiB": call(more="X-A: " + "a" * 7_000 + "\r\n"), "nine KiB": call(more="X-A: " + "a" * 9_000 + "\r\n"),
    "seventy KiB": call(more="X-A: " + "a" * 70_000 + "\r\n"),
    "ninety KiB": call(more="X-A: " + "a" * 90_000 + "\r\n"), "200 headers": call(more="X-A: b\r\n" * 200),
    "900 headers": call(more="a:\r\n" * 900), "1,500 headers": call(more="a:\r\n" * 1_500),
    "expects": call(Expect="100-continue"), "expects else": call(Expect="200-ok"),
    "upgrade, then the end": call(more="Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "upgrade alone": call(Upgrade="h2c"), "trailer": call(Trailer="X-A"), "te": call(TE="trailers"),
    "keep alive": call(more="Keep-Alive: timeout=5\r\n"), "close": call(Connection="close"),
    "Close": call(Connection="Close"), "keep-alive": call(Connection="keep-alive"),
    "Keep-Alive": call(Connection="Keep-Alive"), "KEEP-ALIVE": call(Connection="KEEP-ALIVE"),
    "keep-alive, close": call(Connection="keep-alive, close"),
    "keep-alive twice": call(more="Connection: keep-alive\r\n" * 2),
    "keep-alive and close": call(more="Connection: keep-alive\r\nConnection: close\r\n"),
    "connection empty": call(Connection=""), "connection names": call(Connection="Authorization"),
    "pragma": call(Pragma="x"), "no host": call(Host=None), "empty host": call(Host=""),
    "host twice": call(more="Host: 127.0.0.1\r\n"), "other host": call(more="Host: other.example\r\n"),
    "host with port": call(Host="127.0.0.1:8080"), "upper host": call(Host="LOCALHOST"),
    "host with dot": call(Host="localhost."), "host with path": call(Host="127.0.0.1/x"),
    "host with user": call(Host="u@127.0.0.1"), "host with blank": call(Host="a b"), "address": call(Host="[::1]:80"),
    "host of signs": call(Host="!$&'()*+,;="), "long host": call(Host="h" * 300), "link domain": call(Host="<domain>"),
    "Link Domain": call(Host="<DOMAIN>:80"), "link domain with dot": call(Host="<domain>."),
    "forwarded host": call(more="X-Forwarded-Host: <domain>\r\nForwarded: host=<domain>\r\n"),
    "proxy's": call(Proxy_Connection="keep-alive"), "overrides": call(more="X-HTTP-Method-Override: GET\r\n"),
}
LENGTHS = {
    "chunked": call(chunked(SOLD), Content_Length=None, Transfer_Encoding="chunked"),
    "Chunked": call(chunked(SOLD), Content_Length=None, Transfer_Encoding="Chunked"),
    "one chunk": call(chunked(SOLD, 1_000), Content_Length=None, Transfer_Encoding="chunked"),
    "chunk of a byte": call(chunked(SOLD, 1), Content_Length=None, Transfer_Encoding="chunked"),
    "chunks with more": call(
        chunked(SOLD).replace(b"14\r\n", b"14;a=b\r\n"), Content_Length=None, Transfer_Encoding="chunked"),
    "trailers": call(chunked(SOLD)[:-2] + b"X-A: b\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    "broken chunk": call(b"zz\r\n" + SOLD, Content_Length=None, Transfer_Encoding="chunked"),
    "chunked and length": call(chunked(SOLD), Transfer_Encoding="chunked"),
    "length and chunked": call(chunked(SOLD), more="Transfer-Encoding: chunked\r\n"),
    "gzip, chunked": call(chunked(SOLD), Content_Length=None, Transfer_Encoding="gzip, chunked"),
    "identity": call(Transfer_Encoding="identity"), "encoding empty": call(Transfer_Encoding=""),
    "xchunked": call(chunked(SOLD), Content_Length=None, Transfer_Encoding="xchunked"),
    "chunked twice": call(chunked(SOLD), Content_Length=None, more="Transfer-Encoding: chunked\r\n" * 2),
    "length twice": call(more="Content-Length: <length>\r\n"), "lengths differ": call(more="Content-Length: 3\r\n"),
    "length and none": call(more="Content-Length:\r\n"), "no length": call(Content_Length=None),
    "length 0": call(Content_Length="0"), "length empty": call(Content_Length=""),
    "length 00": call(b"", Content_Length="00"), "zeros": call(Content_Length="000<length>"),
    "many zeros": call(Content_Length="0" * 30 + "<length>"), "plus": call(Content_Length="+<length>"),
    "minus": call(Content_Length="-<length>"), "hex": call(Content_Length="0x50"),
    "point": call(Content_Length="<length>.0"), "list": call(Content_Length="<length>, <length>"),
    "list of two": call(Content_Length="<length>,3"), "blank within": call(Content_Length="<length> 0"),
    "letters": call(Content_Length="<length>a"), "2^64": call(Content_Length="18446744073709551616"),
    "2^63, then the end": call(Content_Length="9223372036854775808"), "thirty digits": call(Content_Length="1" * 30),
    "other digits": call(Content_Length="\xb2"), "less": call(Content_Length="<less>"),
    "one": call(Content_Length="1"), "more, then the end": call(Content_Length="<more>"),
    "a GB, then the end": call(Content_Length="999999999"), "ten GB, then the end": call(Content_Length="9999999999"),
    "GET with a body": call(line=f"GET {SALE} HTTP/1.1"),
}
LINES = {
    "1.0": call(line=f"POST {SALE} HTTP/1.0"),
    "1.0, kept": call(line=f"POST {SALE} HTTP/1.0", Connection="keep-alive"),
    "1.2": call(line=f"POST {SALE} HTTP/1.2"), "2.0": call(line=f"POST {SALE} HTTP/2.0"),
    "0.9": call(line=f"POST {SALE}"), "lower version": call(line=f"POST {SALE} http/1.1"),
    "1.1 with more": call(line=f"POST {SALE} HTTP/1.1 "), "11": call(line=f"POST {SALE} HTTP/1.11"),
    "whole address": call(line=f"POST http://127.0.0.1{SALE} HTTP/1.1"),
    "other address": call(line=f"POST http://<domain>{SALE} HTTP/1.1"),
    "no slash": call(line="POST track/sale HTTP/1.1"), "star": call(line="POST * HTTP/1.1"),
    "trailing slash": call(line=f"POST {SALE}/ HTTP/1.1"), "query": call(line=f"POST {SALE}?a=b HTTP/1.1"),
    "empty query": call(line=f"POST {SALE}? HTTP/1.1"), "fragment": call(line=f"POST {SALE}#a HTTP/1.1"),
    "encoded letter": call(line="POST /track/%73ale HTTP/1.1"),
    "encoded slash": call(line="POST /track%2Fsale HTTP/1.1"), "encoded nul": call(line=f"POST {SALE}%00 HTTP/1.1"),
    "two slashes": call(line="POST //track/sale HTTP/1.1"), "slashes within": call(line="POST /track//sale HTTP/1.1"),
    "dots": call(line="POST /track/./sale HTTP/1.1"), "more dots": call(line="POST /api/../track/sale HTTP/1.1"),
    "upper": call(line="POST /TRACK/SALE HTTP/1.1"), "parameter": call(line=f"POST {SALE};a=b HTTP/1.1"),
    "api twice": call(line="POST /api/api/track/sale HTTP/1.1"), "shorter": call(line="POST /track/sal HTTP/1.1"),
    "longer": call(line="POST /track/sales HTTP/1.1"), "latin": call(line="POST /track/sale\xe9 HTTP/1.1"),
    "backslash": call(line="POST \\track\\sale HTTP/1.1"), "two blanks": call(line=f"POST  {SALE} HTTP/1.1"),
    "blanks behind": call(line=f"POST {SALE}  HTTP/1.1"), "tab": call(line=f"POST\t{SALE} HTTP/1.1"),
    "blank before": call(line=f" POST {SALE} HTTP/1.1"), "empty line before": call(line=f"\r\nPOST {SALE} HTTP/1.1"),
    "line feed before": call(line=f"\nPOST {SALE} HTTP/1.1"), "lower method": call(line=f"post {SALE} HTTP/1.1"),
    "made-up method": call(line=f"POSTS {SALE} HTTP/1.1"), "PO": call(line=f"PO {SALE} HTTP/1.1"),
    "dash": call(line=f"M-SEARCH {SALE} HTTP/1.1"), "bench": call(line="POST /bench/sale HTTP/1.1"),
} | {method: call(line=f"{method} {SALE} HTTP/1.1") for method in (
    "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PRI")} | {
    f"{method} without a body": call(b"", line=f"{method} {SALE} HTTP/1.1", Content_Length=None)
    for method in ("GET", "HEAD", "POST", "OPTIONS")} | {
    "CONNECT, then the end": call(line=f"CONNECT {SALE} HTTP/1.1"),
    "CONNECT without a body, then the end": call(b"", line=f"CONNECT {SALE} HTTP/1.1", Content_Length=None)}
KINDS = {"body": BODIES, "head": HEADS, "length": LENGTHS, "line": LINES}
CASES = {f"{kind}: {key}": case for kind, table in KINDS.items() for key, case in table.items()}
