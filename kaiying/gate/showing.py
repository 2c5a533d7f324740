"""``GET /gate/sales/<slug>``: how a sale stands, the same for everybody, from memory."""

from django.utils.translation import gettext_noop as _

from kaiying.gate.replies import CLOSED, end, pack, start
from kaiying.gate.request import Denied, Header, Request, Send
from kaiying.gate.sales import STALE, Sales
from kaiying.wire import clock

PREFIX = "/gate/sales/"
KEPT: Header = (b"cache-control", b"public, max-age=1")


class Showing:
    """The handler of status objects."""

    def __init__(self, sales: Sales) -> None:
        """Show these sales."""
        self._sales = sales

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer one request; what could not be read for a while is not shown as if it were true."""
        request.allow("GET", "HEAD")
        slug = request.path.removeprefix(PREFIX)
        shop = await self._sales.find(slug)
        if shop is None:
            raise Denied(404, "missing", _("There is nothing here."))
        if self._sales.age > STALE:
            raise Denied(503, "stale", _("The numbers cannot be read at the moment."), retry_after=2)
        at = clock.now()
        status = shop.status(at)
        headers = [*CLOSED, KEPT, (b"etag", status.tag)]
        if status.tag.removeprefix(b"W/") in request.headers.get("if-none-match", "").encode():
            await start(send, 304, headers)
            await end(send)
            return
        body = status.body(at)
        await start(send, 200, [*headers, *pack({"content-type": "application/json", "content-length": len(body)})])
        await end(send, b"" if request.method == "HEAD" else body)
