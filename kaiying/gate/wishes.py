"""The body of a claim: read, checked, and refused with the name of the field that is wrong."""

import json
import re
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop as _

from kaiying.gate.request import Denied
from kaiying.gate.sales import SLUG
from kaiying.offers.actions import KEY

LARGEST_BODY = 4096
MOST = 2**63 - 1
LONGEST_NAME = 64
LONGEST_TOKEN = 2048
FIELDS = {"offer", "max_price", "key", "captcha"}
FEWEST = 3
"""How many fields a claim has without proof that a person sends it."""

PLAIN = re.compile(rb'{"offer":"([-\w]{1,60})","max_price":(0|[1-9]\d{0,17}),"key":"([\w.-]{8,64})"}')
"""A claim as our own page writes it: whatever has this form is well, and needs no other look."""


class Wish(NamedTuple):
    """What one learner asks for."""

    offer: str
    max_price: int
    key: str
    captcha: str


def _not_a_number(_said: str) -> float:
    raise ValueError


_read = json.JSONDecoder(parse_constant=_not_a_number).decode


def read_wish(body: bytes) -> Wish:
    """Return what a body asks for; raises ``Denied`` (400)."""
    plain = PLAIN.fullmatch(body)
    if plain is not None:
        offer, max_price, key = plain.groups()
        return Wish(offer.decode(), int(max_price), key.decode(), "")
    return _read_any(body)


def _read_any(body: bytes) -> Wish:
    try:
        said: Any = _read(body.decode())
    except (ValueError, RecursionError):
        raise Denied(400, "not_json", _("The request is not JSON.")) from None
    if not isinstance(said, dict):
        raise _wrong("body")
    offer, max_price, key = said.get("offer"), said.get("max_price"), said.get("key")
    if not isinstance(offer, str) or not SLUG.match(offer):
        raise _wrong("offer")
    if not isinstance(max_price, int) or max_price is True or max_price is False or not 0 <= max_price <= MOST:
        raise _wrong("max_price")
    if not isinstance(key, str) or not KEY.match(key):
        raise _wrong("key")
    return Wish(offer, max_price, key, _captcha(said) if len(said) > FEWEST else "")


def _captcha(said: dict[str, Any]) -> str:
    unknown = said.keys() - FIELDS
    if unknown:
        raise _wrong(min(unknown)[:LONGEST_NAME])
    token = said["captcha"]
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise _wrong("captcha")
    return token


def _wrong(field: str) -> Denied:
    return Denied(400, "bad_claim", _("“%(field)s” is not as it should be."), field=field)
