"""ACME, an online retailer: what its NATS accounts look like after six years, three rotations and two reorganisations.

Every cause of bloat that permopt knows is here at least once, where an operator would meet it. The causes, and where
each is found, are listed in ``acme/README.md``; ``tests/house/test_corpus.py`` asks the built store for each.
"""

from __future__ import annotations

from workshop import Account, Export, Import, Role, Route, User, block

OPERATOR = "ACME"

DAY = 86_400
HIRED = 1_640_995_200  # 2022-01-01
CUT = 1_736_899_200  # 2025-01-15: after an incident everything issued before was revoked
SECONDS = 1_000_000_000

LIFE = (
    "created", "updated", "confirmed", "cancelled", "paid", "held", "released", "packed",
    "shipped", "delivered", "returned", "refunded", "split", "merged", "amended", "priced",
    "discounted", "validated", "rejected", "expired", "archived", "flagged", "assigned", "invoiced",
)  # fmt: skip
CALLS = ("get", "list", "quote", "cancel", "amend", "history", "track", "reorder")


def orders(*names: str) -> list[str]:
    return [f"orders.{name}" for name in names]


def departed(kind: str, count: int, first: int, every: int) -> dict[str, int]:
    """``count`` credentials of one kind that were revoked one after another."""
    return {f"{kind}-{number:03}": first + number * every for number in range(count)}


# -- the order accounts: one was written, two were copied ---------------------------------------------------------------

WRITER = Role(
    name="order-writer",
    description="services that report what happened to an order",
    keys=2,
    permissions=block(
        pub=[
            *orders(*LIFE[:12]), *orders("created", "paid"), "orders.events.*", "orders.events.*.>",
            "orders.regional.>", "orders.regional.{{tag(region)}}.>", "orders.regional.{{name()}}.status",
        ],
        no_pub=["orders.internal.>", "orders.internal.audit", "orders.internal.>", "orders.*.debug", "orders.test.debug"],
        sub=["_INBOX.>", "orders.commands.*", "orders.commands.hold", "_INBOX.>", "orders.commands.{{name()}}"],
        no_sub=["orders.commands.purge", "orders.commands.purge", "orders.commands.*.dry", "orders.commands.hold.dry"],
    ),
)  # fmt: skip
READER = Role(
    name="order-reader",
    description="dashboards and reports",
    keys=2,
    permissions=block(
        pub=[*[f"orders.api.{call}" for call in CALLS[:4]], "orders.api.*"],
        sub=["_INBOX.>", *orders(*LIFE[:8]), "orders.*", "orders.>.status"],
        no_sub=["orders.held", "orders.internal.>"],
    ),
)
DEFAULTS = block(
    pub=["orders.support.*", "orders.support.note", "orders.support.*"],
    no_pub=["orders.support.refund", "orders.support.refund", "orders.*.refund", "payments.>"],
    sub=["_INBOX.>", "orders.support.replies", "orders.support.*", "_INBOX.>"],
    no_sub=["orders.support.escalated", "orders.support.escalated", "orders.support.escalated.*"],
)

ORDER_USERS = (
    User(
        name="order-service",
        permissions=block(
            pub=[*orders(*LIFE), *orders("created", "updated"), "orders.events.*", "orders.events.*.>", "audit.orders.*"],
            no_pub=["orders.internal.>", "orders.internal.audit", "orders.internal.>", "legacy.erp.>"],
            sub=["orders.commands.*", "orders.commands.*.>", "orders.commands.hold", "_INBOX.>", "_INBOX.>"],
            no_sub=["orders.commands.purge", "orders.commands.purge", "orders.commands.purge.*", "legacy.erp.>"],
        ),
    ),
    User(
        name="order-api",
        permissions=block(
            pub=["audit.orders.read", "audit.orders.*"],
            no_pub=["audit.payments.>"],
            sub=[
                *[f"orders.api.{call} order-api" for call in CALLS], "orders.api.* order-api",
                "orders.api.> order-*", "orders.api.get", "_INBOX.>",
            ],
            no_sub=["orders.api.admin", "orders.api.admin order-api", "orders.api.admin.> order-api"],
            replies=1,
            within=5 * SECONDS,
        ),
    ),
    User(
        name="checkout-web",
        permissions=block(
            pub=["orders.created", "orders.updated", "orders.api.quote", "orders.api.>", "orders.internal.audit"],
            no_pub=["orders.internal.>", "orders.api.admin", "orders.api.admin.>"],
            sub=["_INBOX.>", "_INBOX.checkout.>", "orders.confirmed", "orders.rejected"],
        ),
    ),
    User(
        name="returns-worker",
        permissions=block(
            pub=["orders.returned", "orders.refunded", "orders.returned"],
            sub=["orders.returned returns", "orders.* returns", "orders.refunded returns-eu", "orders.cancelled", "_INBOX.>"],
        ),
    ),
    User(name="support-console"),  # no lists of its own: the account's defaults are in force
    User(
        name="audit-export",  # its only entry is ignored by the server, but keeps the defaults out
        permissions=block(no_sub=["orders.>.draft"]),
    ),
    User(
        name="maintenance-lock",  # may publish nothing: its only allow is denied
        permissions=block(pub=["orders.internal.audit"], no_pub=["orders.internal.>"], sub=["orders.maintenance"]),
    ),
    User(name="erp-bridge", role="order-writer", tags=("region:eu", "team:integration")),
    User(name="store-portal", role="order-writer", tags=("region:us",)),
    User(name="sales-dashboard", role="order-reader"),
    User(name="nightly-report", role="order-reader"),
)  # fmt: skip


