"""What the case files say in words, each with a way to check it, or with the reason why it is checked elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.access.template import MAX_EXPANSIONS
from optimizer.edits.obstacles.entries import csv_field
from optimizer.subjects.permissions import Permissions
from optimizer.subjects.subject import Entry, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cases import Case

# -- ways to check an expectation ------------------------------------------------------------------------------------


def stays(path: str, *entries: str) -> Callable[[Case], bool]:
    """No safe proposal takes these entries out of a list."""
    return lambda it: set(entries) <= set(it.list(path)) and set(entries) <= set(it.list(path, it.after))


def everything_stays(it: Case) -> bool:
    """The case has nothing to repair."""
    return all(it.list(path, it.after) == listed for path, listed in it.lists.items())


def goes(path: str, *entries: str) -> Callable[[Case], bool]:
    """Some proposal takes each of these entries out of a list."""
    return lambda it: all(it.removing(path, entry) for entry in entries)


def named(rule: str, path: str, *entries: str) -> Callable[[Case], bool]:
    """A rule names each of these entries."""
    return lambda it: all(it.says(rule, path, entry) for entry in entries)


def never_added(*entries: str) -> Callable[[Case], bool]:
    """No safe proposal puts one of these entries in."""
    return lambda it: it.safely_added().isdisjoint(entries)


def never_offered(*entries: str) -> Callable[[Case], bool]:
    """No proposal of any safety puts one of these entries in."""
    return lambda it: all(
        text not in entries for proposal in it.plan.proposals for edit in proposal.edits for text in edit.add
    )


def spelled_out(path: str, words: str) -> Callable[[Case], bool]:
    """A list is known by the role that it spells out."""
    return lambda it: any(
        finding.rule == "spelled-out-role" and words in finding.message for finding in it.findings(path)
    )


def apart(narrow: str, wide: str) -> Callable[[Case], bool]:
    """Two entries of which neither covers the other."""
    return lambda _: not (Subject(narrow).covers(Subject(wide)) or Subject(wide).covers(Subject(narrow)))


def both(*checks: Callable[[Case], bool]) -> Callable[[Case], bool]:
    return lambda it: all(check(it) for check in checks)


def may(
    path: str,
    *,
    pub: tuple[str, ...] = (),
    no_pub: tuple[str, ...] = (),
    sub: tuple[str, ...] = (),
    no_sub: tuple[str, ...] = (),
) -> Callable[[Case], bool]:
    """What the server lets a block do, before and after the safe proposals; `subject queue` is a queue subscription."""

    def subscribes(permissions: Permissions, text: str) -> bool:
        entry = Entry(text)
        return permissions.may_subscribe(entry.subject.text, entry.queue)

    def check(it: Case) -> bool:
        return all(
            all(map(permissions.may_publish, pub))
            and not any(map(permissions.may_publish, no_pub))
            and all(subscribes(permissions, text) for text in sub)
            and not any(subscribes(permissions, text) for text in no_sub)
            for permissions in (it.permissions(path), it.permissions(path, it.after))
        )

    return check


# -- what the case files say in words --------------------------------------------------------------------------------

CHECKED: dict[tuple[str, str], Callable[[Case], bool]] = {
    ("cap-volatile-stream", "dangerous merge: verb wildcard admits DELETE/PURGE"): both(
        never_offered("$JS.API.STREAM.*.VolatileStream", "$JS.API.STREAM.>", "$JS.API.>"), everything_stays
    ),
    (
        "choria-client-streams-user",
        "X.* plus X.*.> is exactly X.> (X.> needs at least one token): an exact, non-widening merge",
    ): both(
        goes("users[streams_user+election].pub.allow", "$JS.API.CONSUMER.CREATE.*", "$JS.API.DIRECT.GET.*"),
        never_added("$JS.API.CONSUMER.*", "$JS.API.*"),
    ),
    ("choria-fleet-manager-any-caller", "sibling merge *.broadcast.> widens"): never_added("*.broadcast.>"),
    ("choria-streams-admin-plus-user", "$KV and $O are outside $JS and must stay"): stays(
        "users[admin+user+governor].pub.allow", "$KV.>", "$O.>", "$JS.>"
    ),
    ("consumer-any-nkey-users", "empty allow list means allow-all, not deny-all"): may(
        "users[A]", pub=("test.a",), no_pub=("test.b",), sub=("anything", "any.thing", ">")
    ),
    ("dash-wildcards", "SubjectName-* is a literal token"): both(
        may("users[svc]", pub=("SubjectName-*",), no_pub=("SubjectName-1", "SubjectName-")),
        named("literal-star", "users[svc].pub.allow", "SubjectName-*", "SubjectName->"),
        everything_stays,
    ),
    ("docs-mqtt-qos1", "do not drop $MQTT.sub.> without knowing server version"): everything_stays,
    ("docs-team-template", 'pub deny > with resp is not "dead" user'): stays(
        "accounts[sales].scope[service].pub.deny", ">"
    ),
    ("docs-team-template", "templated tokens are opaque; two tags double the entries"): everything_stays,
    ("fuel-public-denylist", "widening a deny removes rights: opposite risk of widening an allow"): never_offered(
        "$JS.API.STREAM.>", "$JS.API.STREAM.*", "$JS.API.>"
    ),
    ("glouton-comma-topics", "comma in a token breaks nsc comma-separated flags"): lambda it: (
        all(csv_field(text) == f'"{text}"' for listed in it.lists.values() for text in listed if "," in text)
        and any("," in text for listed in it.lists.values() for text in listed)
    ),
    ("hollow-two-role-keys", "controllers pub responses"): goes(
        "accounts[controllers].scope[controllers].pub.allow", "com.hollow.sh.controllers.responses"
    ),
    ("hollow-two-role-keys", "controllers sub responses"): goes(
        "accounts[controllers].scope[controllers].sub.allow", "com.hollow.sh.controllers.responses"
    ),
    ("hollow-two-role-keys", "controllers sub commands.>"): goes(
        "accounts[controllers].scope[controllers].sub.allow", "com.hollow.sh.controllers.commands.>"
    ),
    ("holo-host-roles", "template entry may expand to none or many"): everything_stays,
    ("jradikk-app-and-consumer-users", "sub deny system.> (app-user, consumer-user)"): both(
        goes("users[app-user].sub.deny", "system.>"), goes("users[consumer-user].sub.deny", "system.>")
    ),
    (
        "jradikk-app-and-consumer-users",
        "overlap without cover: $JS.API.CONSUMER.*.mystream.> vs $JS.API.CONSUMER.DURABLE.*.mystream.>",
    ): apart("$JS.API.CONSUMER.*.mystream.>", "$JS.API.CONSUMER.DURABLE.*.mystream.>"),
    (
        "jradikk-app-and-consumer-users",
        'admin allow [">"] equals no permissions: may be dropped only as identity to allow-all',
    ): lambda it: all(">" in it.list(path, it.after) for path, listed in it.lists.items() if listed == (">",)),
    ("jradikk-stream-roles", "stream-admin sub $JS.>"): goes("users[stream-admin].sub.allow", "$JS.>"),
    ("jradikk-stream-roles", "stream-admin sub $JS.API.>"): goes("users[stream-admin].sub.allow", "$JS.API.>"),
    ("jradikk-stream-roles", "all deny lists except none needed"): lambda it: all(
        it.removing(path, entry) for path, listed in it.lists.items() if path.endswith("deny") for entry in listed
    ),
    ("jradikk-stream-roles", "a chain: $JS.API.> in $JS.> in >"): lambda it: (
        it.list("users[stream-admin].sub.allow", it.after) == (">",)
    ),
    ("kv-per-router", "the $ of $KV is inside a token sequence, not only at the start"): everything_stays,
    ("kv-per-router", "_INBOX_router001.> is not covered by _INBOX.>"): apart("_INBOX_router001.>", "_INBOX.>"),
    ("lattice-kv-prefix-glob", "app_worker deny lists"): both(
        goes("accounts[APP_WORKLOADS].users[app_worker].pub.deny", "$KV.lid-*.*", "ldb.>"),
        goes("accounts[APP_WORKLOADS].users[app_worker].sub.deny", "$KV.lid-*.*", "ldb.>"),
    ),
    ("lattice-kv-prefix-glob", "KV_lid-* is literal"): both(
        may("users[lattice_svc]", pub=("$KV.lid-*.x",), no_pub=("$KV.lid-1.x",)),
        stays("users[lattice_svc].pub.allow", "$KV.lid-*.*", "$JS.API.STREAM.MSG.GET.KV_lid-*"),
        named("literal-star", "users[lattice_svc].pub.allow", "$KV.lid-*.*", "$JS.API.STREAM.MSG.GET.KV_lid-*"),
        named("literal-star", "users[lattice_svc].sub.allow", "$KV.lid-*.*"),
    ),
    ("leaf-user-working-set", "CREATE.S not covered by CREATE.S.>"): stays(
        "users[leaf{acc1}].pub.allow", "$JS.cloud.API.CONSUMER.CREATE.S", "$JS.cloud.API.CONSUMER.CREATE.S.>"
    ),
    ("leaf-user-working-set", "do not wildcard-merge permissions of LEAFNODE users"): everything_stays,
    ("leaf-user-working-set", "_INBOX.acc1.> in sub; _INBOX.> in pub: different lists, no cover"): everything_stays,
    ("nats-operator-service-role", "foo.bar.quux NOT covered by foo.*"): lambda it: (
        all("foo.bar.quux" in it.list(path, it.after) for path, listed in it.lists.items() if "foo.bar.quux" in listed)
        and apart("foo.bar.quux", "foo.*")(it)
    ),
    ("ns-accounts-conf", "account names with dots (nats-server#2602)"): lambda it: (
        "nats.io" in {signed.claims.name for signed in it.hierarchy.accounts.values()}
    ),
    ("ns-authorization-conf", 'publish "*" is not allow-all'): lambda it: (
        all(
            it.permissions(path.removesuffix(".pub.allow")).may_publish("a")
            and not it.permissions(path.removesuffix(".pub.allow")).may_publish("a.b")
            for path, listed in it.lists.items()
            if path.endswith("pub.allow") and listed == ("*",)
        )
        and any(listed == ("*",) for listed in it.lists.values())
    ),
    ("ns-auths-newstyle", "bench-deny sub allow foo"): goes("users[bench-deny].sub.allow", "foo"),
    ("ns-auths-newstyle", "ns sub deny SYS.* (no collision with foo.*, SYS.TEST.>)"): goes(
        "users[ns].sub.deny", "SYS.*"
    ),
    (
        "ns-auths-newstyle",
        (
            "_INBOX.* as a filter does not match _INBOX.a.b, BUT a client allowed _INBOX.* may subscribe to _INBOX.> "
            "(server matches the > token with *; verified on nats-server 2.12.15)"
        ),
    ): may("users[bob]", sub=("_INBOX.a", "_INBOX.>"), no_sub=("_INBOX.a.b",)),
    ("ns-auths-newstyle", 'sub allow "*" (bench-deny) therefore admits a subscription to ">"'): may(
        "users[bench-deny]", sub=(">", "foo"), no_sub=("foo.bar",)
    ),
    ("objstore-agent", "$JS.API.CONSUMER.CREATE.OBJ_42.*.$O.42.M.*"): goes(
        "users[agent-42].pub.allow", "$JS.API.CONSUMER.CREATE.OBJ_42.*.$O.42.M.*"
    ),
    ("private-inbox-before-after", "joe/pam sub allow _INBOX.> (dead)"): both(
        goes("users[joe].sub.allow", "_INBOX.>"), goes("users[pam].sub.allow", "_INBOX.>")
    ),
    ("private-inbox-before-after", "then sub deny _INBOX.> (no collision left)"): both(
        goes("users[joe].sub.deny", "_INBOX.>"), goes("users[pam].sub.deny", "_INBOX.>")
    ),
    ("private-inbox-before-after", "_INBOX_joe.> is not under _INBOX.>"): both(
        apart("_INBOX_joe.>", "_INBOX.>"), stays("users[joe].sub.allow", "_INBOX_joe.>")
    ),
    ("queue-doc-allow-deny", '"foo v1" is NOT covered by "foo"'): stays(
        "users[b].sub.allow", "foo v1", "foo v1.>", "foo *.dev"
    ),
    ("queue-doc-allow-deny", "v1 vs v1.>: queue v1 not under v1.>"): both(
        stays("users[b].sub.allow", "foo v1", "foo v1.>"),
        may("users[b]", sub=("foo", "foo v1", "foo v1.2", "foo a.dev"), no_sub=("foo v2",)),
    ),
    ("queue-doc-allow-deny", 'deny "> *.prod" hits queue names only'): may(
        "users[b]", no_sub=("foo v1.prod", "foo a.prod")
    ),
    ("queue-in-publish-restproxy", "sub has only deny: everything else allowed"): lambda it: Permissions.from_claims(
        {"sub": it.claims("users[sample-user]")["sub"]}
    ).may_subscribe("something.else"),
    ("queue-in-publish-ws", 'pub "> >" (invalid)'): named("malformed-entry", "users[SERVICE].pub.allow", "> >"),
    ("queue-in-publish-ws", 'pub "browser.telemetry.> lb.>" (invalid)'): named(
        "malformed-entry", "users[BROWSER].pub.allow", "browser.telemetry.> lb.>"
    ),
    ("queue-nsc-tests", "pub entry with a space is invalid"): lambda _: (
        Permissions.from_claims({"pub": {"allow": ["foo bar"]}}).refusal is not None
    ),
    ("queue-server-test-matrix", 'deny "> >" is not "deny >"'): both(
        may("users[no queues]", sub=("foo",), no_sub=("foo workers",)), stays("users[no queues].sub.deny", "> >")
    ),
    ("queue-server-test-matrix", 'allow ["> *.dev"] gives no plain subscription at all'): may(
        "users[allow dev stg]", sub=("foo a.dev", "foo a.stg"), no_sub=("foo", "foo a.prod")
    ),
    ("rdn-merge-then-repair", "foo and foo.2 are unrelated (no cover)"): everything_stays,
    ("runner-deny-belt", "pub deny x5"): lambda it: all(
        it.removing("users[runner].pub.deny", entry) for entry in it.list("users[runner].pub.deny")
    ),
    ("runner-deny-belt", "sub deny $SYS.>"): goes("users[runner].sub.deny", "$SYS.>"),
    ("runner-deny-belt", "defence in depth: report as no-effect, let the operator decide"): lambda it: all(
        it.says("idle-deny", "users[runner].pub.deny", entry) for entry in it.list("users[runner].pub.deny")
    ),
    ("server-inline-template", "substring templates exist: token is not purely opaque"): everything_stays,
    (
        "server-template-missing-tag",
        "removing the only (templated) allow entry turns deny-all into allow-all",
    ): everything_stays,
    ("server-template-missing-tag", "cartesian product limited to 4096"): lambda _: MAX_EXPANSIONS == 4096,
    ("shell-eaten-dollar", ".API.STREAM.INFO.* (invalid)"): both(
        named("shell-eaten-subject", "users[RequestCacheService].pub.allow", ".API.STREAM.INFO.*"),
        named("shell-eaten-subject", "users[RequestCacheService].sub.allow", ".API.STREAM.INFO.*"),
    ),
    ("shell-eaten-dollar", "leading dot = invalid subject, must be reported, never merged"): everything_stays,
    (
        "sink-runtime",
        "CONSUMER.<verb> has 1- and 2-token verbs: INFO/CREATE/DELETE vs MSG.NEXT/DURABLE.CREATE",
    ): both(
        everything_stays,
        never_offered("$JS.API.CONSUMER.*.ORD.sink", "$JS.API.CONSUMER.*.ORD.>", "$JS.API.CONSUMER.>"),
        spelled_out("users[precreated].pub.allow", "pull from the consumer `sink` of the stream `ORD`"),
    ),
    (
        "sub-star-admits-gt",
        "direction-dependent semantics: pub foo.* is one token, sub foo.* is effectively foo.>",
    ): both(
        may("users[a]", sub=("foo.>", "foo.a"), no_sub=("foo.a.b",)),
        may("users[d]", sub=("foo.a",), no_sub=("foo.*", "foo.>")),
        may("users[e]", sub=(">",)),
        lambda _: not Permissions.from_claims({"pub": {"allow": ["foo.*"]}}).may_publish("foo.a.b"),
    ),
    ("sub-star-admits-gt", "a, b and c are equivalent in reach for a client that subscribes foo.>"): lambda it: (
        [it.permissions(f"users[{user}]").delivers("foo.>", None, ("foo.a", "foo.a.b", "bar")) for user in "abc"]
        == [("foo.a", "foo.a.b")] * 3
    ),
    ("yes-no-jetstream-indirection", "$JSC.> is not covered by $JS.> (token equality, no string prefix)"): both(
        apart("$JSC.>", "$JS.>"), never_offered("$JS.>")
    ),
    ("helm-sandbox-default", "$JS.API.CONSUMER.MSG.NEXT.*.NEW"): goes(
        "users[(default_permissions)].pub.allow", "$JS.API.CONSUMER.MSG.NEXT.*.NEW"
    ),
    ("moox-cloudnode", "cloudnode-eventbus $JS.API.CONSUMER.INFO.MOOX_CLOUDNODE_EXEC.>"): goes(
        "users[cloudnode-eventbus].pub.allow", "$JS.API.CONSUMER.INFO.MOOX_CLOUDNODE_EXEC.>"
    ),
    ("choria-client-streams-user", "$JS.API.STREAM.INFO.KV_CHORIA_LEADER_ELECTION"): goes(
        "users[streams_user+election].pub.allow", "$JS.API.STREAM.INFO.KV_CHORIA_LEADER_ELECTION"
    ),
    ("choria-client-streams-user", "$KV.CHORIA_LEADER_ELECTION.>"): goes(
        "users[streams_user+election].pub.allow", "$KV.CHORIA_LEADER_ELECTION.>"
    ),
    ("olm-relay-cross-js", "CREATE.stream-a is not covered by CREATE.stream-a.>"): apart(
        "CREATE.stream-a", "CREATE.stream-a.>"
    ),
    ("leaf-domain-minimum", "$JS.<domain>.API is not $JS.API"): apart("$JS.hub.API.>", "$JS.API.>"),
    ("jwt-nst-sentinel-scope", 'deny-all scope is intended (callout sentinel): not "useless key"'): everything_stays,
    ("jwt-v1-user-R-prefix", "test vs test.>"): everything_stays,
    ("jwt-v1-user-R-prefix", "_R_ vs _R_.>"): everything_stays,
}

# -- what is checked elsewhere, or later, and why --------------------------------------------------------------------

IMPORTS = "exports and imports: the graph's, not a subject list's"
MAPPINGS = "no rule looks at mappings yet"
REVOCATIONS = "no rule looks at revocations yet; none is ever removed"
JETSTREAM = "what a JetStream call reaches beyond its subject is not looked at yet"
TOKENS = "checked for all published tokens by the tests below"

ELSEWHERE: dict[tuple[str, str], str] = {
    ("consumer-any-nkey-users", "$JS.API.CONSUMER.> bypasses subject subscribe limits"): JETSTREAM,
    ("cycle-dollar-one", "cycle check must run on mapped subjects"): IMPORTS,
    ("cycle-service-3", "cycle check must run on mapped subjects"): IMPORTS,
    ("cycle-stream-mapped", "cycle check must run on mapped subjects"): IMPORTS,
    ("false-cycle-5752", "cycle check must run on mapped subjects"): IMPORTS,
    ("noncycle-stream-mapped", "cycle check must run on mapped subjects"): IMPORTS,
    ("docs-mapping-weights", "foo.loss.> to itself at 50% drops traffic: not removable"): MAPPINGS,
    ("docs-mapping-weights", "sum < 100 is intended loss for wildcard self mapping"): MAPPINGS,
    ("dual-stream-service-same-subject", "same subject, different type: never dedupe"): IMPORTS,
    ("duplicate-import-different-source", "dedupe key must include account"): IMPORTS,
    ("holo-host-roles", "cycle ADMIN<->HPOS on WORKLOAD.>"): IMPORTS,
    ("holo-host-roles", "service meant, stream exported"): IMPORTS,
    ("ingest-same-name-imports", "name is not a key"): IMPORTS,
    ("java-js-prefix", "public export of _INBOX.> and $JS.API.>"): IMPORTS,
    ("java-kv-account", "overlap in local subject space with different targets"): IMPORTS,
    ("jwt-mapping-invalid-weights", "q cluster A row equals default"): MAPPINGS,
    ("jwt-mapping-invalid-weights", "q cluster B row equals default"): MAPPINGS,
    ("jwt-mapping-invalid-weights", "weights are summed per cluster"): MAPPINGS,
    ("jwt-v1-account-6-imports", 'v1/legacy "to": for a service it is the EXPORTER-side subject'): IMPORTS,
    ("jwt-v1-account-6-imports", "decode \\u003e"): TOKENS,
    ("jwt-v1-account-6-imports", "activation subject must contain import"): IMPORTS,
    ("jwt-v1-account-import-to", "to == subject"): IMPORTS,
    ("jwt-v1-account-latency", "unknown v1 keys must survive a re-encode"): "tests/house/test_corpus.py: to the byte",
    ("jwt-v1-activation-in-v2-repo", "nats.type clash between v1 activation and v2 claim type"): TOKENS,
    (
        "jwt-v1-user-surveyor",
        'allow [">"] equals empty',
    ): "an allow list is never emptied: account defaults could take over",
    ("jwt-v1compat-mixed-header", "alg does not tell which bytes are signed"): TOKENS,
    ("leaf-demo-exchange-account", "export in EXCACC covers its own imports: chain, not own traffic"): IMPORTS,
    ("leaf-demo-exchange-account", "graph has a 2-cycle that is not a subject cycle"): IMPORTS,
    ("leaf-domain-minimum", "newer servers also need CONSUMER.CREATE.*.> for named consumers"): JETSTREAM,
    ("mapping-on-imported", "SPOKE mapping (no effect on imports)"): MAPPINGS,
    ("ns-accounts-conf", "exports nats.photo / nats.add / nats.sub unused in this file"): IMPORTS,
    ("ns-auths-newstyle", "bench-deny sub deny foo.bar (no collision with foo,*)"): (
        "wrong, as the same case's trap says: `*` admits a subscription to `>`; "
        "test_a_deny_that_a_final_star_reaches_is_not_idle checks the opposite"
    ),
    ("queue-in-publish-ws", 'sub "> >" beside ">" (exactly equivalent)'): (
        "the server refuses the token over its publish list, so nothing of it is edited; "
        "test_every_queue_is_no_restriction asks the kernel"
    ),
    ("revocation-star-shadow", 'revocation with time <= "*" time'): REVOCATIONS,
    ("revocation-star-shadow", "keep entries newer than *"): REVOCATIONS,
    (
        "revocation-star-shadow",
        "a revocation entry can be pruned only when no JWT older than it can still be valid",
    ): REVOCATIONS,
    ("surveyor-latency-services", "local name equal to own export: intended loop-back mapping"): IMPORTS,
    ("sys-export-token-bug", "import must have importer account id at token 3"): IMPORTS,
    ("token-position-named", "imports replace * at the token position by importer id"): IMPORTS,
    ("transform-reorder", "$2.$1 order is significant; C identity order could be written C.info.*.*.>"): IMPORTS,
    ("wadm-multitenant", "export with leading wildcard; import narrows it"): IMPORTS,
}

BETTER_FORMS_ELSEWHERE = {
    "alternative": "narrows: which of the two entries was meant, only a person knows",
    "documented": "what the source did instead changes rights",
    "import_to": IMPORTS,
    "local": IMPORTS,
    "nsc": "how it is typed, not what it means",
    "rewrite": IMPORTS,
    "semantic_stale": JETSTREAM,
    "suggest": IMPORTS,
    "template": "turning users into a role is not a rewrite of one list",
    "tighter": "narrows in theory: only who knows the JetStream API can say that nothing is lost",
}
"""Kinds of ``expected.better_form`` that are not checked, and why."""

BETTER_FORMS_CHECKED = {
    "exact_rewrites",
    "expansion",
    "likely_intent",
    "recipe",
    "recipes",
    "semantic_dead",
    "semantic_dead_sub",
    "sub",
    "sub_effective",
    "widening_proposal",
    "widening_proposals",
}

RECIPES: dict[tuple[str, str], tuple[str, str] | str] = {
    ("choria-machine-room", "pull consumer SR_KV_CONFIG on KV_CONFIG: INFO, MSG.NEXT, CREATE, DELETE, ACK"): (
        "accounts[cust_one].default_permissions.pub.allow",
        "use the consumer `SR_KV_CONFIG` of the stream `KV_CONFIG`",
    ),
    ("moox-cloudnode", "kv:MOOX_CLOUDNODE_JOB_ACTIVE rw+watch"): (
        "users[cloudnode-eventbus].pub.allow",
        "use the bucket `MOOX_CLOUDNODE_JOB_ACTIVE`",
    ),
    ("moox-cloudnode", "pull-consumer:MOOX_CLOUDNODE_EXEC"): (
        "users[cloudnode-worker].pub.allow",
        "pull from every consumer of the stream `MOOX_CLOUDNODE_EXEC`",
    ),
    ("timeterm-emdev", "pull-consume x2"): (
        "users[emdev-{id}].pub.allow",
        (
            "pull from the consumer `EMDEV-dev1` of the stream `EMDEV-DISOWN-TOKEN`; "
            "pull from the consumer `EMDEV-dev1-EMDEV-RETRIEVE-NEW-NETWORKING-CONFIG` "
            "of the stream `EMDEV-RETRIEVE-NEW-NETWORKING-CONFIG`"
        ),
    ),
    ("leaf-domain-minimum", "source/mirror export triple; pull client export pair"): IMPORTS,
    ("olm-relay-cross-js", "js-source export quadruple"): IMPORTS,
}
"""Recipes that a case's source names: in which list they are found, and in which words; or why in none."""
