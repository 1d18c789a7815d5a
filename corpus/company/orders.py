"""The order accounts: one was written, two were copied from it."""

from __future__ import annotations

from company.calendar import DAY, INCIDENT, OPENED, SECOND, one_by_one
from workshop import Account, Export, Import, Role, Route, User, block

LIFE = (
    "created", "updated", "confirmed", "cancelled", "paid", "held", "released", "packed",
    "shipped", "delivered", "returned", "refunded", "split", "merged", "amended", "priced",
    "discounted", "validated", "rejected", "expired", "archived", "flagged", "assigned", "invoiced",
)  # fmt: skip
"""What can happen to an order: each is a subject of its own, listed one by one everywhere."""
CALLS = ("get", "list", "quote", "cancel", "amend", "history", "track", "reorder")

WRITER = Role(
    name="order-writer",
    description="services that report what happened to an order",
    keys=2,
    permissions=block(
        pub=[
            *(f"orders.{event}" for event in LIFE[:12]), "orders.created", "orders.paid",
            "orders.events.*", "orders.events.*.>", "audit.{{name()}}",
            "orders.regional.>", "orders.regional.{{name()}}.>", "orders.regional.{{name()}}.status",
        ],
        no_pub=[
            "orders.internal.>", "orders.internal.audit", "orders.internal.>", "orders.*.debug",
            "orders.test.debug",
        ],
        sub=[
            "_INBOX.>", "orders.commands.*", "orders.commands.hold", "_INBOX.>",
            "orders.commands.{{name()}}",
        ],
        no_sub=[
            "orders.commands.purge", "orders.commands.purge", "orders.commands.*.dry",
            "orders.commands.hold.dry",
        ],
    ),
)  # fmt: skip

READER = Role(
    name="order-reader",
    description="dashboards and reports",
    keys=2,
    permissions=block(
        pub=[*(f"orders.api.{call}" for call in CALLS[:4]), "orders.api.*", "orders.internal.note"],
        no_pub=["orders.internal.>"],
        sub=["_INBOX.>", *(f"orders.{event}" for event in LIFE[:8]), "orders.*", "orders.>.status"],
        no_sub=["orders.held", "orders.internal.>"],
    ),
)

DEFAULTS = block(
    pub=["orders.support.*", "orders.support.note", "orders.support.*", "payments.notes.support"],
    no_pub=["orders.support.refund", "orders.support.refund", "orders.*.refund", "payments.>"],
    sub=["_INBOX.>", "orders.support.replies", "orders.support.*", "_INBOX.>"],
    no_sub=[
        "orders.support.escalated", "orders.support.escalated", "orders.support.escalated.*",
        "orders.support.escalated.vip",
    ],
)  # fmt: skip

USERS = (
    User(
        name="order-service",
        permissions=block(
            pub=[
                *(f"orders.{event}" for event in LIFE), "orders.created", "orders.updated",
                "orders.events.*", "orders.events.*.>", "audit.orders.*",
            ],
            no_pub=["orders.internal.>", "orders.internal.audit", "orders.internal.>", "legacy.erp.>"],
            sub=["orders.commands.*", "orders.commands.*.>", "orders.commands.hold", "_INBOX.>", "_INBOX.>"],
            no_sub=[
                "orders.commands.purge", "orders.commands.purge", "orders.commands.purge.*", "legacy.erp.>",
            ],
        ),
    ),
    User(
        name="order-api",
        permissions=block(
            pub=["audit.orders.read", "audit.orders.*"],
            no_pub=["audit.payments.>"],
            sub=[
                *(f"orders.api.{call} order-api" for call in CALLS), "orders.api.* order-api",
                "orders.api.> order-*", "orders.api.get", "_INBOX.>",
            ],
            no_sub=["orders.api.admin", "orders.api.admin order-api", "orders.api.admin.> order-api"],
            replies=1,
            within=5 * SECOND,
        ),
    ),
    User(
        name="checkout-web",
        permissions=block(
            pub=[
                "orders.created", "orders.updated", "orders.api.quote", "orders.api.>",
                "orders.internal.audit",
            ],
            no_pub=["orders.internal.>", "orders.api.admin", "orders.api.admin.>"],
            sub=["_INBOX.>", "_INBOX.checkout.>", "orders.confirmed", "orders.rejected"],
        ),
    ),
    User(
        name="returns-worker",
        permissions=block(
            pub=["orders.returned", "orders.refunded", "orders.returned"],
            sub=[
                "orders.returned returns", "orders.* returns", "orders.refunded returns-eu",
                "orders.cancelled", "_INBOX.>",
            ],
        ),
    ),
    # no lists of its own: the account's defaults are in force
    User(name="support-console"),
    # the server ignores its only entry, which still keeps the defaults out
    User(name="audit-export", permissions=block(no_sub=["orders.>.draft"])),
    # may publish nothing: its only allow is denied
    User(
        name="maintenance-lock",
        permissions=block(
            pub=["orders.internal.audit"], no_pub=["orders.internal.>"], sub=["orders.maintenance"]
        ),
    ),
    User(name="erp-bridge", role="order-writer", tags=("region:eu", "team:integration")),
    User(name="store-portal", role="order-writer", tags=("region:us",)),
    User(name="sales-dashboard", role="order-reader"),
    User(name="nightly-report", role="order-reader"),
)  # fmt: skip