def order_exports(root: str) -> tuple[Export, ...]:
    return (
        *(Export(subject=f"{root}.{event}", name=f"order {event}") for event in LIFE),
        *(Export(subject=f"{root}.api.{call}", name=f"order {call}", service=True) for call in CALLS),
    )


ORDERS = Account(
    name="ORDERS",
    description="orders, head office",
    flags=("--tag=team:orders,tier:1",),
    signing_keys=5,
    roles=(WRITER, READER),
    exports=(
        *order_exports("orders"),
        Export(
            subject="orders.api.refund", name="order refund", service=True, private=True,
            revoked={"ACME_FRANCE": CUT, "ACME_ITALY": CUT + DAY, "LOYALTY_LABS": CUT - 400 * DAY},
        ),
    ),
    imports=(
        Import(source="PAYMENTS", subject="payments.api.charge", name="charge", service=True, private=True),
        Import(source="PAYMENTS", subject="payments.settled", name="settled", private=True),
        Import(source="WAREHOUSE", subject="stock.reserve", name="reserve stock", service=True),
        Import(source="WAREHOUSE", subject="stock.release", name="release stock", service=True),
        Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels"),
    ),
    mappings=(
        *(Route(source=f"orders.v1.{event}", target=f"orders.{event}") for event in LIFE[:12]),
        Route(source="orders.api.quote", target="orders.api.quote.v1", weight=80),
        Route(source="orders.api.quote", target="orders.api.quote.v2", weight=20),
    ),
    defaults=DEFAULTS,
    users=(
        *ORDER_USERS,
        User(
            name="batch-importer",  # revoked, and bloated: an edit would give it a new iat and let it in again
            issued=CUT + 20 * DAY,
            permissions=block(
                pub=["orders.created", "orders.created", "orders.*", "orders.imported", "orders.imported.>"],
                sub=["_INBOX.>", "_INBOX.>", "_INBOX.batch.*"],
            ),
        ),
        User(
            name="nightly-reindex",  # revoked by `*` alone
            issued=CUT - 500 * DAY,
            permissions=block(pub=["orders.archived", "orders.archived", "search.index.*"], sub=["_INBOX.>"]),
        ),
        User(
            name="contractor-mara",  # expired
            issued=CUT + 30 * DAY,
            expires=CUT + 120 * DAY,
            permissions=block(pub=["orders.flagged", "orders.flagged"], sub=["orders.*", "orders.flagged", "_INBOX.>"]),
        ),
    ),
    departed={
        "*": CUT,
        **departed("pos-terminal", 160, HIRED, 6 * DAY),
        **departed("employee", 60, HIRED + 100 * DAY, 9 * DAY),
        **departed("phone-app", 80, CUT + DAY, 2 * DAY),
    },
    revoked={"batch-importer": CUT + 90 * DAY},
)  # fmt: skip


