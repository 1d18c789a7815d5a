"""Those who only look: reports, the loyalty programme, the system account."""

from __future__ import annotations

from company.orders import LIFE
from workshop import Account, Export, Import, Role, User, block

ANALYTICS = Account(
    name="ANALYTICS",
    description="reports and forecasts",
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
        *(
            Import(source="ORDERS", subject=f"orders.{event}", name=event, local=f"hq.orders.{event}")
            for event in LIFE
        ),
        *(
            Import(
                source=f"ORDERS_{region.upper()}", subject=f"orders.{event}", name=event,
                local=f"{region}.orders.{event}",
            )
            for region in ("eu", "us")
            for event in LIFE[:12]
        ),
        Import(source="WAREHOUSE", subject="parcels.>", name="parcels"),
        # inside the one above: every delivery arrives twice
        Import(source="WAREHOUSE", subject="parcels.delivered", name="delivered"),
        Import(source="WAREHOUSE", subject="stock.level.*", name="stock levels"),
        *(
            Import(source="EDGE", subject=f"pos.*.{what}", name=what)
            for what in ("sale", "return", "cash")
        ),
        *(
            Import(source="BILLING", subject=f"billing.invoice.{step}", name=step)
            for step in ("created", "paid", "overdue")
        ),
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
                    *(f"{region}.orders.{event}" for region in ("eu", "us") for event in LIFE[:12]),
                    "eu.orders.*", "us.orders.*", "parcels.>", "pos.>", "pos.*.sale", "billing.invoice.*",
                    "stock.level.*",
                ],
            ),
        ),
        User(
            name="forecast",
            permissions=block(
                pub=[
                    "analytics.forecast.daily", "analytics.forecast.weekly", "analytics.forecast.*",
                    "analytics.forecast.daily",
                ],
                # the last lies in no other one, but in the two before it together
                sub=[
                    "hq.orders.created", "hq.orders.*", "_INBOX.>",
                    "stock.*.*", "*.level.*.>", "stock.level.>",
                ],
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
                sub=[
                    "$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT", "$SYS.ACCOUNT.>", "_INBOX.>",
                ],
            ),
        ),
    ),
)  # fmt: skip
