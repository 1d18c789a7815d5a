"""Stock, parcels, and the shops."""

from __future__ import annotations

from company.calendar import DAY, OPENED, one_by_one
from workshop import Account, Export, Import, Role, User, block

SHELF = ("filled", "picked")

WAREHOUSE = Account(
    name="WAREHOUSE",
    description="stock, picking and parcels",
    flags=("--js-disk-storage=20G", "--js-streams=40", "--js-consumer=200"),
    signing_keys=2,
    roles=(
        Role(
            name="picker",
            description="hand-held scanners, one user each",
            permissions=block(
                pub=["picks.{{name()}}.done", "picks.{{name()}}.>", "stock.level.*"],
                # one template in the list, and the server drops the queue entry beside it
                sub=[
                    "picks.{{name()}}.>", "picks.{{tag(hall)}}.*", "picks.urgent pickers", "picks.>",
                    "_INBOX.>",
                ],
            ),
        ),
    ),
    exports=(
        Export(subject="stock.level.*", name="stock levels"),
        Export(subject="parcels.>", name="parcels"),
        Export(subject="stock.reserve", name="reserve stock", service=True),
        Export(subject="stock.release", name="release stock", service=True),
        Export(subject="stock.count.*", name="stock count", service=True, responses="Chunked"),
    ),
    imports=(
        *(
            Import(source="ORDERS", subject=f"orders.{event}", name=event)
            for event in ("confirmed", "cancelled", "returned")
        ),
        *(
            Import(
                source=f"ORDERS_{region.upper()}", subject="orders.confirmed", name="confirmed",
                local=f"{region}.orders.confirmed",
            )
            for region in ("eu", "us")
        ),
    ),
    users=(
        User(name="scanner-hall-a", role="picker", tags=("hall:a",)),
        User(name="scanner-hall-b", role="picker", tags=("hall:b",)),
        User(
            name="stock-service",
            permissions=block(
                pub=["stock.*", "stock.*.>", "stock.level.eu", "stock.level.us", "audit.stock.>"],
                no_pub=["stock.internal.>"],
                sub=[
                    "stock.reserve stock", "stock.release stock", "stock.* stock", "stock.count.* stock",
                    "stock.> stock.v1", "stock.reserve stock.v1",
                    "orders.confirmed", "orders.cancelled", "_INBOX.>",
                ],
                replies=10,
            ),
        ),
        User(
            name="label-printer",
            permissions=block(
                pub=["printers.status"],
                sub=[
                    "printers.hall-a.labels printers", "printers.* printers", "printers.*.labels printers",
                    "printers.*.labels labels.*",
                ],
                no_sub=["printers.test", "printers.test printers", "printers.test.labels printers"],
            ),
        ),
        User(
            name="parcel-tracker",
            permissions=block(
                pub=["parcels.scanned", "parcels.loaded", "parcels.delivered", "parcels.lost", "parcels.*"],
                no_pub=["parcels.lost", "customs.>"],
                sub=["carriers.*", "carriers.*.>", "carriers.dhl.events", "carriers.ups.events", "_INBOX.>"],
                no_sub=["carriers.*.test", "carriers.dhl.test", "customs.>"],
            ),
        ),
        User(
            name="shelf-sensors",  # every shelf was added when it was put up; its CONNECT line is too long by now
            permissions=block(
                pub=[f"shelves.{hall}.{row:02}.{what}" for hall in "abcd" for row in range(1, 15) for what in SHELF],
                sub=["_INBOX.>"],
            ),
        ),
        User(
            name="shelf-keeper",
            permissions=block(pub=["shelves.c.07.unlocked", "shelves.alarm"], sub=["shelves.>", "_INBOX.>"]),
        ),
    ),
)  # fmt: skip