def copied(name: str, region: str, revocations: int) -> Account:
    """An account that somebody pasted from ORDERS and changed a little."""
    return Account(
        name=name,
        description="orders, head office",  # pasted along
        flags=("--tag=team:orders,tier:1",),
        legacy_issuer=True,
        signing_keys=3,
        roles=(WRITER, READER),
        exports=(*order_exports("orders"), Export(subject=f"orders.{region}.tax", name="tax reports")),
        imports=(
            Import(source="PAYMENTS", subject="payments.api.charge", name="charge", service=True, private=True),
            Import(source="WAREHOUSE", subject="stock.reserve", name="reserve stock", service=True),
            Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels"),
        ),
        mappings=tuple(Route(source=f"orders.v1.{event}", target=f"orders.{event}") for event in LIFE[:12]),
        defaults=DEFAULTS,
        users=ORDER_USERS,
        departed=departed("pos-terminal", revocations, HIRED, 6 * DAY),  # of ORDERS' terminals, pasted along
    )


# -- money --------------------------------------------------------------------------------------------------------------

PAYMENTS = Account(
    name="PAYMENTS",
    description="card payments and settlement",
    flags=("--disallow-bearer", "--tag=pci,team:payments"),
    signing_keys=4,
    roles=(
        Role(
            name="card-worker",
            description="talks to the card networks",
            keys=3,
            permissions=block(
                pub=["payments.settled", "payments.failed", "payments.chargeback", "payments.settled.*", "payments.settled.*.>"],
                sub=["payments.api.* card-workers", "payments.api.charge card-workers", "_INBOX.>"],
                no_sub=["payments.api.admin"],
                replies=1,
            ),
        ),
    ),
    exports=(
        *(
            Export(
                subject=f"payments.api.{call}", name=call, service=True, private=True,
                responses="Stream" if call == "statement" else "",
                latency="payments.latency" if call == "charge" else "",
                revoked=revoked,
            )
            for call, revoked in (
                ("charge", {"*": HIRED, **departed("partner", 40, HIRED - 40 * DAY, 2 * DAY)}),
                ("refund", departed("partner", 25, HIRED, 3 * DAY)),
                ("statement", {"ACME_FRANCE": CUT}),
                ("capture", {}),
            )
        ),
        Export(subject="payments.settled", name="settled", private=True, revoked=departed("partner", 12, HIRED, 5 * DAY)),
        Export(subject="payments.failed", name="failed", private=True),
        Export(subject="payments.chargeback", name="chargebacks", private=True),
        Export(subject="payments.rates.*", name="exchange rates"),
        Export(subject="payments.limits.*.get", name="limits", service=True, token_position=3),
    ),
    users=(
        User(name="psp-adyen", role="card-worker"),
        User(name="psp-stripe", role="card-worker"),
        User(
            name="settlement",
            permissions=block(
                pub=["payments.settled", "payments.settled", "payments.*", "payments.failed", "payments.chargeback"],
                no_pub=["payments.admin", "payments.admin", "payments.admin.>", "orders.>"],
                sub=["bank.statements.*", "bank.statements.*.>", "bank.statements.camt053", "_INBOX.>"],
                no_sub=["bank.statements.test", "bank.statements.test.>", "bank.statements.test"],
            ),
        ),
        User(
            name="vault-sealed",  # publishes nothing: an allow list that is there and empty
            permissions=block(pub=[], no_pub=["payments.admin.>", "payments.admin.>"], sub=["vault.seal", "vault.*", "vault.seal"]),
        ),
        User(name="fraud-scoring", permissions=block(pub=["payments.scores.*"], sub=["payments.settled", "_INBOX.>"])),
    ),
    departed={**departed("psp-node", 18, HIRED + 30 * DAY, 11 * DAY)},
)  # fmt: skip

