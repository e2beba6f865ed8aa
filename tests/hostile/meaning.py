# SPDX-License-Identifier: AGPL-3.0-or-later
"""Requests that are well made and mean harm: sizes at their bounds, text that lies, numbers at their ends, things of others,
repeats with other contents, the wrong order. The bounds come from HelloReply, the ends of numbers from the descriptors."""

import os

from google.protobuf.descriptor import FieldDescriptor

from scene import Case
from wire import BINARY, Closed, WebSocket, frame_bytes, fresh_id

INTEGERS = {FieldDescriptor.TYPE_UINT32: 32, FieldDescriptor.TYPE_UINT64: 64, FieldDescriptor.TYPE_INT64: -64,
            FieldDescriptor.TYPE_INT32: -32, FieldDescriptor.TYPE_ENUM: -32}
# Answers that a request with a wild number in it may get. INTERNAL and the end of the connection are not among them.
TYPED = ("OK", "BAD_REQUEST", "NOT_FOUND", "FORBIDDEN", "CONFLICT", "TOO_LARGE", "CAPACITY", "EXPIRED", "UNSUPPORTED",
         "BAD_CREDENTIALS", "NOT_ACTIVE")


def post(body, **more):
    def do(scene):
        return scene.refusal("post_message", stream=scene.stream, room_id=scene.room, body=body, client_msg_id=fresh_id(), **more)
    return do


def bound(name):
    """A bound as HelloReply tells it."""
    return lambda scene: getattr(scene.owner.hello.limits, name)


