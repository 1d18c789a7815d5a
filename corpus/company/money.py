"""Payments and invoices."""

from __future__ import annotations

from company.calendar import DAY, INCIDENT, OPENED, one_by_one
from workshop import Account, Export, Import, Role, User, block

ACTIVATIONS_REVOKED = {
    # everybody had to ask again when the accounts moved; those who left earlier are still listed
    "charge": {"*": OPENED, **one_by_one("partner", 40, OPENED - 40 * DAY, 2 * DAY)},
    "refund": one_by_one("partner", 25, OPENED, 3 * DAY),
    "statement": {"ACME_FRANCE": INCIDENT},
    "capture": {},
}

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
                pub=[
                    "payments.settled", "payments.failed", "payments.chargeback",
                    "payments.settled.*", "payments.settled.*.>",
                ],
                sub=["payments.api.* card-workers", "payments.api.charge card-workers", "_INBOX.>"],
                no_sub=["payments.api.admin"],
                replies=1,
            ),
        ),
    ),
    exports=(
        *(
            Export(
                subject=f"payments.api.{call}",
                name=call,
                service=True,
                private=True,
                responses="Stream" if call == "statement" else "",
                latency="payments.latency" if call == "charge" else "",
                revoked=revoked,
            )
            for call, revoked in ACTIVATIONS_REVOKED.items()
        ),
        Export(
            subject="payments.settled",
            name="settled",
            private=True,
            revoked=one_by_one("partner", 12, OPENED, 5 * DAY),
        ),
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
                pub=[
                    "payments.settled", "payments.settled", "payments.*", "payments.failed",
                    "payments.chargeback",
                ],
                no_pub=["payments.admin", "payments.admin", "payments.admin.>", "orders.>"],
                sub=["bank.statements.*", "bank.statements.*.>", "bank.statements.camt053", "_INBOX.>"],
                no_sub=["bank.statements.test", "bank.statements.test.>", "bank.statements.test"],
            ),
        ),
        # publishes nothing: its allow list is there, and empty
        User(
            name="vault-sealed",
            permissions=block(
                pub=[],
                no_pub=["payments.admin.>", "payments.admin.>"],
                sub=["vault.seal", "vault.*", "vault.seal"],
            ),
        ),
        User(
            name="fraud-scoring",
            permissions=block(pub=["payments.scores.*"], sub=["payments.settled", "_INBOX.>"]),
        ),
    ),
    departed=one_by_one("psp-node", 18, OPENED + 30 * DAY, 11 * DAY),
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
                pub=[
                    "billing.invoice.created", "billing.invoice.sent", "billing.invoice.*",
                    "billing.invoice.created",
                ],
                sub=["_INBOX.>", "billing.jobs.* invoicers"],
            ),
        ),
    ),
    exports=(
        *(
            Export(subject=f"billing.invoice.{step}", name=f"invoice {step}")
            for step in ("created", "sent", "paid", "overdue")
        ),
        Export(subject="billing.api.balance", name="balance", service=True),
    ),
    imports=(
        *(
            Import(source="PAYMENTS", subject=f"payments.api.{call}", name=call, service=True, private=True)
            for call in ACTIVATIONS_REVOKED
        ),
        Import(source="PAYMENTS", subject="payments.settled", name="settled", private=True),
        Import(source="PAYMENTS", subject="payments.failed", name="failed", private=True),
        Import(
            source="ORDERS", subject="orders.api.refund", name="refund",
            service=True, private=True, share=True,
        ),
        *(
            Import(source="ORDERS", subject=f"orders.{event}", name=event)
            for event in (
                "created", "confirmed", "cancelled", "paid", "shipped", "returned", "refunded", "invoiced",
            )
        ),
        # ORDERS never exported it
        Import(source="ORDERS", subject="orders.drafted", name="drafted"),
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
                sub=[
                    "billing.>", "billing.invoice.>", "billing.invoice.paid", "orders.invoiced", "_INBOX.>",
                ],
                no_sub=["billing.draft.>", "billing.draft.*"],
            ),
        ),
    ),
)  # fmt: skip