BILLING = Account(
    name="BILLING",
    description="invoices and dunning",
    flags=("--wildcard-exports=false",),
    signing_keys=2,
    roles=(
        Role(
            name="invoicer",
            permissions=block(
                pub=["billing.invoice.created", "billing.invoice.sent", "billing.invoice.*", "billing.invoice.created"],
                sub=["_INBOX.>", "billing.jobs.* invoicers"],
            ),
        ),
    ),
    exports=(
        *(Export(subject=f"billing.invoice.{step}", name=f"invoice {step}") for step in ("created", "sent", "paid", "overdue")),
        Export(subject="billing.api.balance", name="balance", service=True),
    ),
    imports=(
        *(
            Import(source="PAYMENTS", subject=f"payments.api.{call}", name=call, service=True, private=True)
            for call in ("charge", "refund", "statement", "capture")
        ),
        Import(source="PAYMENTS", subject="payments.settled", name="settled", private=True),
        Import(source="PAYMENTS", subject="payments.failed", name="failed", private=True),
        Import(source="ORDERS", subject="orders.api.refund", name="refund", service=True, private=True, share=True),
        *(
            Import(source="ORDERS", subject=f"orders.{event}", name=event)
            for event in ("created", "confirmed", "cancelled", "paid", "shipped", "returned", "refunded", "invoiced")
        ),
        Import(source="ORDERS", subject="orders.drafted", name="drafted"),  # never exported
    ),
    users=(
        User(name="invoice-run", role="invoicer"),
        User(
            name="dunning",
            permissions=block(
                pub=["billing.reminder.1", "billing.reminder.2", "billing.reminder.3", "billing.reminder.*"],
                no_pub=["billing.reminder.legal", "mail.bulk.>"],
                sub=["billing.invoice.overdue", "billing.invoice.*", "_INBOX.>"],
            ),
        ),
        User(
            name="ledger",
            permissions=block(
                sub=["billing.>", "billing.invoice.>", "billing.invoice.paid", "orders.invoiced", "_INBOX.>"],
                no_sub=["billing.draft.>", "billing.draft.*"],
            ),
        ),
    ),
)  # fmt: skip

# -- goods --------------------------------------------------------------------------------------------------------------

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
                sub=["picks.{{name()}}.>", "picks.{{tag(hall)}}.*", "picks.urgent pickers", "picks.>", "_INBOX.>"],
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
        *(Import(source="ORDERS", subject=f"orders.{event}", name=event) for event in ("confirmed", "cancelled", "returned")),
        *(
            Import(source=f"ORDERS_{region}", subject="orders.confirmed", name="confirmed", local=f"{region.lower()}.orders.confirmed")
            for region in ("EU", "US")
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
                    "stock.reserve stock", "stock.release stock", "stock.* stock", "stock.count.* stock", "stock.> stock.v1",
                    "stock.reserve stock.v1", "orders.confirmed", "orders.cancelled", "_INBOX.>",
                ],
                replies=10,
            ),
        ),
        User(
            name="label-printer",
            permissions=block(
                pub=["printers.status"],
                sub=["printers.hall-a.labels printers", "printers.* printers", "printers.*.labels printers", "printers.*.labels print*"],
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
    ),
)  # fmt: skip

STREAMS = ("POS_SALES", "POS_RETURNS", "PRICES", "PROMOS", "STOCK")

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
        User(
            name="edge-gateway",  # as many bytes as a CONNECT line can carry
            connections=("LEAFNODE", "STANDARD"),
            permissions=block(
                pub=[
                    *(
                        f"$JS.API.{call}"
                        for stream in STREAMS
                        for call in (
                            f"STREAM.INFO.{stream}", f"STREAM.MSG.GET.{stream}", f"DIRECT.GET.{stream}",
                            f"CONSUMER.CREATE.{stream}", f"CONSUMER.CREATE.{stream}.>", f"CONSUMER.DURABLE.CREATE.{stream}.>",
                            f"CONSUMER.INFO.{stream}.>", f"CONSUMER.MSG.NEXT.{stream}.>",
                        )
                    ),
                    *(f"$JS.ACK.{stream}.>" for stream in STREAMS),
                    "$JS.API.STREAM.INFO.*", "$JS.API.INFO", "$JS.API.INFO", "pos.berlin.sale", "pos.*.sale", "pos.*.return",
                ],
                sub=["prices.*", "prices.*.>", "promos.>", "promos.summer.*", "_INBOX.>", "_INBOX.edge.>", "deliver.edge.*"],
            ),
        ),
        User(
            name="price-sync",  # typed in double quotes: the shell made nothing of $JS and $KV
            permissions=block(
                pub=[".API.STREAM.INFO.PRICES", ".API.CONSUMER.MSG.NEXT.PRICES.sync", ".ACK.PRICES.sync.>", ".>"],
                sub=["_INBOX.>", ".PRICES.>"],
            ),
        ),
        User(
            name="sales-collector",  # acknowledgements are published, never subscribed to
            permissions=block(
                pub=["$JS.API.CONSUMER.MSG.NEXT.POS_SALES.collector", "$JS.API.CONSUMER.INFO.POS_SALES.collector"],
                sub=["$JS.ACK.>", "$JS.ACK.POS_SALES.collector.>", "_INBOX.>"],
            ),
        ),
        User(
            name="edge-provisioner",
            permissions=block(
                pub=[
                    "$JS.API.STREAM.CREATE.POS_SALES", "$JS.API.STREAM.CREATE.POS_RETURNS", "$JS.API.STREAM.CREATE.*",
                    "$JS.API.STREAM.*.POS_SALES", "$KV.shops.>", "$KV.shops.*.config",
                ],
                no_pub=["$JS.API.STREAM.DELETE.*", "$JS.API.STREAM.PURGE.>"],
                sub=["_INBOX.>"],
            ),
        ),
    ),
    departed=departed("shop-gateway", 14, HIRED + 400 * DAY, 21 * DAY),
)  # fmt: skip