def at(limit, request, field, expected_over="TOO_LARGE", unit="x", by="owner", **rest):
    """Three cases around a bound: one below, at it, one above."""
    size = bound(limit) if isinstance(limit, str) else lambda scene: limit
    for offset, expected in ((-1, "OK"), (0, "OK"), (1, expected_over)):
        def do(scene, offset=offset):
            fields = {k: (v(scene) if callable(v) else v) for k, v in rest.items()}
            text = unit * ((size(scene) + offset) // len(unit.encode())) if unit == "x" else unit * (size(scene) + offset)
            return scene.refusal(request, who=by, **{field: text}, client_msg_id=fresh_id(), **fields)
        yield Case("bound", f"{request}.{field} at {limit} {offset:+d}", expected, do)


def bounds():
    club, room = (lambda s: s.club), (lambda s: s.room)
    yield from at("message_bytes", "post_message", "body", stream=lambda s: s.stream, room_id=room)
    yield from at("purpose_bytes", "change_club", "purpose", club_id=club)
    yield from at("purpose_bytes", "change_room", "topic", club_id=club, room_id=room)
    yield from at(256, "create_invitation", "note", club_id=club, role=2)
    yield from at(32, "change_profile", "display_name", unit="é", by="mallory", expected_over=("TOO_LARGE", "BAD_REQUEST"))
    yield from at(64, "change_club", "name", unit="y", club_id=club, expected_over=("TOO_LARGE", "BAD_REQUEST"))
    for offset, expected in ((0, "OK"), (1, "TOO_LARGE")):
        yield Case("bound", f"history of {200 + offset}", expected,
                   lambda s, n=200 + offset: s.refusal("get_history", stream=s.stream, room_id=s.room, before=n))
        yield Case("bound", f"mentions of {50 + offset}", expected,
                   lambda s, n=50 + offset: post("x", mentions={"accounts": [s.ids["honest"]] * n})(s))
        yield Case("bound", f"an invitation of {1000 + offset} uses", expected,
                   lambda s, n=1000 + offset: s.refusal("create_invitation", who="owner", club_id=s.club, role=2, max_uses=n,
                                                       client_msg_id=fresh_id()))
        yield Case("bound", f"an import of {200 + offset}", expected, lambda s, n=200 + offset: imported(s, n))
        yield Case("bound", f"{500 + offset} names looked up", expected,
                   lambda s, n=500 + offset: s.refusal("look_up_names", club_id=s.club, account_ids=[1] * n))
    for size in (0, 1, 15, 17, 32, 1000):
        yield Case("bound", f"a client_msg_id of {size} bytes", "BAD_REQUEST",
                   lambda s, n=size: s.refusal("post_message", stream=s.stream, room_id=s.room, body="x", client_msg_id=b"i" * n))
    for size in (0, 31, 33, 1000):
        yield Case("bound", f"a token of {size} bytes", "UNAUTHENTICATED", lambda s, n=size: token(s, os.urandom(n)))
    yield Case("bound", "65 streams followed", "TOO_LARGE", too_many_streams)
    yield Case("bound", "21 kinds of reaction", "TOO_LARGE", too_many_reactions)
    yield Case("bound", "51 pins", "TOO_LARGE", too_many_pins)
    yield Case("bound", "65 cursors in a heartbeat", "TOO_LARGE",
               lambda s: s.refusal("heartbeat", cursors=[{"stream": s.stream, "seq": 1}] * 65))
    yield Case("bound", "a client_name of 65 bytes", "TOO_LARGE",
               lambda s: s.p.code(WebSocket(s.p, s.server.port).ask(hello={"protocol_min": 1, "protocol_max": 1, "client_name": "x" * 65})))


def imported(scene, count):
    messages = [{"author_name": "Ancien", "time_ms": 1_000_000_000_000, "body": "x", "client_msg_id": fresh_id()} for _ in range(count)]
    return scene.refusal("import_messages", who="owner", club_id=scene.club, room_id=scene.room, messages=messages, client_msg_id=fresh_id())


def token(scene, secret):
    ws = scene.anonymous()
    outcome = scene.p.code(ws.ask(authenticate={"token": secret}))
    ws.close()
    return outcome


def too_many_streams(scene):
    ws = scene.mallory()
    last = ""
    # The account's own stream, again and again, is one stream; so directs are opened on ids that cannot be had, and clubs.
    for number in range(65):
        made = scene.make("create_club", slug=f"suivi-{number}", name=f"Suivi {number}", kind=1).object_id
        scene.make("add_member", club_id=made, login="mallory", role=2)
        last = scene.p.code(ws.ask(subscribe={"stream": {"kind": 2, "id": made}}))
        if last != "OK":
            break
    ws.close()
    return last if number == 64 else f"{last} at {number}"


EMOJI = "👍 👎 🎉 🙈 🙉 🙊 🐶 🐱 🐭 🐹 🐰 🦊 🐻 🐼 🐨 🐯 🦁 🐮 🐷 🐸 🐵".split()


def too_many_reactions(scene):
    number = scene.make("post_message", stream=scene.stream, room_id=scene.room, body="x").object_id
    outcomes = [scene.refusal("react", stream=scene.stream, room_id=scene.room, number=number, emoji=e, client_msg_id=fresh_id())
                for e in EMOJI]
    return outcomes[-1] if outcomes[:-1] == ["OK"] * 20 else str(outcomes)


def too_many_pins(scene):
    outcome = ""
    for _ in range(51):
        number = scene.make("post_message", stream=scene.stream, room_id=scene.room, body="x").object_id
        outcome = scene.refusal("pin_message", who="owner", stream=scene.stream, room_id=scene.room, number=number, client_msg_id=fresh_id())
    return outcome


def texts():
    yes, no = "OK", "BAD_REQUEST"
    for name, body, expected in (
            ("nothing", "", no), ("spaces", "   \t\n", no), ("a NUL", "a\0b", no), ("an escape", "a\x1b[31mb", no), ("a bell", "a\x07", no),
            ("DEL", "a\x7fb", no), ("C1 controls", "a\u009b31mb", no), ("zero-width spaces alone", "\u200b\u200b", (no, yes)),
            ("tabs and lines", "a\tb\nc", yes), ("a carriage return", "a\r\nb", (yes, no)), ("right to left", "\u202eexe.gpj", (yes, no)),
            ("isolates", "\u2066a\u2069", yes), ("Hebrew", "שלום", yes), ("a byte order mark", "\ufeffa", (yes, no)),
            ("a noncharacter", "a\uffff", (yes, no)), ("tags", "a\U000e0041\U000e007f", (yes, no)), ("private use", "\ue000", (yes, no)),
            ("a thousand accents", "a" + "\u0301" * 1000, (yes, no)), ("markup", "<script>alert(1)</script>", yes),
            ("a template", "${7*7}{{7*7}}%s%n", yes), ("16 KiB of one line", "x" * 16_384, yes), ("8,000 lines", "x\n" * 8_000, yes)):
        yield Case("text", f"a message of {name}", expected, post(body))
    for name, text in (("nothing", ""), ("a space", " "), ("a NUL", "a\0b"), ("a line end", "a\nb"), ("an escape", "a\x1b[2J"),
                       ("right to left", "\u202eAlice"), ("a zero-width space", "Al\u200bice"), ("a soft hyphen", "Al\u00adice"),
                       ("a byte order mark", "\ufeffAlice"), ("tags", "Alice\U000e0041"), ("a line separator", "Al\u2028ice")):
        for request, field, who, more in (("change_profile", "display_name", "mallory", {}), ("change_club", "name", "owner", {"club": True})):
            def do(scene, request=request, field=field, who=who, more=more, text=text):
                fields = {"club_id": scene.club} if more else {}
                return scene.refusal(request, who=who, **{field: text}, **fields, client_msg_id=fresh_id())
            yield Case("text", f"{request}.{field} of {name}", (no,), do)
    for name, emoji in (("a letter", "a"), ("a word", "hello"), ("two emoji", "👍👍"), ("nothing", ""), ("a NUL", "\0"), ("32 joiners", "\u200d" * 10),
                        ("markup", "<b>"), ("a digit", "1"), ("half a flag", "🇫")):
        yield Case("text", f"a reaction of {name}", no, lambda s, e=emoji: react(s, e))
    for name, slug in (("capitals", "ABC"), ("a slash", "a/b"), ("dots", "../etc"), ("a space", "a b"), ("41 bytes", "a" * 41), ("nothing", ""),
                       ("an accent", "é")):
        yield Case("text", f"a slug of {name}", ("BAD_REQUEST", "TOO_LARGE"),
                   lambda s, t=slug: s.refusal("create_club", who="owner", slug=t, name="Un nom", kind=1, client_msg_id=fresh_id()))
    for name, login in (("capitals", "ALICE"), ("a space", "al ice"), ("markup", "<b>"), ("nothing", ""), ("two bytes", "ab"), ("33 bytes", "a" * 33),
                        ("a look-alike", "аlice"), ("a NUL", "ali\0ce"), ("a slash", "a/../b")):
        yield Case("text", f"a login of {name}", ("BAD_REQUEST", "TOO_LARGE"),
                   lambda s, t=login: s.refusal("add_member", who="owner", club_id=s.club, login=t, display_name="Un Nom", role=2,
                                               client_msg_id=fresh_id()))


def react(scene, emoji):
    number = scene.make("post_message", stream=scene.stream, room_id=scene.room, body="x").object_id
    return scene.refusal("react", stream=scene.stream, room_id=scene.room, number=number, emoji=emoji, client_msg_id=fresh_id())


def ends_of_numbers(protocol):
    """Every integer and enum of every request, at both ends, in a request that is plausible otherwise."""
    for name, request in protocol.requests.items():
        if name in ("login", "logout", "hello", "register"):
            continue
        for path, field in integers(request.message_type):
            for value in sorted({0, 1 << 31, (1 << 31) - 1, (1 << 32) - 1} | ({1 << 63, (1 << 63) - 1, (1 << 64) - 1}
                                                                             if INTEGERS[field.type] in (64, -64) else set()) |
                                ({-1, -(1 << 31)} if INTEGERS[field.type] < 0 else set())):
                bits = INTEGERS[field.type]
                if bits < 0 and value > (1 << (-bits - 1)) - 1 or bits > 0 and value >= 1 << bits:
                    continue
                yield Case("number", f"{name}.{'.'.join(path)} = {value}", TYPED,
                           lambda s, n=name, p=path, v=value: s.refusal(n, **{k: x for k, x in wild(s, n, p, v).items()}))


def integers(message, path=(), depth=0):
    for field in message.fields:
        if field.label == field.LABEL_REPEATED:
            continue
        if field.type in INTEGERS:
            yield path + (field.name,), field
        elif field.message_type and depth < 2:
            yield from integers(field.message_type, path + (field.name,), depth + 1)


def wild(scene, name, path, value):
    fields = {}
    plain = {"club_id": scene.club, "room_id": scene.room, "stream": {"kind": 2, "id": scene.club}, "number": 1, "body": "x",
             "emoji": "👍", "name": "un nom", "code": "x" * 22, "login": "mallory", "role": 2, "status": 3, "level": 2,
             "display_name": "Mallory", "account_id": scene.ids["honest"], "access": 1, "slug": "un-slug", "kind": 1,
             "old_password": "wrong password", "new_password": "another password", "introduction": "bonjour"}
    message = scene.p.requests[name].message_type
    for field in message.fields:
        if field.name in plain and field.label != field.LABEL_REPEATED:
            fields[field.name] = dict(plain[field.name]) if isinstance(plain[field.name], dict) else plain[field.name]
    if "client_msg_id" in message.fields_by_name:
        fields["client_msg_id"] = fresh_id()
    place = fields
    for step in path[:-1]:
        place = place.setdefault(step, {})
    place[path[-1]] = value
    return fields


def order():
    def before_hello(scene, **body):
        ws = WebSocket(scene.p, scene.server.port)
        outcome = scene.p.code(ws.ask(**body))
        ws.close()
        return outcome

    def before_login(scene, name):
        ws = scene.anonymous()
        outcome = scene.p.code(ws.ask(**{name: {}}))
        ws.close()
        return outcome

    yield Case("order", "authenticate before hello", "BAD_REQUEST", lambda s: before_hello(s, authenticate={"token": s.tokens["mallory"]}))
    yield Case("order", "login before hello", "BAD_REQUEST", lambda s: before_hello(s, login={"login": "owner", "password": "x" * 12}))
    yield Case("order", "subscribe before hello", "BAD_REQUEST", lambda s: before_hello(s, subscribe={}))
    for name in ("list_clubs", "subscribe", "heartbeat", "post_message", "get_stats", "create_backup", "logout", "accept_invitation"):
        yield Case("order", f"{name} before authenticate", "UNAUTHENTICATED", lambda s, n=name: before_login(s, n))
    yield Case("order", "hello twice", "OK", lambda s: s.refusal("hello", protocol_min=1, protocol_max=1))
    yield Case("order", "authenticate twice", "CONFLICT", lambda s: s.refusal("authenticate", token=s.tokens["mallory"]))
    yield Case("order", "authenticate as another", "CONFLICT", lambda s: s.refusal("authenticate", token=s.tokens["honest"]))
    yield Case("order", "a version to come", "close 4103 goodbye 4103", lambda s: version(s, 2, 9))
    yield Case("order", "a version gone by", ("close 4103 goodbye 4103", "OK"), lambda s: version(s, 0, 0))
    yield Case("order", "versions the wrong way round", ("close 4103 goodbye 4103", "OK"), lambda s: version(s, 9, 1))
    yield Case("order", "subscribe twice", "OK", lambda s: [s.refusal("subscribe", stream=s.stream) for _ in range(2)][-1])
    yield Case("order", "unsubscribe from what was not followed", "OK", lambda s: s.refusal("unsubscribe", stream={"kind": 2, "id": 999}))
    yield Case("order", "the same request id for two requests at once", "OK", same_id)
    yield Case("order", "logout, and then something", ("close 4102 goodbye 4102", "closed", "UNAUTHENTICATED"), after_logout)
    yield Case("order", "two logins on one connection at once", "OK", two_authentications)


def version(scene, least, most):
    ws = WebSocket(scene.p, scene.server.port)
    ws.request(hello={"protocol_min": least, "protocol_max": most})
    return scene.ending(ws)


def same_id(scene):
    ws = scene.mallory()
    frame = scene.p.ClientFrame(request_id=7, list_directs={}).SerializeToString()
    ws.send(frame_bytes(BINARY, frame) * 2)
    found = 0
    while found < 2:
        found += sum(r.request_id == 7 for r in ws.read_message().replies)
    ws.close()
    return "OK"


def after_logout(scene):
    spare = scene.owner.must(login={"login": "owner", "password": "un mot de passe assez long", "device_name": "x"}).token
    ws = WebSocket(scene.p, scene.server.port).enter(spare)
    try:
        ws.ask(logout={})
        return scene.p.code(ws.ask(list_clubs={}))
    except Closed as closed:
        return scene.said(closed)
    finally:
        ws.close()


def two_authentications(scene):
    """Two requests to authenticate at once, as two people: exactly one of them is granted."""
    ws = scene.anonymous()
    asked = {ws.request(authenticate={"token": scene.tokens["mallory"]}), ws.request(authenticate={"token": scene.tokens["honest"]})}
    outcomes = sorted(scene.p.code(r) for r in ws.replies(asked).values())
    ws.close()
    return "OK" if outcomes == ["CONFLICT", "OK"] else str(outcomes)


def repeats():
    def twice(change):
        def do(scene):
            first = {"stream": scene.stream, "room_id": scene.room, "body": "d'abord", "client_msg_id": fresh_id()}
            assert scene.refusal("post_message", **first) == "OK"
            request, fields = change(scene, first)
            reply = scene.keep.ask(**{request: fields})
            if reply.HasField("refusal"):
                return scene.p.code(reply)
            return "repeated" if reply.post_message.repeated else "new"
        return do
    yield Case("repeat", "the same command", "repeated", twice(lambda s, f: ("post_message", f)))
    yield Case("repeat", "other words under the same id", "repeated", twice(lambda s, f: ("post_message", dict(f, body="ensuite"))))
    yield Case("repeat", "another room under the same id", "repeated", twice(lambda s, f: ("post_message", dict(f, room_id=1))))
    yield Case("repeat", "another kind of request under the same id", "CONFLICT",
               twice(lambda s, f: ("edit_message", dict(f, number=1))))
    yield Case("repeat", "another kind of request, on nothing", "CONFLICT",
               twice(lambda s, f: ("delete_message", {"stream": s.stream, "room_id": 999, "number": 1, "client_msg_id": f["client_msg_id"]})))
    for whom in ("stranger", 0, 999_999):
        yield Case("repeat", f"a departure repeated for {whom}", "nobody hears of it", lambda s, w=whom: departure_of_another(s, w))
    yield Case("repeat", "a site role repeated for another login", "NONE", site_role_of_another)
    yield Case("repeat", "somebody else's id", "new", somebody_elses_id)
    yield Case("repeat", "a hundred at once, one message", "one", a_hundred_at_once)


def departure_of_another(scene, whom):
    """Somebody leaves a club, and repeats that under the same id for another person: it is the first answer, and no more."""
    club = scene.make("create_club", slug=f"sortie-{whom}", name=f"Sortie {whom}", kind=1).object_id
    scene.make("add_member", club_id=club, login="mallory", role=2)
    other = scene.ids.get(whom, whom)
    head = lambda: WebSocket(scene.p, scene.server.port).enter(scene.tokens["stranger"]).must(
        subscribe={"stream": {"kind": 3, "id": scene.ids["stranger"]}}).head_seq
    before, command = head(), {"club_id": club, "status": 9, "client_msg_id": fresh_id()}
    assert scene.refusal("set_member_status", account_id=scene.ids["mallory"], **command) == "OK"
    again = scene.refusal("set_member_status", account_id=other, **command)
    return "nobody hears of it" if again == "OK" and head() == before else f"{again}, {head() - before} events to a stranger"


def site_role_of_another(scene):
    command = {"role": 2, "client_msg_id": fresh_id()}
    assert scene.refusal("set_site_role", who="owner", login="stranger", **command) == "OK"
    for login in ("mallory", " ", "nobody-here"):
        assert scene.refusal("set_site_role", who="owner", login=login, **command) == "OK"
    scene.make("set_site_role", login="stranger", role=1)
    ws = scene.mallory()
    role = ws.me.site_role
    ws.close()
    return scene.p.common.SiteRole.Name(role).removeprefix("SITE_ROLE_")


def somebody_elses_id(scene):
    number = fresh_id()
    for ws in (scene.owner, scene.mallory()):
        reply = ws.must(post_message={"stream": scene.stream, "room_id": scene.room, "body": "x", "client_msg_id": number})
    return "repeated" if reply.repeated else "new"


def a_hundred_at_once(scene):
    ws, number = scene.mallory(), fresh_id()
    asked = {ws.request(post_message={"stream": scene.stream, "room_id": scene.room, "body": "x", "client_msg_id": number})
             for _ in range(100)}
    made = {r.post_message.object_id for r in ws.replies(asked).values()}
    ws.close()
    return "one" if len(made) == 1 else str(made)


def others():
    foreign = lambda s: {"kind": 2, "id": s.foreign}
    for name, expected, do in (
            ("a post to a foreign club", "NOT_FOUND", lambda s: s.refusal("post_message", stream=foreign(s), room_id=1, body="x", client_msg_id=fresh_id())),
            ("a foreign account's stream", "NOT_FOUND", lambda s: s.refusal("subscribe", stream={"kind": 3, "id": s.ids["honest"]})),
            ("the site's stream", "FORBIDDEN", lambda s: s.refusal("subscribe", stream={"kind": 1, "id": 1})),
            ("a stream of no kind", "BAD_REQUEST", lambda s: s.refusal("subscribe", stream={"kind": 0, "id": 1})),
            ("a stream of an unknown kind", "BAD_REQUEST", lambda s: s.refusal("subscribe", stream={"kind": 77, "id": 1})),
            ("club 0", "BAD_REQUEST", lambda s: s.refusal("subscribe", stream={"kind": 2, "id": 0})),
            ("a conversation with oneself", ("NOT_FOUND", "BAD_REQUEST"),
             lambda s: s.refusal("subscribe", stream={"kind": 4, "id": s.ids["mallory"] << 32 | s.ids["mallory"]})),
            ("a conversation the wrong way round", ("NOT_FOUND", "BAD_REQUEST"),
             lambda s: s.refusal("subscribe", stream={"kind": 4, "id": s.ids["mallory"] << 32 | s.ids["honest"]})),
            ("a direct to an account that does not exist", "NOT_FOUND",
             lambda s: s.refusal("open_direct", account_id=(1 << 64) - 1, client_msg_id=fresh_id())),
            ("a cursor ahead of the log", "OK", lambda s: s.refusal("subscribe", stream=s.stream, epoch=s.owner.hello.epoch, after_seq=(1 << 64) - 1)),
            ("a cursor of another epoch", "OK", lambda s: s.refusal("subscribe", stream=s.stream, epoch=0, after_seq=1)),
            ("an answer to a message of the future", "BAD_REQUEST", post("x", reply_to=(1 << 64) - 1)),
            ("a mention of an account that does not exist", "OK", post("x", mentions={"accounts": [(1 << 64) - 1, 0]})),
            ("@all by a member", "FORBIDDEN", post("x", mentions={"all": True})),
            ("a head count of one's own", "OK", post("x", mentions={"head_count": 4_000_000_000})),
            ("being made a president", "FORBIDDEN", lambda s: s.refusal("set_role", club_id=s.club, account_id=s.ids["mallory"], role=5, client_msg_id=fresh_id())),
            ("being made an owner", "FORBIDDEN", lambda s: s.refusal("set_site_role", login="mallory", role=3, client_msg_id=fresh_id())),
            ("a role that does not exist", "BAD_REQUEST", lambda s: s.refusal("set_role", who="owner", club_id=s.club, account_id=s.ids["mallory"], role=99, client_msg_id=fresh_id())),
            ("a backup of another name", "FORBIDDEN", lambda s: s.refusal("create_backup", name="../../etc/cron.d/x")),
            ("somebody's device", "FORBIDDEN", lambda s: s.refusal("revoke_token", account_id=s.ids["honest"], token_id=1, client_msg_id=fresh_id())),
            ("all devices of somebody", "FORBIDDEN", lambda s: s.refusal("revoke_token", account_id=s.ids["honest"], all=True, client_msg_id=fresh_id())),
            ("a read mark beyond the head", "BAD_REQUEST", lambda s: s.refusal("mark_read", stream=s.stream, room_id=s.room, number=(1 << 64) - 1, client_msg_id=fresh_id())),
            ("an import by a member", "FORBIDDEN", lambda s: s.refusal("import_messages", club_id=s.club, room_id=s.room, client_msg_id=fresh_id())),
            ("a code of 10,000 bytes", "NOT_FOUND", lambda s: s.refusal("look_up_invitation", code="x" * 10_000)),
            ("an empty code", "NOT_FOUND", lambda s: s.refusal("look_up_invitation", code="")),
            ("a code with a NUL", "NOT_FOUND", lambda s: s.refusal("accept_invitation", code="abc\0def", client_msg_id=fresh_id())),
            ("a login of 60,000 bytes", "BAD_CREDENTIALS", lambda s: s.refusal("login", login="x" * 60_000, password="y" * 12)),
            ("a password of 60,000 bytes", "BAD_CREDENTIALS", lambda s: s.refusal("login", login="owner", password="y" * 60_000)),
            ("a device name of 60,000 bytes", ("BAD_REQUEST", "TOO_LARGE"),
             lambda s: s.refusal("login", login="owner", password="un mot de passe assez long", device_name="y" * 60_000))):
        yield Case("others", name, expected, do)


def cases(protocol):
    return [*bounds(), *texts(), *order(), *repeats(), *others(), *ends_of_numbers(protocol)]
