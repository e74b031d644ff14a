"""Addresses that are good for one kind of request for a while, as S3 and what is compatible with it know them: AWS Signature Version 4 in
the query, with an unsigned payload (Amazon S3 API reference, "Authenticating Requests: Using Query Parameters")."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM, SERVICE, END, UNSIGNED = "AWS4-HMAC-SHA256", "s3", "aws4_request", "UNSIGNED-PAYLOAD"
SIGNATURE, MOMENT = "X-Amz-Signature", "%Y%m%dT%H%M%SZ"
# The standard's longest, and by how much two clocks may differ, in seconds.
LONGEST, APART = 7 * 24 * 3600, 300


class Signer(NamedTuple):
    """Who signs: the id of a key, its secret, and the region it is for."""

    key_id: str
    secret: str
    region: str

    def address(self, method: str, url: str, seconds: int, now: int, headers: Mapping[str, str] | None = None) -> str:
        """The address of an object, whose path is quoted, with a signature. `now`: in unix seconds. `headers`: what a request must send."""
        parts, at = urlsplit(url), datetime.fromtimestamp(now, UTC)
        signed = {"host": parts.netloc, **{name.lower(): value for name, value in (headers or {}).items()}}
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.key_id}/{self._scope(at)}",
            "X-Amz-Date": at.strftime(MOMENT),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": ";".join(sorted(signed)),
        }
        return f"{url}?{_query({**query, SIGNATURE: self._signature(method, parts.path, query, signed, at)})}"

    def allows(self, method: str, host: str, path: str, query: str, headers: Mapping[str, str], now: int) -> bool:
        """Whether a request has a signature of this key that is still good. `headers`: as it sent them, by names in lower case."""
        given = dict(parse_qsl(query, keep_blank_values=True))
        told = given.pop(SIGNATURE, "")
        try:
            at, seconds = datetime.strptime(given["X-Amz-Date"], MOMENT).replace(tzinfo=UTC), int(given["X-Amz-Expires"])
        except (KeyError, ValueError):
            return False
        names = given.get("X-Amz-SignedHeaders", "").split(";")
        if given.get("X-Amz-Algorithm") != ALGORITHM or given.get("X-Amz-Credential") != f"{self.key_id}/{self._scope(at)}":
            return False
        if "host" not in names or not 0 < seconds <= LONGEST or not -APART <= now - int(at.timestamp()) <= seconds:
            return False
        signed = {name: headers.get(name, "") for name in names} | {"host": host}
        return hmac.compare_digest(told.encode(), self._signature(method, path, given, signed, at).encode())

    def _scope(self, at: datetime) -> str:
        return f"{at:%Y%m%d}/{self.region}/{SERVICE}/{END}"

    def _signature(self, method: str, path: str, query: Mapping[str, str], signed: Mapping[str, str], at: datetime) -> str:
        names = sorted(signed)
        lines = [method, path, _query(query), *(f"{name}:{signed[name].strip()}" for name in names), "", ";".join(names), UNSIGNED]
        request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = "\n".join((ALGORITHM, at.strftime(MOMENT), self._scope(at), request))
        key = f"AWS4{self.secret}".encode()
        for part in (f"{at:%Y%m%d}", self.region, SERVICE, END, text):
            key = hmac.digest(key, part.encode(), "sha256")
        return key.hex()


def _query(given: Mapping[str, str]) -> str:
    """A query in the standard's one form."""
    return "&".join(f"{quote(name, safe='')}={quote(given[name], safe='')}" for name in sorted(given))