# -- those who only look ------------------------------------------------------------------------------------------------

ANALYTICS = Account(
    name="ANALYTICS",
    description="warehouse of data",
    signing_keys=1,
    roles=(
        Role(
            name="analyst",
            permissions=block(
                pub=["analytics.query", "analytics.query.*", "$JS.API.INFO"],
                sub=["_INBOX.>", "_INBOX.{{name()}}.>", "analytics.results.{{subject()}}"],
                no_sub=["eu.orders.internal.>"],
            ),
        ),
    ),
    exports=(Export(subject="analytics.forecast.*", name="forecast"),),
    imports=(
        *(Import(source="ORDERS", subject=f"orders.{event}", name=event, local=f"hq.orders.{event}") for event in LIFE),
        *(
            Import(source=f"ORDERS_{region}", subject=f"orders.{event}", name=event, local=f"{region.lower()}.orders.{event}")
            for region in ("EU", "US")
            for event in LIFE[:12]
        ),
        Import(source="WAREHOUSE", subject="parcels.>", name="parcels"),
        Import(source="WAREHOUSE", subject="parcels.delivered", name="delivered"),  # inside the one above: arrives twice
        Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels"),
        *(Import(source="EDGE", subject=f"pos.*.{what}", name=what) for what in ("sale", "return", "cash")),
        *(Import(source="BILLING", subject=f"billing.invoice.{step}", name=step) for step in ("created", "paid", "overdue")),
    ),
    users=(
        User(name="jupyter", role="analyst"),
        User(name="metabase", role="analyst"),
        User(
            name="ingest",
            permissions=block(
                pub=["analytics.loaded"],
                sub=[
                    *(f"hq.orders.{event} ingest" for event in LIFE), "hq.orders.* ingest",
                    *(f"eu.orders.{event}" for event in LIFE[:12]), *(f"us.orders.{event}" for event in LIFE[:12]),
                    "eu.orders.*", "us.orders.*", "parcels.>", "pos.>", "pos.*.sale", "billing.invoice.*", "stock.level.*",
                ],
            ),
        ),
        User(
            name="forecast",
            permissions=block(
                pub=["analytics.forecast.daily", "analytics.forecast.weekly", "analytics.forecast.*", "analytics.forecast.daily"],
                sub=["hq.orders.created", "hq.orders.*", "stock.level.*", "_INBOX.>"],
            ),
        ),
    ),
)  # fmt: skip

LOYALTY = Account(
    name="LOYALTY",
    description="points and vouchers",
    imports=(
        Import(source="ORDERS", subject="orders.delivered", name="delivered"),
        Import(source="ORDERS", subject="orders.returned", name="returned"),
    ),
    exports=(Export(subject="loyalty.points.*.get", name="points", service=True),),
    users=(
        User(
            name="points",
            permissions=block(
                pub=["loyalty.points.changed"],
                sub=["loyalty.points.*.get points", "orders.delivered points", "orders.returned points"],
                replies=1,
            ),
        ),
    ),
)

SYS = Account(
    name="SYS",
    signing_keys=0,
    users=(
        User(
            name="monitor",
            permissions=block(
                pub=["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.>", "$SYS.REQ.SERVER.PING.CONNZ"],
                sub=["$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT", "$SYS.ACCOUNT.>", "_INBOX.>"],
            ),
        ),
    ),
)

ACCOUNTS = (
    SYS,
    ORDERS,
    copied("ORDERS_EU", "eu", 44),
    copied("ORDERS_US", "us", 24),
    PAYMENTS,
    BILLING,
    WAREHOUSE,
    EDGE,
    ANALYTICS,
    LOYALTY,
)
