"""Tokens that open nothing, each for one reason; everything else about them is right."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from people import Person
from worlds import World

CLAIMS = ("iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def key_of(world: World) -> str:
    """The deployment's own signing key, as PEM."""
    key = next(iter(world.server.product.keys.kept.value.values())).private
    assert key is not None
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def resigned(
    world: World, person: Person, key: Any = None, header: dict[str, Any] | None = None, drop: str | None = None, **claims: Any
) -> str:
    """A person's token with other claims or another header, signed again: with the deployment's own key unless told."""
    assert person.token
    changed = {name: value for name, value in {**claims_of(person.token), **claims}.items() if name != drop}
    head = {**jwt.get_unverified_header(person.token), **(header or {})}
    return jwt.encode(changed, key or key_of(world), "ES256", {name: value for name, value in head.items() if value and name != "alg"})


def unsigned(world: World, person: Person) -> str:
    """A token without a signature that says so."""
    return _headed(person, "none") + "."


def signed_with_the_public_key(world: World, person: Person) -> str:
    """The old trick: the public key as the secret of an HMAC."""
    keys = jwt.PyJWKSet.from_dict(requests.get(world.url + "/.well-known/jwks.json").json())
    public = keys[jwt.get_unverified_header(str(person.token))["kid"]].key
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = _headed(person, "HS256")
    return f"{signed}.{_encoded(hmac.digest(pem, signed.encode(), 'sha256'))}"


def with_its_own_key(world: World, person: Person) -> str:
    """A token that brings along the key that verifies it."""
    key = ec.generate_private_key(ec.SECP256R1())
    return resigned(world, person, key, {"jwk": jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)})


def with_anothers_claims(world: World, person: Person) -> str:
    """One token's signature under another's claims."""
    head, _, signature = str(person.token).split(".")
    return f"{head}.{str(world.person('bob').token).split('.')[1]}.{signature}"


def with_another_letter(world: World, person: Person) -> str:
    """A token with one bit of its signature turned."""
    head, claims, signature = str(person.token).split(".")
    return f"{head}.{claims}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"


def _headed(person: Person, algorithm: str) -> str:
    _, claims, _ = str(person.token).split(".")
    kid = jwt.get_unverified_header(str(person.token))["kid"]
    return f"{_encoded(json.dumps({'alg': algorithm, 'typ': 'at+jwt', 'kid': kid}).encode())}.{claims}"


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


Make = Callable[[World, Person], str]
BAD_TOKENS: dict[str, Make] = {
    "a letter of its signature is another": with_another_letter,
    "its claims are another's": with_anothers_claims,
    "it says that it has no signature": unsigned,
    "it lacks its signature": lambda world, ann: str(ann.token).rpartition(".")[0] + ".",
    "it is signed with the public key": signed_with_the_public_key,
    "another key signed it": lambda world, ann: resigned(world, ann, ec.generate_private_key(ec.SECP256R1())),
    "it brings its own key": with_its_own_key,
    "its key is unknown": lambda world, ann: resigned(world, ann, header={"kid": "unknown"}),
    "it names no key": lambda world, ann: resigned(world, ann, header={"kid": None}),
    "it is no access token": lambda world, ann: resigned(world, ann, header={"typ": "JWT"}),
    "another issuer gave it": lambda world, ann: resigned(world, ann, iss="elsewhere"),
    "it is for somebody else": lambda world, ann: resigned(world, ann, aud="elsewhere"),
    "its session is unknown": lambda world, ann: resigned(world, ann, sid=2**40),
    "its session is beyond any number": lambda world, ann: resigned(world, ann, sid=2**70),
    "its session is no number": lambda world, ann: resigned(world, ann, sid="1"),
    "its session is another client's": lambda world, ann: resigned(world, ann, client_id="knetik"),
    "it is from the future": lambda world, ann: resigned(world, ann, nbf=2**33),
    "its end is no moment": lambda world, ann: resigned(world, ann, exp="soon"),
    "its end is a half second": lambda world, ann: resigned(world, ann, exp=2**33 + 0.5),
    "it is too long": lambda world, ann: resigned(world, ann, padding="x" * 8192),
    "it is not a token": lambda world, ann: "not.a.token",
    "it is two dots": lambda world, ann: "..",
    "it is a refresh token": lambda world, ann: ann.refresh_token,
    **{f"it lacks {claim}": lambda world, ann, claim=claim: resigned(world, ann, drop=claim) for claim in CLAIMS},
}
