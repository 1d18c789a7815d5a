"""Build ``corpus/clean`` with the real nsc: a small ferry line whose permissions say what they must, and no more.

``python corpus/build_clean.py --nsc .build/bin/nsc --out corpus/clean``; ``--with-keys`` as in `build_acme`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workshop import Account, Export, Import, Role, User, Workshop, block, main

if TYPE_CHECKING:
    from pathlib import Path

OPERATOR = "FERRY"

BOOKING = Account(
    name="BOOKING",
    description="seats and tickets",
    exports=(
        Export(subject="booking.sold", name="tickets sold"),
        Export(subject="booking.quote", name="quote", service=True),
    ),
    imports=(Import(source="FLEET", subject="fleet.delays.*", name="delays"),),
    users=(
        User(
            name="ticket-office",
            permissions=block(
                pub=["booking.*"],
                no_pub=["booking.audit"],
                sub=["_INBOX.>", "fleet.delays.*"],
            ),
        ),
        User(
            name="quote-service",
            permissions=block(pub=["booking.priced"], sub=["booking.quote quotes"], replies=1),
        ),
        User(
            name="seat-keeper",
            permissions=block(
                pub=["booking.seat.taken"],
                # a worker of any release, but never on the test boats
                sub=["booking.seat.* keepers", "booking.recount"],
                no_sub=["booking.seat.test"],
            ),
        ),
    ),
)

FLEET = Account(
    name="FLEET",
    description="what the ferries report",
    roles=(
        Role(
            name="ferry",
            description="the bridge computer of one ferry",
            permissions=block(
                pub=["fleet.{{name()}}.position", "fleet.delays.{{name()}}"],
                sub=["fleet.{{name()}}.orders.>", "weather.{{tag(route)}}"],
            ),
        ),
    ),
    exports=(Export(subject="fleet.delays.*", name="delays"),),
    users=(
        User(name="odin", role="ferry", tags=("route:north",)),
        User(name="freya", role="ferry", tags=("route:south",)),
        User(
            name="control-room",
            permissions=block(
                pub=["fleet.*.orders.>", "weather.*"],
                no_pub=["fleet.*.orders.scuttle"],
                sub=["fleet.>"],
                no_sub=["fleet.*.crew.>"],
            ),
        ),
    ),
)

OFFICE = Account(
    name="OFFICE",
    description="rosters and accounts",
    defaults=block(pub=["roster.wishes"], sub=["roster.published.*", "_INBOX.>"]),
    imports=(
        Import(source="BOOKING", subject="booking.sold", name="tickets sold"),
        Import(source="BOOKING", subject="booking.quote", name="quote", service=True),
    ),
    users=(
        User(name="staff-portal"),  # the account's defaults
        User(
            name="bookkeeping",
            permissions=block(pub=["booking.quote"], sub=["booking.sold ledger", "_INBOX.>"]),
        ),
    ),
)

ACCOUNTS = (Account(name="SYS", signing_keys=0), BOOKING, FLEET, OFFICE)


def build(directory: Path, nsc: Path) -> Workshop:
    """Make the ferry line's nsc home, keys and creds included, in ``directory``."""
    workshop = Workshop(nsc, directory, OPERATOR)
    workshop.found(signing_keys=1, flags=("--service-url=nats://nats.ferry.example:4222",))
    workshop.build(ACCOUNTS)
    return workshop


if __name__ == "__main__":
    main(build, usage=__doc__ or "")
