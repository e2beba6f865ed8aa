# SPDX-License-Identifier: AGPL-3.0-or-later
"""A random site on a real server, and random calls to it. Every answer is compared with the reference model in rules.py: whether
it had to be a yes, which no it had to be, and whether what it shows is what the caller may see. Events are compared with who
could read them when they were committed."""

import collections
import os

import rules as r
from wire import PASSWORD, Call, Closed, Server, WebSocket, fresh_id

FORGED = (0, 7, 999_999, 1 << 31, 1 << 32, 1 << 63, (1 << 64) - 1)
EMOJI = ("👍", "🎉", "❤️", "🙈")
WORDS = "demain réunion comité salle ordre du jour budget voyage photo merci question réponse liste".split()


class Violation(AssertionError):
    pass


class World:
    def __init__(self, protocol, server: Server, random):
        self.p, self.server, self.random = protocol, server, random
        self.rules = r.Rules()
        self.sockets, self.tokens, self.me_token = {}, {}, {}
        self.audience = {}                       # (kind, id, seq) -> who could read it
        self.cases = {}                          # … when it is about a sanction
        self.proposals = {}                      # … when it is about a proposal
        self.ever = collections.defaultdict(set)  # (kind, id) -> who ever could follow
        self.counts = collections.Counter()      # (request, outcome)
        self.ways = collections.Counter()
        self.http = Call(protocol, server.port)
        self.serial, self.just_demoted = 0, 0
        missing = set(protocol.requests) - set(self.rules.POLICY)
        surplus = set(self.rules.POLICY) - set(protocol.requests)
        if missing or surplus:
            raise Violation(f"requests without a row in the policy table: {sorted(missing)}; rows without a request: {sorted(surplus)}")

    # --- Connections ---

    def socket(self, who):
        socket = self.sockets.get(who)
        if socket is None:
            socket = WebSocket(self.p, self.server.port, on_batch=lambda batch: self.heard(who, batch))
            socket.on_signal = lambda signal: self.signalled(who, signal)
            socket.enter(self.tokens.get(who), capabilities=1)
            self.sockets[who] = socket
        return socket

    def known(self, who, token_id, token):
        self.tokens[who] = token
        self.me_token[who] = token_id
        self.rules.accounts[who].tokens[token_id] = token

    def another_device(self, who):
        reply = self.socket(0).must(login={"login": self.rules.accounts[who].login, "password": PASSWORD, "device_name": "spare"})
        self.rules.accounts[who].tokens[reply.token_id] = reply.token
        return reply

    def stream(self, kind, number):
        return self.p.common.StreamId(kind=kind, id=number)

    # --- A call, and what is checked about it ---

    def call(self, who, name, q=None, /, by_http=False, **fields):
        """One request as `who` (0 = nobody), judged. Answers the reply."""
        request = self.p.requests[name].message_type._concrete_class(**fields) if q is None else q
        expected = self.rules.judge(who, name, request)
        before = self.readers(who, name, request) if expected is None else None
        committee = self.committee_of(name, request) if expected is None else set()
        frame = self.p.ClientFrame(request_id=1)
        getattr(frame, name).CopyFrom(request)
        if by_http:
            reply = self.http.ask(frame, self.tokens.get(who))
        else:
            socket = self.socket(who)
            try:
                reply = socket.ask(**{name: request})
            except Closed as closed:
                raise Violation(f"{self.describe(who, name, request)} ended the connection: {closed}") from closed
        outcome = self.p.code(reply)
        self.counts[name, outcome] += 1
        self.ways["http" if by_http else "websocket"] += 1
        if expected is not None and outcome not in expected:
            raise Violation(f"{self.describe(who, name, request)}: answered {outcome}, the rules say {' or '.join(expected)}")
        # No folder for backups is configured here: being told that is being allowed.
        unconfigured = name == "create_backup" and outcome == "UNSUPPORTED"
        if expected is None and outcome in r.ACCESS and not unconfigured:
            raise Violation(f"{self.describe(who, name, request)}: answered {outcome} ({reply.refusal.rule_id}), the rules say yes")
        if outcome == "OK":
            body = getattr(reply, name)
            if not getattr(body, "repeated", False):
                self.rules.did(who, name, request, body)
            if before is not None:
                self.note(name, request, body, before | (self.readers(who, name, request) or set()))
                self.note_case(body, committee | self.committee_of(name, request))
                self.note_proposal(name, request, body)
            look = getattr(self, "see_" + name, None)
            if look:
                look(who, request, body)
            if name in self.MOVES:
                self.follow_ever()
        return reply

    def describe(self, who, name, q):
        account = self.rules.accounts.get(who)
        return f"{account.login if account else 'nobody'} ({who}) {name} {{{str(q).strip()[:400]}}}".replace("\n", " ")

    # --- Who may hear of it ---

    def readers(self, who, name, q):
        """Who may read the events that this command makes, as things stand; None = it makes none that are watched."""
        rules = self.rules
        if name in ("post_message", "edit_message", "delete_message", "react", "pin_message", "restore_message", "lock_message"):
            if q.stream.kind == r.CLUB:
                return rules.room_readers(q.stream.id, q.room_id)
            return {q.stream.id >> 32, q.stream.id & 0xffffffff}
        if name == "change_room":
            return rules.room_readers(q.club_id, q.room_id)
        if name == "create_room":
            return set(rules.managers(q.club_id)) | {a for a in rules.club_readers(q.club_id)
                                                     if q.access != r.ROLES or rules.reading_role(a, q.club_id) in q.roles}
        if name == "change_club":
            return rules.club_readers(q.club_id)
        if name in ("set_role", "set_member_status"):
            return rules.club_readers(q.club_id) | {q.account_id}
        if name in self.CASES and name != "set_member_status" and q.club_id:
            return rules.club_readers(q.club_id) | {self.sanctioned(name, q)}
        if name == "revoke_invitation" and q.club_id:
            return rules.managers(q.club_id) | {rules.clubs[q.club_id].invitations[q.invitation_id].maker}
        if name in ("open_direct", "answer_direct"):
            other = q.account_id if name == "open_direct" else 0
            pair = r.direct_id(who, other) if other else q.direct_id
            return {pair >> 32, pair & 0xffffffff}
        if name == "block_direct":
            return {who}
        if name in ("mark_read", "set_level", "change_profile", "change_password"):
            return {who}
        if name in ("file_report", "claim_report", "resolve_report"):
            return rules.managers(q.club_id)
        if name == "withdraw_proposal":
            return rules.managers(q.club_id)
        if name in ("start_raid_mode", "end_raid_mode"):
            return rules.club_readers(q.club_id)
        if name in ("remove_messages", "undo_removal"):
            return rules.club_readers(q.club_id)   # a coarse bound; who reads which room is looked at by the history
        return None   # the site's whole stream is for whoever is staff when they read it: see `ever`

    def note(self, name, q, reply, who):
        if reply.DESCRIPTOR.name == "Committed" and reply.first_seq and not reply.repeated:
            for seq in range(reply.first_seq, reply.last_seq + 1):
                self.audience[reply.stream.kind, reply.stream.id, seq] = who

    # What is said of a sanction is for the committee and for whom it concerns, whoever else hears what became of their membership.
    CASES = ("impose_sanction", "lift_sanction", "set_member_status", "appeal_sanction", "answer_appeal", "decide_appeal",
             "decide_proposal")

    # What waits for a second member is for those who rank above whom it is about.
    def note_proposal(self, name, q, reply):
        if name not in ("impose_sanction", "set_member_status", "propose_charter", "decide_proposal", "withdraw_proposal") or not q.club_id or reply.repeated:
            return
        number = reply.proposal_id or (q.proposal_id if name.endswith("_proposal") else 0)
        if not number or not reply.first_seq:
            return
        p = self.rules.clubs[q.club_id].proposals[number]
        for seq in range(reply.first_seq, reply.last_seq + 1):
            self.proposals[reply.stream.kind, reply.stream.id, seq] = {
                a for a in self.rules.managers(q.club_id)
                if self.rules.staff(a) or p.subject == 0 or
                a != p.subject and self.rules.member(a, q.club_id).role > self.rules.member(p.subject, q.club_id).role}

    def sanctioned(self, name, q):
        if name == "decide_proposal":
            return self.rules.clubs[q.club_id].proposals[q.proposal_id].subject
        return self.rules.clubs[q.club_id].sanctions[q.sanction_id].account if name not in ("impose_sanction", "set_member_status") else q.account_id

    def committee_of(self, name, q):
        return set(self.rules.managers(q.club_id)) | {self.sanctioned(name, q)} if name in self.CASES and q.club_id else set()

    def note_case(self, reply, who):
        if who and reply.first_seq and not reply.repeated:
            for seq in range(reply.first_seq, reply.last_seq + 1):
                self.cases[reply.stream.kind, reply.stream.id, seq] = who

    MOVES = {"impose_sanction", "lift_sanction", "decide_appeal", "decide_proposal", "create_club", "create_room", "change_room", "add_member", "accept_invitation", "set_role", "set_member_status",
             "set_site_role", "subscribe"}

    def follow_ever(self):
        for club, held in self.rules.clubs.items():
            self.ever[r.CLUB, club] |= self.rules.club_readers(club)
            self.ever["managers", club] |= set(self.rules.managers(club))
            for room in held.rooms:
                self.ever["room", club, room] |= self.rules.room_readers(club, room)
        self.ever[r.SITE, 1] |= {a for a in self.rules.accounts if self.rules.staff(a)}

    def heard(self, who, batch):
        """Events that reached `who`: each must have been for them."""
        kind, number = batch.stream.kind, batch.stream.id
        if kind == r.ACCOUNT and number != who or kind == r.DIRECT and not self.rules.is_side(who, number):
            raise Violation(f"{who} is sent a batch of stream {kind}/{number}")
        for event in batch.events:
            self.counts["event", event.WhichOneof("body")] += 1
            if event.WhichOneof("body") in ("act_proposed", "proposal_closed"):
                as_staff = self.rules.staff(who) or who == self.just_demoted
                # Told before the reply that names its seq: judged by who ever could.
                if not as_staff and who not in self.proposals.get((kind, number, event.seq), self.ever["managers", number]):
                    raise Violation(f"{who} ({self.rules.accounts[who].login}) is told of a proposal: {str(event)[:300]}")
                continue
            allowed = self.audience.get((kind, number, event.seq))
            if event.WhichOneof("body") in ("sanction_imposed", "sanction_ended", "appeal_said", "appeal_decided") and kind == r.CLUB:
                # Told before the reply that names its seq, or made by another command: judged by who ever could.
                told = getattr(event, event.WhichOneof("body"))
                about = told.sanction.account_id if event.HasField("sanction_imposed") else told.account_id
                allowed = self.cases.get((kind, number, event.seq), self.ever["managers", number] | {about})
            if allowed is None and kind in (r.CLUB, r.SITE):
                # Imports and what comes along with other commands: answered without a seq, so judged by who ever could.
                body = event.WhichOneof("body")
                allowed = self.ever[kind, number]
                if body == "member_changed":
                    allowed = allowed | {event.member_changed.member.account_id}
                elif body == "message_posted":
                    allowed = self.ever["room", number, event.message_posted.room_id]
            if event.WhichOneof("body") == "report_filed" and event.actor:
                raise Violation(f"{who} is told who reported: {event}")
            # Staff read a club's whole past, from the day they are staff until the day they are not.
            as_staff = self.rules.staff(who) or who == self.just_demoted
            if allowed is not None and who not in allowed and not (as_staff and kind in (r.CLUB, r.SITE)):
                raise Violation(f"{who} ({self.rules.accounts[who].login}) is sent event {event.seq} of stream {kind}/{number}, which is "
                                f"for {sorted(allowed)}: {str(event)[:300]}")

    def signalled(self, who, signal):
        """Who types and who is there: for those who read the room, or follow the club. Signals come late and carry no seq, so they are
        judged by who ever could."""
        kind = signal.WhichOneof("body")
        where = getattr(signal, kind).stream
        self.counts["event", kind] += 1
        if where.kind == r.DIRECT:
            good = kind == "typing" and self.rules.is_side(who, where.id)
        elif kind == "typing":
            good = who in self.ever["room", where.id, signal.typing.room_id]
        else:
            good = who in self.ever[r.CLUB, where.id]
        if not good:
            raise Violation(f"{who} ({self.rules.accounts[who].login}) is sent {kind} of {where.kind}/{where.id}: {str(signal)[:200]}")

    # --- What the answers may show ---

    def must_equal(self, what, who, found, expected):
        if found != expected:
            raise Violation(f"{who} ({self.rules.accounts[who].login}) {what}: shown {found}, may see {expected}")

    def see_get_history(self, who, q, reply):
        room = self.rules.room_of(q.stream, q.room_id)
        self.must_equal("head", who, reply.head_number, len(room.messages))
        for m in reply.messages:
            held = room.messages[m.number - 1]
            self.must_equal(f"message {m.number}", who, (m.author, m.body, m.deleted, m.edit_locked), (held.author, held.body, held.deleted, held.frozen))

    def see_list_clubs(self, who, q, reply):
        self.must_equal("clubs", who, {c.club.club_id for c in reply.clubs}, self.rules.clubs_of(who))

    def see_list_directs(self, who, q, reply):
        self.must_equal("directs", who, {d.direct_id for d in reply.directs}, self.rules.directs_of(who))
        for d in reply.directs:
            self.must_equal("block", who, d.blocked_by_me, who in self.rules.directs[d.direct_id].blockers)
            if d.status == 4:
                self.must_equal("a block that is not told", who, who in self.rules.directs[d.direct_id].blockers, True)

    def see_list_tokens(self, who, q, reply):
        self.must_equal("devices", who, {d.token_id for d in reply.devices}, set(self.rules.accounts[who].tokens))

    def see_list_members(self, who, q, reply):
        club = self.rules.clubs[q.club_id]
        found = {m.account_id: (m.role, m.status) for m in reply.members}
        visible = {a: (m.role, m.status) for a, m in club.members.items() if self.rules.sees_member(who, q.club_id, a)}
        if not (q.after or q.page or q.name_contains):
            self.must_equal(f"members of club {q.club_id}", who, found, visible)
        elif not found.items() <= visible.items():
            raise Violation(f"{who} is shown members {found} of club {q.club_id}, may see {visible}")

    def see_list_invitations(self, who, q, reply):
        home = self.rules.clubs[q.club_id].invitations if q.club_id else self.rules.invitations
        self.must_equal("invitations", who, {i.invitation_id for i in reply.invitations}, set(home))

    def see_list_sanctions(self, who, q, reply):
        held = self.rules.clubs[q.club_id].sanctions
        visible = {i: s.stands for i, s in held.items() if q.account_id in (0, s.account) and (s.stands or not q.standing)}
        found = {c.sanction.sanction_id: not c.sanction.end for c in reply.cases}
        if len(visible) <= 100 and not q.page and not q.before:
            self.must_equal(f"sanctions of club {q.club_id}", who, found, visible)

    def see_list_own_sanctions(self, who, q, reply):
        visible = {(c, i) for c, club in self.rules.clubs.items() for i, s in club.sanctions.items() if s.account == who}
        self.must_equal("own sanctions", who, {(c.sanction.club_id, c.sanction.sanction_id) for c in reply.cases}, visible)
        if any(c.note for c in reply.cases):
            raise Violation(f"{who} is shown a note about themselves")

    def see_look_up_names(self, who, q, reply):
        named = {n.account_id for n in reply.names}
        visible = {a for a in q.account_ids if a in self.rules.clubs[q.club_id].entered or self.rules.staff(a)}
        self.must_equal(f"names in club {q.club_id}", who, named, visible)
        for n in reply.names:
            known = self.rules.names_of(n.account_id, q.club_id)
            if n.display_name not in known:
                raise Violation(f"{who} is shown {n.display_name} for account {n.account_id} in club {q.club_id}, may see {known}")

    def see_set_site_role(self, who, q, reply):
        """What was under way to somebody who was staff until now is read; from then on nothing of it may come."""
        target = next(a for a, account in self.rules.accounts.items() if account.login == q.login)
        if target in self.sockets:
            self.just_demoted = target
            self.sockets[target].must(heartbeat={})
            self.just_demoted = 0

    def see_find_account(self, who, q, reply):
        self.must_equal("account", who, self.rules.accounts[reply.account_id].login, q.login)

    def see_get_audit_proof(self, who, q, reply):
        """A person's case is about that person; whoever may not see everything sees nothing about anybody else."""
        for proven in reply.records:
            if q.account_id:
                self.must_equal("whom a record is about", who, proven.opening.subject, q.account_id)
            self.must_equal("a record's stream", who, (proven.record.stream.kind, proven.record.stream.id), (q.stream.kind, q.stream.id))
        if q.stream.kind == r.CLUB and q.account_id in self.rules.clubs[q.stream.id].members and not q.after and not q.size:
            self.must_equal("a case that there is", who, bool(reply.records), True)

    def see_look_up_invitation(self, who, q, reply):
        assert reply.role == self.rules.codes[q.code].role or not self.rules.codes[q.code].club

    def see_count_mentions(self, who, q, reply):
        low = self.rules.rank(who, q.club_id) < r.COMMITTEE
        if q.all and low and reply.allowed:
            raise Violation(f"{who} is told that @all is allowed in {q.club_id}/{q.room_id}")

    def see_accept_invitation(self, who, q, reply):
        if reply.club_id:
            m = self.rules.clubs[reply.club_id].members[who]
            self.must_equal("standing after an invitation", who, reply.status, m.status)

    def see_create_club(self, who, q, reply):
        # The rooms of its kind's template are the server's to choose.
        club = reply.object_id
        for room in self.socket(self.owner).must(subscribe={"stream": self.stream(r.CLUB, club)}).snapshot.club.rooms:
            self.rules.clubs[club].rooms.setdefault(room.room_id, r.Room(room.access, set(room.roles), room.archived))

    def see_subscribe(self, who, q, reply):
        if reply.HasField("snapshot") and reply.snapshot.HasField("club"):
            club, shown = q.stream.id, reply.snapshot.club
            self.must_equal(f"rooms of club {club}", who, {room.room_id for room in shown.rooms},
                            {i for i in self.rules.clubs[club].rooms if self.rules.reads_room(who, club, i)})
            self.must_equal(f"members of club {club}", who, {m.account_id for m in shown.members},
                            {a for a in self.rules.clubs[club].members if self.rules.sees_member(who, club, a)})

    # --- Making a world ---

    def build(self, people, clubs):
        owner = self.socket(0).must(login={"login": "owner", "password": PASSWORD, "device_name": "world"})
        self.rules.accounts[owner.account_id] = r.Account("owner", "owner", r.OWNER)
        self.known(owner.account_id, owner.token_id, owner.token)
        one = self.owner = owner.account_id
        for i in range(clubs):
            self.must(one, "create_club", slug=f"club-{i}", name=f"Club {i}", kind=1 + i % 6, language=1, client_msg_id=fresh_id())
        ids = list(self.rules.clubs)
        codes = []
        for i in range(people):
            added = self.must(one, "add_member", club_id=ids[i % clubs], login=f"person{i}", display_name=f"Personne {i}",
                              role=r.MEMBER, language=1, client_msg_id=fresh_id())
            codes.append((added.account_id, added.activation_code))
        self.register_all(codes)
        self.must(one, "set_site_role", login="person0", role=r.STAFF, client_msg_id=fresh_id())
        for club in ids:
            self.fill_club(club)
        for _ in range(people):
            a, b = self.random.sample(list(self.rules.accounts), 2)
            self.call(a, "open_direct", account_id=b, introduction="bonjour", client_msg_id=fresh_id())
            if self.random.random() < 0.7:
                self.call(b, "answer_direct", direct_id=r.direct_id(a, b), accept=True, client_msg_id=fresh_id())
        for _ in range(3):
            self.another_device(self.random.choice(list(self.rules.accounts)))

    def must(self, who, name, /, **fields):
        reply = self.call(who, name, **fields)
        if reply.HasField("refusal"):
            raise Violation(f"making the world, {name} {fields} was refused: {self.p.code(reply)} {reply.refusal.message}")
        return getattr(reply, name)

    def register_all(self, codes):
        """Activates accounts, many at a time: each costs a password's hash."""
        nobody = self.socket(0)
        for start in range(0, len(codes), 16):
            asked = {nobody.request(register={"code": code, "password": PASSWORD, "device_name": "world",
                                              "client_msg_id": fresh_id()}): (account, code)
                     for account, code in codes[start:start + 16]}
            for request, reply in nobody.replies(set(asked)).items():
                account, code = asked[request]
                assert not reply.HasField("refusal"), self.p.code(reply)
                self.rules.codes[code].uses += 1
                self.known(account, reply.register.token_id, reply.register.token)

    def fill_club(self, club):
        """People of every role and every standing, rooms of every access, messages, invitations."""
        one, random = self.owner, self.random
        people = [a for a in self.rules.accounts if a != one]
        random.shuffle(people)
        cast = [(r.PRESIDENT, r.ACTIVE), (r.COMMITTEE, r.ACTIVE), (r.SUPERVISOR, r.ACTIVE), (r.SPONSOR, r.ACTIVE),
                (r.GUEST, r.ACTIVE), (r.MEMBER, r.ACTIVE), (r.MEMBER, r.ACTIVE), (r.COMMITTEE, r.PAUSED), (r.MEMBER, r.PAUSED),
                (r.GUEST, r.PAUSED), (r.MEMBER, r.REMOVED), (r.MEMBER, r.BANNED), (r.MEMBER, r.LEFT), (r.MEMBER, r.OPTED_IN),
                (r.MEMBER, r.WAITLISTED), (r.MEMBER, r.REFUSED)]
        invite = self.must(one, "create_invitation", club_id=club, role=r.MEMBER, max_uses=50, needs_decision=True,
                           client_msg_id=fresh_id())
        for account, (role, status) in zip(people, cast):
            present = self.rules.member(account, club)
            if status in (r.OPTED_IN, r.WAITLISTED, r.REFUSED):
                if present:
                    continue
                self.must(account, "accept_invitation", code=invite.code, client_msg_id=fresh_id())
            elif not present:
                self.must(one, "add_member", club_id=club, login=self.rules.accounts[account].login, role=role,
                          client_msg_id=fresh_id())
            elif present.role != role:
                self.call(one, "set_role", club_id=club, account_id=account, role=role, client_msg_id=fresh_id())
            if status == r.LEFT:
                self.call(account, "set_member_status", club_id=club, account_id=account, status=r.LEFT, client_msg_id=fresh_id())
            elif status not in (r.ACTIVE, r.OPTED_IN):
                self.call(one, "set_member_status", club_id=club, account_id=account, status=status, reason="parce que",
                          client_msg_id=fresh_id())
        for access, roles in ((r.ALL, []), (r.ROLES, [r.MEMBER, r.GUEST]), (r.ANNOUNCEMENT, [])):
            self.must(one, "create_room", club_id=club, name=f"salle {self.next()}", access=access, roles=roles,
                      client_msg_id=fresh_id())
        for room in list(self.rules.clubs[club].rooms):
            for author in random.sample(sorted(self.rules.room_readers(club, room)), 4):
                self.call(author, "post_message", stream=self.stream(r.CLUB, club), room_id=room, body=self.text(),
                          client_msg_id=fresh_id())
        rooms = list(self.rules.clubs[club].rooms)
        self.must(one, "change_room", club_id=club, room_id=rooms[-2], archived=True, client_msg_id=fresh_id())

    def next(self):
        self.serial += 1
        return self.serial

    def text(self):
        return f"{' '.join(self.random.choices(WORDS, k=self.random.randint(1, 12)))} {self.next()}"

    # --- Random calls ---

    def step(self):
        """One random call, by somebody, about something of theirs, of others, or of nobody."""
        random = self.random
        self.step_of(random.choices(self.names, self.weights)[0])

    def make_rare_calls(self):
        """What chance has left out so far."""
        for name in self.names:
            for _ in range(1000):
                if any(called == name for called, _ in self.counts):
                    break
                self.step_of(name)

    def step_of(self, name):
        random = self.random
        who = 0 if random.random() < 0.02 else random.choice(list(self.rules.accounts))
        q = self.invent(who, name)
        if q is None:
            return
        if name in ("login", "logout", "change_password", "register", "authenticate", "appeal_site_ban"):
            return self.special(who, name, q)
        by_http = name not in ("hello", "subscribe", "unsubscribe", "heartbeat", "set_typing") and random.random() < 0.3
        self.call(who, name, q, by_http=by_http)

    WEIGHTS = {"login": 0.02, "appeal_site_ban": 0.02, "logout": 0.02, "change_password": 0.02, "register": 0.3, "create_club": 0.3,
               "set_site_role": 0.4, "create_backup": 0.3, "add_member": 0.6, "create_room": 0.4, "change_room": 1,
               "set_member_status": 2, "set_role": 2, "post_message": 4, "edit_message": 2, "delete_message": 2,
               "get_history": 4, "subscribe": 2, "get_stats": 0.2, "create_invitation": 0.7, "change_profile": 0.5,
               "import_messages": 0.5, "hello": 0.3, "authenticate": 0.3, "start_raid_mode": 0.2, "end_raid_mode": 1.5}

    def prepare(self):
        self.names = list(self.p.requests)
        self.weights = [self.WEIGHTS.get(name, 1) for name in self.names]

    def a_club(self, who):
        mine = [c for c, club in self.rules.clubs.items() if who in club.members]
        pick = self.random.random()
        if pick < 0.6 and mine:
            return self.random.choice(mine)
        return self.random.choice(list(self.rules.clubs)) if pick < 0.93 else self.random.choice(FORGED)

    def a_room(self, club):
        held = self.rules.clubs[club].rooms if club in self.rules.clubs else {}
        return self.random.choice(list(held)) if held and self.random.random() < 0.93 else self.random.choice(FORGED)

    def an_account(self):
        return self.random.choice(list(self.rules.accounts)) if self.random.random() < 0.93 else self.random.choice(FORGED)

    def a_place(self, who):
        """A stream and a room: of a club, of a direct conversation, or of nothing."""
        pick = self.random.random()
        if pick < 0.7:
            club = self.a_club(who)
            return self.stream(r.CLUB, club), self.a_room(club)
        if pick < 0.9 and self.rules.directs:
            mine = list(self.rules.directs_of(who))
            direct = self.random.choice(mine if mine and self.random.random() < 0.7 else list(self.rules.directs))
            return self.stream(r.DIRECT, direct), 0 if self.random.random() < 0.9 else 1
        if pick < 0.96:
            a, b = (self.random.choice(list(self.rules.accounts)) for _ in range(2))
            return self.stream(r.DIRECT, r.direct_id(a, b)), 0
        return self.stream(self.random.choice((0, 1, 2, 3, 4)), self.random.choice(FORGED)), self.random.choice(FORGED)

    def a_number(self, who, q):
        room = self.rules.room_of(q.stream, q.room_id)
        if room and room.messages and self.random.random() < 0.9:
            own = [i + 1 for i, m in enumerate(room.messages) if m.author == who]
            return self.random.choice(own) if own and self.random.random() < 0.5 else self.random.randint(1, len(room.messages))
        return self.random.choice(FORGED)

    def a_code(self):
        return self.random.choice(list(self.rules.codes)) if self.rules.codes and self.random.random() < 0.8 else f"forged{self.next()}"

    def invent(self, who, name):
        """A request with every field set to something of the right kind: one's own, somebody else's, or nobody's."""
        random, fields = self.random, {}
        q = self.p.requests[name].message_type._concrete_class()
        names = {f.name for f in q.DESCRIPTOR.fields}
        if "client_msg_id" in names:
            q.client_msg_id = fresh_id()
        if "club_id" in names:
            q.club_id = self.a_club(who)
            if name in ("create_invitation", "revoke_invitation", "list_invitations") and random.random() < 0.15:
                q.club_id = 0
        if "stream" in names:
            stream, room = self.a_place(who)
            q.stream.CopyFrom(stream)
            if "room_id" in names:
                q.room_id = room
        elif "room_id" in names:
            q.room_id = self.a_room(q.club_id)
        if "number" in names:
            q.number = self.a_number(who, q)
        if "account_id" in names and name != "revoke_token":
            q.account_id = who if name == "set_member_status" and random.random() < 0.1 else self.an_account()
        if "body" in names:
            q.body = self.text()
        if "code" in names:
            q.code = self.a_code()
        if "role" in names:
            q.role = random.choice((1, 2, 2, 3, 4, 4, 5, 6)) if name != "set_site_role" else random.choice((1, 1, 2, 3))
        fill = getattr(self, "invent_" + name, None)
        if fill and fill(who, q, fields) is False:
            return None
        return q

    def invent_subscribe(self, who, q, _):
        if self.random.random() < 0.2:
            q.stream.kind, q.stream.id = self.random.choice(((r.SITE, 1), (r.ACCOUNT, self.an_account()), (r.ACCOUNT, who)))
        if self.random.random() < 0.3 and who:
            q.epoch, q.after_seq = self.sockets[who].hello.epoch if who in self.sockets else 0, self.random.randint(0, 50)

    def invent_set_site_role(self, who, q, _):
        # Person 0 stays staff and the owner owner; the others come and go.
        q.login = f"person{self.random.randint(1, 3)}" if self.random.random() < 0.9 else "nobody-at-all"

    def invent_revoke_token(self, who, q, _):
        spare = [(a, t) for a, account in self.rules.accounts.items() for t in account.tokens if t != self.me_token.get(a)]
        q.account_id, q.token_id = self.random.choice((0, self.an_account())), 999
        if spare and self.random.random() < 0.3:
            q.account_id, q.token_id = self.random.choice(spare)
        # A device number of one account may be another's own connection.
        target = q.account_id or who
        if target in self.me_token and q.token_id == self.me_token[target]:
            return False

    def invent_set_level(self, who, q, _):
        q.level = self.random.choice((1, 2, 3))

    def invent_react(self, who, q, _):
        q.emoji, q.remove = self.random.choice(EMOJI), self.random.random() < 0.3

    def invent_delete_message(self, who, q, _):
        q.reason, q.text = self.random.randint(0, 10), self.text()

    def invent_lock_message(self, who, q, _):
        q.unlock = self.random.random() < 0.6

    def invent_pin_message(self, who, q, _):
        q.unpin = self.random.random() < 0.5

    def invent_post_message(self, who, q, _):
        if self.random.random() < 0.1:
            q.mentions.all = True
        if self.random.random() < 0.1:
            q.mentions.accounts.append(self.an_account())

    def invent_get_history(self, who, q, _):
        q.before, q.after, q.around = self.random.randint(0, 50), self.random.randint(0, 20), self.random.choice((0, 0, 3, 1 << 63))

    def invent_change_club(self, who, q, _):
        if self.random.random() < 0.3:
            q.capacity = self.random.choice((500, 1000, 1001, 5000))
        else:
            q.purpose = self.text()

    def invent_create_club(self, who, q, _):
        if self.rules.staff(who) and len(self.rules.clubs) > 8:
            return False
        q.slug, q.name, q.kind = f"new-{self.next()}", f"Nouveau {self.next()}", 1

    def access(self, q):
        q.access = self.random.choice((1, 2, 3))
        if q.access == r.ROLES:
            q.roles.extend(self.random.sample(range(1, 7), self.random.randint(1, 4)))

    def invent_create_room(self, who, q, _):
        q.name = f"salle {self.next()}"
        self.access(q)

    def invent_change_room(self, who, q, _):
        if self.random.random() < 0.5:
            self.access(q)
        else:
            q.archived = self.random.random() < 0.3
        if self.random.random() < 0.3:
            q.locked, q.reason = self.random.random() < 0.3, self.text()

    def invent_create_invitation(self, who, q, _):
        q.max_uses, q.needs_decision = self.random.choice((0, 1, 3)), self.random.random() < 0.5

    def invent_revoke_invitation(self, who, q, _):
        held = self.rules.clubs[q.club_id].invitations if q.club_id in self.rules.clubs else self.rules.invitations
        q.invitation_id = self.random.choice(list(held)) if held and self.random.random() < 0.8 else self.random.choice(FORGED)

    def invent_add_member(self, who, q, _):
        q.login, q.dry_run = f"person{self.random.randint(0, 20)}", self.random.random() < 0.5
        if self.rules.staff(who) and not any(a.login == q.login for a in self.rules.accounts.values()):
            q.dry_run = True   # accounts that nobody plays are of no use
        q.display_name = "Personne de plus"

    def invent_set_member_status(self, who, q, _):
        q.status = self.random.choice((3, 3, 3, 4, 5, 6, 7, 8, 9, 1, 0))

    def invent_impose_sanction(self, who, q, _):
        q.kind, q.reason, q.text, q.note = self.random.randint(1, 5), self.random.randint(1, 10), self.text(), self.text()
        q.room_id = self.a_room(q.club_id) if q.kind == r.MUTE and self.random.random() < 0.4 else 0
        q.duration_s = 86_400 * self.random.randint(1, 20) if q.kind in (r.MUTE, r.SUSPENSION, r.BAN) else 0
        if self.random.random() < 0.05:   # who is banned from the site plays no more: far too long for anybody
            q.club_id, q.kind, q.room_id, q.duration_s = 0, r.BAN, 0, 1 << 31
        elif q.club_id and self.random.random() < 0.1:
            q.kind, q.room_id, q.duration_s = r.MUTE, 0, 86_400
            q.on_behalf.SetInParent()

    def invent_lift_sanction(self, who, q, _):
        held = self.rules.clubs[q.club_id].sanctions if q.club_id in self.rules.clubs else {}
        q.sanction_id = self.random.choice(list(held)) if held and self.random.random() < 0.9 else self.random.choice(FORGED)
        if self.random.random() < 0.05:
            q.club_id, q.account_id = 0, self.an_account()
        else:
            q.account_id = 0

    def a_sanction(self, q, who=0):
        held = self.rules.clubs[q.club_id].sanctions if q.club_id in self.rules.clubs else {}
        pick = [i for i, s in held.items() if not who or s.account == who] or list(held)
        return self.random.choice(pick) if pick and self.random.random() < 0.9 else self.random.choice(FORGED)

    def invent_appeal_sanction(self, who, q, _):
        q.sanction_id, q.text = self.a_sanction(q, who), self.text()

    def invent_answer_appeal(self, who, q, _):
        q.sanction_id, q.text = self.a_sanction(q), self.text()

    def invent_decide_appeal(self, who, q, _):
        q.sanction_id, q.text, q.grant = self.a_sanction(q), self.text(), self.random.random() < 0.5

    def invent_list_appeals(self, who, q, _):
        if self.random.random() < 0.2:
            q.club_id = 0

    def see_list_appeals(self, who, q, reply):
        held = self.rules.clubs[q.club_id].sanctions if q.club_id else {}
        if q.club_id:
            self.must_equal(f"appeals of club {q.club_id}", who, {c.sanction.sanction_id for c in reply.cases},
                            {i for i, s in held.items() if s.appeal == "open" and s.account != who})

    def a_version(self, club):
        version = self.rules.clubs[club].charter if club in self.rules.clubs else 0
        return version if self.random.random() < 0.9 else version + 1

    def invent_accept_invitation(self, who, q, _):
        known = self.rules.codes.get(q.code)
        q.charter_version = self.a_version(known.club) if known else 0

    def invent_accept_charter(self, who, q, _):
        q.version = self.a_version(q.club_id)

    # Rarely a good one: whoever has not accepted it plays no more until they do.
    def invent_propose_charter(self, who, q, _):
        q.text = self.text()
        if self.random.random() < 0.1:
            q.rules.add(rule_id="rule", fr=self.text(), en=self.text()).ladder.add(measure=1)

    def invent_get_charter(self, who, q, _):
        q.version = 0
        if self.random.random() < 0.5:
            q.club_id = 0
        else:
            q.code = ""

    def see_get_charter(self, who, q, reply):
        club = q.club_id or (self.rules.codes[q.code].club if q.code else 0)
        if club:
            self.must_equal(f"charter of club {club}", who, reply.charter.version, self.rules.clubs[club].charter)
            m = self.rules.member(who, club) if who else None
            self.must_equal("an accepted charter", who, reply.accepted, m.charter if m else 0)

    def invent_suggest_sanction(self, who, q, _):
        q.reason = self.random.randint(1, 10)

    def a_proposal(self, q):
        held = self.rules.clubs[q.club_id].proposals if q.club_id in self.rules.clubs else {}
        open_ones = [i for i, p in held.items() if p.open]
        pick = open_ones if open_ones and self.random.random() < 0.8 else list(held)
        return self.random.choice(pick) if pick and self.random.random() < 0.9 else self.random.choice(FORGED)

    def invent_decide_proposal(self, who, q, _):
        q.proposal_id, q.text, q.confirm = self.a_proposal(q), self.text(), self.random.random() < 0.7

    def invent_withdraw_proposal(self, who, q, _):
        q.proposal_id = self.a_proposal(q)

    def see_list_proposals(self, who, q, reply):
        club = self.rules.clubs[q.club_id]
        self.must_equal(f"proposals of club {q.club_id}", who, {c.proposal.proposal_id for c in reply.cases},
                        {i for i, p in club.proposals.items() if (p.open or q.closed) and self.rules.sees_proposal(who, q.club_id, p)})

    def invent_list_sanctions(self, who, q, _):
        q.standing, q.account_id = self.random.random() < 0.5, self.an_account() if self.random.random() < 0.3 else 0

    def invent_file_report(self, who, q, _):
        q.reason, q.text = self.random.randint(1, 10), self.text()
        rooms = self.rules.clubs[q.club_id].rooms if q.club_id in self.rules.clubs else {}
        if rooms and self.random.random() < 0.7:
            room = self.random.choice(list(rooms))
            q.account_id, q.message.room_id, q.message.number = 0, room, self.random.randint(1, len(rooms[room].messages) + 1)

    def invent_list_reports(self, who, q, _):
        q.account_id = 0
        if self.random.random() < 0.2:
            q.club_id = 0

    def a_report(self, q):
        held = self.rules.clubs[q.club_id].reports if q.club_id in self.rules.clubs else {}
        return self.random.choice(list(held)) if held and self.random.random() < 0.9 else self.random.choice(FORGED)

    def invent_claim_report(self, who, q, _):
        q.report_id, q.release = self.a_report(q), self.random.random() < 0.4

    def invent_resolve_report(self, who, q, _):
        q.report_id, q.state, q.text = self.a_report(q), self.random.randint(2, 3), self.text()

    def see_list_reports(self, who, q, reply):
        held = self.rules.clubs[q.club_id].reports if q.club_id else {}
        visible = {i: len(x.told) for i, x in held.items() if x.open and self.rules.may_judge_report(who, q.club_id, x)}
        if q.club_id and len(visible) <= 100:
            self.must_equal(f"reports of club {q.club_id}", who, {x.report_id: x.reporters for x in reply.reports}, visible)

    def invent_start_raid_mode(self, who, q, _):
        q.duration_s, q.text = 86400, self.text()   # so that none of them is over by itself

    def invent_find_messages(self, who, q, _):
        q.room_id = self.a_room(q.club_id) if self.random.random() < 0.3 else 0
        if self.random.random() < 0.3:
            q.newcomers, q.account_id = True, 0

    def see_find_messages(self, who, q, reply):
        rules, found = self.rules, {(m.room_id, m.number): m.body for m in reply.messages}
        visible = {(room, i + 1): m.body for room, held in rules.clubs[q.club_id].rooms.items() for i, m in enumerate(held.messages)
                   if q.room_id in (0, room) and rules.reads_room(who, q.club_id, room) and m.author and not m.deleted
                   and (rules.newcomer(m.author, q.club_id) if q.newcomers else m.author == q.account_id)}
        if len(visible) < 200:
            self.must_equal(f"messages of {q.account_id} in club {q.club_id}", who, found, visible)

    def invent_remove_messages(self, who, q, _):
        q.reason = self.random.randint(1, 10)
        rooms = self.rules.clubs[q.club_id].rooms if q.club_id in self.rules.clubs else {}
        if self.random.random() < 0.3:
            q.newcomers, q.account_id = True, 0
        theirs = [(room, i + 1) for room, held in rooms.items() for i, m in enumerate(held.messages)
                  if (self.rules.newcomer(m.author, q.club_id) if q.newcomers else m.author == q.account_id)]
        for room, number in self.random.sample(theirs, min(len(theirs), self.random.randint(1, 4))) or [(1, 1)]:
            q.messages.add(room_id=room, number=number)

    def invent_undo_removal(self, who, q, _):
        held = self.rules.clubs[q.club_id].removals if q.club_id in self.rules.clubs else {}
        q.removal_id = self.random.choice(list(held)) if held and self.random.random() < 0.9 else self.random.choice(FORGED)

    def see_list_removals(self, who, q, reply):
        held = self.rules.clubs[q.club_id].removals
        if len(held) <= 100:
            self.must_equal(f"removals of club {q.club_id}", who, {r.removal_id: bool(r.undone_ms) for r in reply.removals},
                            {i: undone for i, (_, _, undone) in held.items()})

    def invent_list_members(self, who, q, _):
        if self.random.random() < 0.3:
            q.page = self.random.choice((1, 5, 1 << 31))
        if self.random.random() < 0.2:
            q.name_contains = "personne"

    def invent_look_up_names(self, who, q, _):
        q.account_ids.extend({self.an_account() for _ in range(5)})

    def invent_count_mentions(self, who, q, _):
        q.all, q.committee = self.random.random() < 0.5, self.random.random() < 0.5

    def invent_import_messages(self, who, q, _):
        for _ in range(self.random.randint(1, 3)):
            q.messages.add(author_name="Ancien", time_ms=1_000_000_000_000, body=self.text(), client_msg_id=fresh_id())

    def invent_open_direct(self, who, q, _):
        q.introduction = "bonjour"

    def invent_answer_direct(self, who, q, _):
        q.direct_id = self.random.choice(list(self.rules.directs)) if self.random.random() < 0.9 else self.random.choice(FORGED)
        q.accept = self.random.random() < 0.8

    def invent_block_direct(self, who, q, _):
        q.unblock = self.random.random() < 0.6

    def invent_change_profile(self, who, q, _):
        q.display_name = f"Personne {self.next()}"

    def invent_get_audit_proof(self, who, q, _):
        if self.random.random() < 0.2:
            q.stream.kind, q.stream.id = r.SITE, 1
        q.account_id = self.random.choice((0, who, who, self.an_account()))
        q.page = self.random.choice((0, 1, 3, 1 << 31))
        q.after = self.random.choice((0, 0, 1, 1 << 63))
        q.size = self.random.choice((0, 0, 0, 1, 1 << 40))

    def invent_get_audit_consistency(self, who, q, _):
        if self.random.random() < 0.2:
            q.stream.kind, q.stream.id = r.SITE, 1
        q.from_size, q.to_size = self.random.choice(((1, 1), (1, 1), (0, 1), (2, 1), (0, 0), (1, 1 << 40)))

    def invent_review_held(self, who, q, _):
        q.held_id, q.release = self.random.choice((0, 1, 2, 1 << 63)), self.random.random() < 0.5

    def invent_list_held(self, who, q, _):
        q.after, q.limit = self.random.choice((0, 0, 1, (1 << 64) - 1)), self.random.choice((0, 1, 1 << 31))
        q.reviewed = self.random.random() < 0.5

    def invent_find_account(self, who, q, _):
        q.login = f"person{self.random.randint(0, 20)}" if self.random.random() < 0.8 else "nobody"

    def invent_hello(self, who, q, _):
        q.protocol_min = q.protocol_max = 1

    # --- Calls that end or begin something ---

    def special(self, who, name, q):
        if name == "login":
            login = self.random.choice(["nobody-here"] + [a.login for a in self.rules.accounts.values()])
            self.expect(0, name, {"BAD_CREDENTIALS"}, login=login, password="wrong password", device_name="x")
        elif name == "appeal_site_ban":
            login = self.random.choice(["nobody-here"] + [a.login for a in self.rules.accounts.values()])
            self.expect(0, name, {"BAD_CREDENTIALS"}, login=login, password="wrong password", text="why")
        elif name == "register":
            code = self.a_code()
            if self.rules.opens(code, 0) is None:
                return   # a real one costs a password's hash; they are made when the world is
            q.code, q.login, q.display_name, q.password = code, f"late{self.next()}", "En Retard", PASSWORD
            self.call(0, name, q)
        elif name == "authenticate":
            taken = self.random.choice(list(self.tokens.values()))
            code = {"CONFLICT"} if who else {"UNAUTHENTICATED"}
            forged = os.urandom(self.random.choice((0, 31, 32, 33, 64)))
            self.expect(who, name, code, token=taken if who else forged)
        elif who and name == "change_password":
            self.expect(who, name, {"BAD_CREDENTIALS"}, old_password="not this one", new_password=PASSWORD,
                        client_msg_id=fresh_id())
        elif who and name == "logout":
            spare = self.another_device(who)
            frame = self.p.ClientFrame(request_id=1, logout={})
            assert self.p.code(self.http.ask(frame, spare.token)) == "OK"
            self.rules.accounts[who].tokens.pop(spare.token_id, None)
            again = self.p.code(self.http.ask(frame, spare.token))
            if again != "UNAUTHENTICATED":
                raise Violation(f"a device that logged out is answered {again}")
            self.counts[name, "OK"] += 1

    def expect(self, who, name, codes, /, **fields):
        reply = self.socket(who).ask(**{name: fields})
        outcome = self.p.code(reply)
        self.counts[name, outcome] += 1
        if outcome not in codes:
            raise Violation(f"{who} {name} {fields}: answered {outcome}, expected {codes}")

    # --- The end: everything once more, from the beginning ---

    def read_everything(self):
        """Every account asks for every stream from its first event, and hears only what was for it."""
        streams = [(r.CLUB, c) for c in self.rules.clubs] + [(r.DIRECT, d) for d in self.rules.directs] + [(r.SITE, 1)]
        streams += [(r.ACCOUNT, a) for a in self.rules.accounts]
        for who in list(self.rules.accounts):
            reached = {}

            def heard(batch, who=who, reached=reached):
                self.heard(who, batch)
                reached[batch.stream.kind, batch.stream.id] = batch

            fresh = WebSocket(self.p, self.server.port, on_batch=heard).enter(self.tokens[who])
            for kind, number in streams:
                q = self.p.session.Subscribe(stream=self.stream(kind, number), epoch=fresh.hello.epoch, after_seq=0)
                expected = self.rules.judge(who, "subscribe", q)
                reply = fresh.ask(subscribe=q)
                outcome = self.p.code(reply)
                if outcome not in (expected or {"OK"}):
                    raise Violation(f"{self.describe(who, 'subscribe', q)}: answered {outcome}, the rules say {expected or 'yes'}")
                if outcome == "OK":
                    while (reached.get((kind, number)) is None or reached[kind, number].through_seq < reply.subscribe.replay_to
                           ) and reply.subscribe.replay_to and not (
                               (kind, number) in reached and reached[kind, number].ended):
                        fresh.read_message()
                    fresh.must(unsubscribe={"stream": q.stream})
            fresh.close()