STREAMS = ("POS_SALES", "POS_RETURNS", "PRICES", "PROMOS", "STOCK", "GIFT_CARDS")
CALLS = (
    "STREAM.INFO.{}", "STREAM.MSG.GET.{}", "DIRECT.GET.{}", "CONSUMER.CREATE.{}", "CONSUMER.CREATE.{}.>",
    "CONSUMER.DURABLE.CREATE.{}.>", "CONSUMER.INFO.{}.>", "CONSUMER.MSG.NEXT.{}.>",
)  # fmt: skip

EDGE = Account(
    name="EDGE",
    description="gateways in the shops, connected as leaf nodes",
    flags=("--js-disk-storage=5G", "--js-mem-storage=256M", "--leaf-conns=400"),
    signing_keys=3,
    roles=(
        Role(
            name="shop",
            description="one gateway per shop",
            permissions=block(
                pub=["pos.{{tag(shop)}}.>", "pos.{{tag(shop)}}.sale", "_INBOX.>"],
                sub=["prices.>", "prices.{{tag(shop)}}.>", "_INBOX.>"],
            ),
        ),
    ),
    exports=(
        Export(subject="pos.*.sale", name="sales"),
        Export(subject="pos.*.return", name="returns"),
        Export(subject="pos.*.cash", name="cash count"),
        Export(subject="pos.api.*", name="point of sale", service=True),
    ),
    imports=(
        Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels"),
        Import(source="PAYMENTS", subject="payments.rates.*", name="exchange rates"),
    ),
    users=(
        User(name="shop-berlin", role="shop", tags=("shop:berlin",)),
        User(name="shop-lyon", role="shop", tags=("shop:lyon",)),
        User(name="shop-boston", role="shop", tags=("shop:boston",)),
        # almost as many bytes as a CONNECT line can carry
        User(
            name="edge-gateway",
            connections=("LEAFNODE", "STANDARD"),
            permissions=block(
                pub=[
                    *(f"$JS.API.{call.format(stream)}" for stream in STREAMS for call in CALLS),
                    *(f"$JS.ACK.{stream}.>" for stream in STREAMS),
                    "$JS.API.STREAM.INFO.*", "$JS.API.INFO", "$JS.API.INFO", "$JS.API.STREAM.NAMES",
                    "$JS.API.STREAM.LIST", "$JS.API.CONSUMER.LIST.POS_SALES",
                    "pos.berlin.sale", "pos.*.sale", "pos.*.return",
                ],
                sub=[
                    "prices.*", "prices.*.>", "promos.>", "promos.summer.*", "_INBOX.>", "_INBOX.edge.>",
                    "deliver.edge.*",
                ],
            ),
        ),
        # typed between double quotes: the shell made nothing of $JS and $KV; the server refuses the token
        User(
            name="price-sync",
            permissions=block(
                pub=[
                    ".API.STREAM.INFO.PRICES", ".API.CONSUMER.MSG.NEXT.PRICES.sync", ".ACK.PRICES.sync.>",
                    ".>",
                ],
                sub=["_INBOX.>", ".PRICES.>"],
            ),
        ),
        # acknowledgements are published, never subscribed to
        User(
            name="sales-collector",
            permissions=block(
                pub=[
                    "$JS.API.CONSUMER.MSG.NEXT.POS_SALES.collector",
                    "$JS.API.CONSUMER.INFO.POS_SALES.collector",
                ],
                sub=["$JS.ACK.>", "$JS.ACK.POS_SALES.collector.>", "_INBOX.>"],
            ),
        ),
        User(
            name="edge-provisioner",
            permissions=block(
                pub=[
                    "$JS.API.STREAM.CREATE.POS_SALES", "$JS.API.STREAM.CREATE.POS_RETURNS",
                    "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.*.POS_SALES",
                    "$KV.shops.>", "$KV.shops.*.config",
                ],
                no_pub=["$JS.API.STREAM.DELETE.*", "$JS.API.STREAM.PURGE.>"],
                sub=["_INBOX.>"],
            ),
        ),
    ),
    departed=one_by_one("shop-gateway", 40, OPENED + 400 * DAY, 21 * DAY),
)  # fmt: skip