EXPORTS = (
    *(Export(subject=f"orders.{event}", name=f"order {event}") for event in LIFE),
    *(Export(subject=f"orders.api.{call}", name=f"order {call}", service=True) for call in CALLS),
)
CHARGE = Import(source="PAYMENTS", subject="payments.api.charge", name="charge", service=True, private=True)
RESERVE = Import(source="WAREHOUSE", subject="stock.reserve", name="reserve stock", service=True)
LEVELS = Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels")
OLD_NAMES = tuple(Route(source=f"orders.v1.{event}", target=f"orders.{event}") for event in LIFE[:12])

ORDERS = Account(
    name="ORDERS",
    description="orders, head office",
    flags=("--tag=team:orders,tier:1",),
    signing_keys=5,
    roles=(WRITER, READER),
    exports=(
        *EXPORTS,
        Export(
            subject="orders.api.refund",
            name="order refund",
            service=True,
            private=True,
            revoked={
                "ACME_FRANCE": INCIDENT,
                "ACME_ITALY": INCIDENT + DAY,
                "LOYALTY_LABS": INCIDENT - 400 * DAY,
            },
        ),
    ),
    imports=(
        CHARGE,
        Import(source="PAYMENTS", subject="payments.settled", name="settled", private=True),
        RESERVE,
        Import(source="WAREHOUSE", subject="stock.release", name="release stock", service=True),
        LEVELS,
    ),
    mappings=(
        *OLD_NAMES,
        Route(source="orders.api.quote", target="orders.api.quote.v1", weight=80),
        Route(source="orders.api.quote", target="orders.api.quote.v2", weight=20),
    ),
    defaults=DEFAULTS,
    users=(
        *USERS,
        # revoked, and bloated: an edit would give it a new iat, and let it in again
        User(
            name="batch-importer",
            issued=INCIDENT + 20 * DAY,
            permissions=block(
                pub=[
                    "orders.created", "orders.created", "orders.*", "orders.imported", "orders.imported.>",
                ],
                sub=["_INBOX.>", "_INBOX.>", "_INBOX.batch.*"],
            ),
        ),
        # revoked by `*` alone
        User(
            name="nightly-reindex",
            issued=INCIDENT - 500 * DAY,
            permissions=block(
                pub=["orders.archived", "orders.archived", "search.index.*"], sub=["_INBOX.>"]
            ),
        ),
        # expired
        User(
            name="contractor-mara",
            issued=INCIDENT + 30 * DAY,
            expires=INCIDENT + 120 * DAY,
            permissions=block(
                pub=["orders.flagged", "orders.flagged"], sub=["orders.*", "orders.flagged", "_INBOX.>"]
            ),
        ),
    ),
    departed={
        "*": INCIDENT,
        **one_by_one("pos-terminal", 160, OPENED, 6 * DAY),
        **one_by_one("employee", 60, OPENED + 100 * DAY, 9 * DAY),
        **one_by_one("phone-app", 80, INCIDENT + DAY, 2 * DAY),
    },
    revoked={"batch-importer": INCIDENT + 90 * DAY},
)  # fmt: skip


def copied(name: str, region: str, terminals: int) -> Account:
    """An account that somebody pasted from ORDERS, description and head office's revocations included."""
    return Account(
        name=name,
        description=ORDERS.description,
        flags=ORDERS.flags,
        legacy_issuer=True,
        signing_keys=3,
        roles=ORDERS.roles,
        exports=(*EXPORTS, Export(subject=f"orders.{region}.tax", name="tax reports")),
        imports=(CHARGE, RESERVE, LEVELS),
        mappings=OLD_NAMES,
        defaults=DEFAULTS,
        users=USERS,
        departed=one_by_one("pos-terminal", terminals, OPENED, 6 * DAY),
    )


ORDERS_EU = copied("ORDERS_EU", "eu", 44)
ORDERS_US = copied("ORDERS_US", "us", 24)
