# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who may do what, a second time: a reference model of the product's rules, written from docs/protocol.md and the comments of the
.proto files, in another language and another shape than the server's table. It holds a whole site in dictionaries, says of any
request how it must be answered, and follows what was done.

`Rules.judge` answers the set of refusals of which one must come, or None when the caller is entitled: the request may then only
fail for its content or the state of things, never with one of ACCESS."""

import dataclasses

ACCESS = {"NOT_FOUND", "FORBIDDEN", "NOT_ACTIVE", "UNAUTHENTICATED", "BLOCKED", "CONSENT_NEEDED", "INTERNAL", "UNSUPPORTED",
          "SANCTIONED", "CHARTER_NEEDED", "RAID_MODE"}
GUEST, MEMBER, SPONSOR, COMMITTEE, PRESIDENT, SUPERVISOR = range(1, 7)
INVITED, OPTED_IN, ACTIVE, WAITLISTED, REFUSED, PAUSED, REMOVED, BANNED, LEFT, SUSPENDED = range(1, 11)
WARNING, MUTE, SUSPENSION, KICK, BAN = range(1, 6)
ALL, ROLES, ANNOUNCEMENT = 1, 2, 3
SITE, CLUB, ACCOUNT, DIRECT = 1, 2, 3, 4
NONE, STAFF, OWNER = 1, 2, 3
REQUESTED, OPEN, DECLINED = 1, 2, 3

EVERYONE = {GUEST, MEMBER, SPONSOR, COMMITTEE, PRESIDENT, SUPERVISOR}
NOT_GUESTS = EVERYONE - {GUEST}
MANAGERS = {COMMITTEE, PRESIDENT, SUPERVISOR}
READING = {ACTIVE, PAUSED}
PLACED = READING | {SUSPENDED}
KNOWING = PLACED | {INVITED, OPTED_IN, WAITLISTED}
NOBODY = set()

# Where the committee may move a membership; leaving and accepting are one's own.
STEPS = {OPTED_IN: {ACTIVE, WAITLISTED, REFUSED, BANNED}, WAITLISTED: {ACTIVE, REFUSED, BANNED},
         REFUSED: {ACTIVE, WAITLISTED, BANNED}, ACTIVE: {PAUSED, REMOVED, BANNED}, PAUSED: {ACTIVE, REMOVED, BANNED},
         REMOVED: {ACTIVE, BANNED}, BANNED: {ACTIVE, REMOVED}, INVITED: {REMOVED, BANNED}, LEFT: {BANNED},
         SUSPENDED: {REMOVED, BANNED}}


@dataclasses.dataclass
class Member:
    role: int
    status: int
    charter: int = 0       # the version that they accepted
    joined = False         # whether they ever held a place

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        if name == "status" and value in PLACED:
            object.__setattr__(self, "joined", True)


@dataclasses.dataclass
class Message:
    author: int
    body: str
    deleted: bool = False
    words: str = ""        # what stood there when it was deleted
    deleter: int = 0
    removal: int = 0       # that took it away, when many were
    frozen: bool = False


@dataclasses.dataclass
class Room:
    access: int
    roles: set
    archived: bool = False
    locked: bool = False
    messages: list = dataclasses.field(default_factory=list)   # number n is messages[n - 1]


@dataclasses.dataclass
class Invitation:
    code: str
    club: int
    role: int
    maker: int
    decision: bool
    max_uses: int = 1
    uses: int = 0
    revoked: bool = False
    account: int = 0   # 0 = whoever has the code


@dataclasses.dataclass
class Sanction:
    account: int
    kind: int
    room: int = 0
    by_site: bool = False
    before: int = 0        # SUSPENSION: where the membership returns to
    stands: bool = True
    imposer: int = 0
    appeal: str = ""       # open, decided
    seconder: int = 0      # who confirmed what takes two


@dataclasses.dataclass
class Report:
    subject: int
    room: int
    number: int
    told: set
    claimer: int = 0
    open: bool = True


@dataclasses.dataclass
class Proposal:
    subject: int
    maker: int
    act: str               # "kick", "ban", "status"
    status: int = 0        # "status": where the membership goes
    open: bool = True


@dataclasses.dataclass
class Club:
    slug: str
    capacity: int = 1000
    rooms: dict = dataclasses.field(default_factory=dict)
    members: dict = dataclasses.field(default_factory=dict)
    invitations: dict = dataclasses.field(default_factory=dict)
    entered: set = dataclasses.field(default_factory=set)   # whoever was let in at some time
    sanctions: dict = dataclasses.field(default_factory=dict)
    reports: dict = dataclasses.field(default_factory=dict)    # id -> Report
    removals: dict = dataclasses.field(default_factory=dict)   # id -> [whose, [(room, number)], undone]
    old_names: dict = dataclasses.field(default_factory=dict)  # who has another name by now
    proposals: dict = dataclasses.field(default_factory=dict)  # id -> Proposal
    charter: int = 0                                           # the version in force; 0 = none
    raid: bool = False


@dataclasses.dataclass
class Direct:
    status: int = 0
    asker: int = 0
    blockers: set = dataclasses.field(default_factory=set)
    room: Room = dataclasses.field(default_factory=lambda: Room(ALL, set()))


@dataclasses.dataclass
class Account:
    login: str
    name: str
    site_role: int = NONE
    tokens: dict = dataclasses.field(default_factory=dict)   # live devices: id -> token


def direct_id(a, b):
    return min(a, b) << 32 | max(a, b)


class Rules:
    def __init__(self):
        self.accounts, self.clubs, self.directs = {}, {}, {}
        self.invitations = {}     # to the site alone
        self.codes = {}           # code -> Invitation

    # --- Words of the rules ---

    def staff(self, who):
        return who in self.accounts and self.accounts[who].site_role in (STAFF, OWNER)

    def member(self, who, club):
        return self.clubs[club].members.get(who) if club in self.clubs else None

    def president(self, club):
        held = [a for a, m in self.clubs[club].members.items() if m.role == PRESIDENT and m.status in READING]
        return held[0] if held else 0

    def reading_role(self, who, club):
        """The role by which someone reads a club; 0 when they do not. Staff read as the supervisor does."""
        if self.staff(who):
            return SUPERVISOR if club in self.clubs else 0
        m = self.member(who, club)
        return m.role if m and m.status in READING else 0

    def reads_room(self, who, club, room):
        role, r = self.reading_role(who, club), self.clubs[club].rooms.get(room) if club in self.clubs else None
        return bool(r and role and (r.access != ROLES or role in r.roles or role == SUPERVISOR))

    def club_readers(self, club):
        return {a for a in self.accounts if self.reading_role(a, club)}

    def room_readers(self, club, room):
        return {a for a in self.accounts if self.reads_room(a, club, room)}

    def managers(self, club):
        return {a for a in self.accounts if self.staff(a) or
                (self.member(a, club) and self.member(a, club).status in READING and self.member(a, club).role in MANAGERS)}

    def rank(self, who, club):
        if self.staff(who):
            return 6 + self.accounts[who].site_role
        m = self.member(who, club)
        return m.role if m and m.status == ACTIVE else 0

    def shared(self, a, b):
        return [i for i, c in self.clubs.items() if a in c.members and b in c.members and c.members[a].status in READING
                and c.members[b].status in READING]

    def share_a_club(self, a, b):
        return bool(self.shared(a, b))

    def standing(self, who, club):
        held = self.clubs[club].sanctions.values() if club in self.clubs else ()
        return [s for s in held if s.account == who and s.stands]

    def held(self, who, club, room=None):
        """Whether a sanction holds them back there. Nothing in these worlds is over by itself: all last for days."""
        return any(s.room in (0, room) for s in self.standing(who, club))

    def raided(self, who, club, placed=True):
        """Whether raid mode holds them back there. Everybody in these worlds came less than a day ago. Not `placed`: who left, too."""
        m = self.member(who, club)
        here = bool(m and (m.status in PLACED if placed else m.joined))
        return bool(here and self.clubs[club].raid and m.role < COMMITTEE and not self.staff(who))

    # --- Gates: None = may ---

    def in_club(self, who, club, active, paused=NOBODY, room=None, floor=False, hold=True):
        """`room`: the request is about a room, which must be readable. `floor`: it speaks there. `hold`: a sanction holds it back."""
        m, staff = self.member(who, club), self.staff(who)
        if club == 0:
            return {"NOT_FOUND", "BAD_REQUEST"}   # no club has this id
        if club not in self.clubs or not staff and (m is None or m.status not in KNOWING):
            return {"NOT_FOUND"}
        if not staff and m.status not in READING:
            return {"SANCTIONED"} if m.status == SUSPENDED else {"NOT_ACTIVE"}
        if room is not None and not self.reads_room(who, club, room):
            return {"NOT_FOUND"}
        if not staff and m.status == PAUSED and m.role not in paused:
            return {"NOT_ACTIVE"} if m.role in active else {"FORBIDDEN"}
        if not staff and m.status == ACTIVE and m.role not in active:
            return {"FORBIDDEN"}
        if floor and self.clubs[club].rooms[room].access == ANNOUNCEMENT and not staff and m.role not in MANAGERS:
            return {"FORBIDDEN"}
        if hold and self.accounts[who].site_role != OWNER and self.held(who, club, room):
            return {"SANCTIONED"}
        return {"RAID_MODE"} if hold and self.raided(who, club) else None

    def asked(self, who, club):
        """Whether a member has still to accept the charter in force."""
        m, version = self.member(who, club), self.clubs[club].charter
        return version and m and m.status in READING and m.charter != version

    def on_site(self, who, least=STAFF):
        return None if self.accounts[who].site_role >= least else {"FORBIDDEN"}

    def room_of(self, stream, room):
        if stream.kind == CLUB:
            return self.clubs[stream.id].rooms.get(room) if stream.id in self.clubs else None
        d = self.directs.get(stream.id)
        return d.room if d and room == 0 else None

    def is_side(self, who, direct):
        return who in (direct >> 32, direct & 0xffffffff) and direct >> 32 != direct & 0xffffffff

    def at_message(self, who, q, active, paused=NOBODY, floor=False, writes=True, in_direct=True, club_only=False, says=False, hold=True):
        """What every request about a message meets, in a club or in a direct conversation."""
        if q.stream.kind not in (CLUB, DIRECT) or q.stream.id == 0:
            return {"BAD_REQUEST"}
        if q.stream.kind == CLUB:
            no = self.in_club(who, q.stream.id, active, paused, q.room_id, floor, hold=hold)
            room = self.clubs[q.stream.id].rooms.get(q.room_id) if no is None else None
            if room and says and self.asked(who, q.stream.id):
                return {"CHARTER_NEEDED"}
            if room and writes and (room.archived or room.locked and self.rank(who, q.stream.id) < COMMITTEE):
                return {"CONFLICT"}
            return no
        d = self.directs.get(q.stream.id)
        if not 0 < q.stream.id >> 32 < q.stream.id & 0xffffffff:
            return {"NOT_FOUND", "BAD_REQUEST"}   # no pair has such an id
        if not self.is_side(who, q.stream.id) or d is None or not d.status:
            return {"NOT_FOUND"}
        if not in_direct:
            return {"FORBIDDEN"}
        if q.room_id != 0:
            return {"NOT_FOUND"}
        if writes and d.blockers:
            return {"BLOCKED"}
        if writes and d.status != OPEN:
            return {"CONSENT_NEEDED"}
        return None

    def named(self, q):
        room = self.room_of(q.stream, q.room_id)
        return room.messages[q.number - 1] if room and 1 <= q.number <= len(room.messages) else None

    # --- One method per row of "Every request" in docs/protocol.md ---

    def anyone(self, who, q):
        return None

    def judge_subscribe(self, who, q):
        if q.stream.kind == CLUB and q.stream.id:
            return self.in_club(who, q.stream.id, EVERYONE, EVERYONE, hold=False)
        if q.stream.kind == ACCOUNT and q.stream.id:
            return None if q.stream.id == who else {"NOT_FOUND"}
        if q.stream.kind == DIRECT and q.stream.id:
            d = self.directs.get(q.stream.id)
            there = d and (d.status or who in d.blockers)
            return None if there and self.is_side(who, q.stream.id) else {"NOT_FOUND", "BAD_REQUEST"}
        if q.stream.kind == SITE and q.stream.id == 1:
            return self.on_site(who)
        return {"BAD_REQUEST"}

    def opens(self, code, who):
        """Whether a code opens something for `who` (0 = someone without an account)."""
        i = self.codes.get(code)
        if i is None or i.account and who and i.account != who:
            return {"NOT_FOUND"}
        return {"EXPIRED"} if i.revoked or i.uses >= i.max_uses else None

    def vouched(self, i):
        maker = self.member(i.maker, i.club)
        return maker is None or maker.status == ACTIVE and maker.role in MANAGERS

    def judge_look_up_invitation(self, who, q):
        return self.opens(q.code, 0)

    def paused(self, i, who):
        """Whether raid mode keeps an invitation from letting somebody in. Asking the committee stays open."""
        m = self.member(who, i.club)
        if not self.clubs[i.club].raid or m and m.status in PLACED | {OPTED_IN, WAITLISTED}:
            return False
        return not (i.decision or m and m.status in (REFUSED, REMOVED, LEFT) or not self.vouched(i))

    def judge_register(self, who, q):
        if no := self.opens(q.code, 0):
            return no
        i = self.codes[q.code]
        m = self.member(i.account, i.club) if i.club and i.account else None
        missing = i.club and self.clubs[i.club].charter and q.charter_version != self.clubs[i.club].charter
        if missing and not (m and m.status in PLACED | {OPTED_IN, WAITLISTED}):
            return {"CHARTER_NEEDED", "CONFLICT", "BAD_REQUEST", "EXPIRED", "OVERLOADED"}
        if i.club and i.account and m and m.status == INVITED and self.paused(i, i.account):
            return {"RAID_MODE", "CONFLICT", "BAD_REQUEST", "EXPIRED", "OVERLOADED"}
        return {"RAID_MODE"} if i.club and not i.account and self.paused(i, 0) else None

    def judge_accept_invitation(self, who, q):
        if no := self.opens(q.code, who):
            return no
        i = self.codes[q.code]
        if not i.club:
            return None
        m = self.member(who, i.club)
        if m and m.status == BANNED:
            return {"SANCTIONED"}
        if not self.vouched(i) and i.role > MEMBER:
            return {"EXPIRED"}
        version = self.clubs[i.club].charter
        if version and q.charter_version != version and not (m and m.status in PLACED | {OPTED_IN, WAITLISTED}):
            return {"CHARTER_NEEDED", "CONFLICT"}
        return {"RAID_MODE", "CONFLICT"} if self.paused(i, who) else None

    def judge_revoke_token(self, who, q):
        if q.account_id in (0, who):
            return None if q.all or q.token_id in self.accounts[who].tokens else {"NOT_FOUND"}
        if no := self.on_site(who):
            return no
        known = self.accounts.get(q.account_id)
        return None if known and (q.all or q.token_id in known.tokens) else {"NOT_FOUND"}

    def judge_room_query(self, who, q):
        return self.at_message(who, q, EVERYONE, EVERYONE, writes=False, hold=False)

    def judge_create_club(self, who, q):
        return self.on_site(who)

    def judge_change_club(self, who, q):
        if no := self.in_club(who, q.club_id, {PRESIDENT, SUPERVISOR}):
            return no
        raises = q.HasField("capacity") and max(1000, self.clubs[q.club_id].capacity) < q.capacity <= 100000
        return {"FORBIDDEN"} if raises and not self.staff(who) else None

    def judge_create_room(self, who, q):
        return self.in_club(who, q.club_id, MANAGERS)

    def judge_change_room(self, who, q):
        return self.in_club(who, q.club_id, MANAGERS, room=q.room_id)

    def judge_create_invitation(self, who, q):
        if q.club_id == 0:
            return self.on_site(who)
        if no := self.in_club(who, q.club_id, NOT_GUESTS):
            return no
        if self.clubs[q.club_id].raid:
            return {"RAID_MODE"}
        rank, direct = self.rank(who, q.club_id), self.rank(who, q.club_id) >= COMMITTEE
        if q.role not in EVERYONE:
            return {"BAD_REQUEST"}
        if q.role == SUPERVISOR:
            good = self.staff(who)
        elif q.role == PRESIDENT:
            good = rank > PRESIDENT
        else:
            good = q.role in (GUEST, MEMBER) or direct and q.role < rank
        return None if good else {"FORBIDDEN"}

    def judge_revoke_invitation(self, who, q):
        if q.club_id == 0:
            return self.on_site(who) or (None if q.invitation_id in self.invitations else {"NOT_FOUND"})
        i = self.clubs[q.club_id].invitations.get(q.invitation_id) if q.club_id in self.clubs else None
        own = i is not None and i.maker == who
        no = self.in_club(who, q.club_id, NOT_GUESTS if own else MANAGERS, NOT_GUESTS if own else NOBODY)
        return no or (None if i else {"NOT_FOUND"})

    def judge_list_invitations(self, who, q):
        return self.on_site(who) if q.club_id == 0 else self.in_club(who, q.club_id, MANAGERS, hold=False)

    def judge_add_member(self, who, q):
        return self.in_club(who, q.club_id, NOBODY)

    def judge_set_role(self, who, q):
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        if q.role not in EVERYONE:
            return {"BAD_REQUEST"}
        target = self.member(q.account_id, q.club_id)
        if target is None:
            return {"NOT_FOUND"}
        rank = self.rank(who, q.club_id)
        if q.role == SUPERVISOR:
            good = self.staff(who)
        else:
            good = rank >= PRESIDENT if q.role == PRESIDENT else q.role < rank
        return None if rank > target.role and good else {"FORBIDDEN"}

    def judge_set_member_status(self, who, q):
        m = self.member(who, q.club_id)
        if q.account_id == who and m and (q.status == LEFT and m.status in KNOWING or
                                          m.status == INVITED and q.status in (OPTED_IN, ACTIVE)):
            if q.status != LEFT and self.clubs[q.club_id].raid:
                return {"RAID_MODE"}
            version = self.clubs[q.club_id].charter
            return {"CHARTER_NEEDED"} if q.status != LEFT and version and q.charter_version != version else None
        if no := self.in_club(who, q.club_id, EVERYONE, EVERYONE, hold=False):
            return no
        if q.status == LEFT:
            return {"FORBIDDEN"}
        if q.status not in (ACTIVE, WAITLISTED, REFUSED, PAUSED, REMOVED, BANNED):
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        target = self.member(q.account_id, q.club_id)
        if target is None:
            return {"NOT_FOUND"}
        if target.status == q.status:
            return None
        if q.status not in STEPS[target.status]:
            return {"CONFLICT"}
        if self.rank(who, q.club_id) <= target.role:
            return {"FORBIDDEN"}
        if self.heavy(who, q.club_id, q.account_id, status=q.status):
            return self.waits_already(who, q)
        ours = target.status == BANNED and any(s.kind == BAN and s.by_site for s in self.standing(q.account_id, q.club_id))
        return {"FORBIDDEN", "CONFLICT", "CAPACITY"} if ours and not self.staff(who) else None

    def judge_list_members(self, who, q):
        return self.in_club(who, q.club_id, EVERYONE, EVERYONE, hold=False)

    def judge_set_site_role(self, who, q):
        if no := self.on_site(who, OWNER):
            return no
        return None if any(a.login == q.login for a in self.accounts.values()) else {"NOT_FOUND", "BAD_REQUEST"}

    def judge_post_message(self, who, q):
        if no := self.at_message(who, q, EVERYONE, floor=True, says=True):
            return no
        low = q.stream.kind == CLUB and self.rank(who, q.stream.id) < COMMITTEE
        return {"FORBIDDEN"} if q.mentions.all and low else None

    def judge_edit_message(self, who, q):
        if no := self.at_message(who, q, EVERYONE, floor=True, says=True):
            return no
        m = self.named(q)
        if m is None:
            return {"NOT_FOUND"}
        return None if m.author == who else {"FORBIDDEN"}

    def judge_delete_message(self, who, q):
        if no := self.at_message(who, q, EVERYONE, EVERYONE, writes=False):
            return no
        m = self.named(q)
        if m is None:
            return {"NOT_FOUND"}
        if m.author == who:
            return None
        if q.stream.kind == DIRECT:
            return {"FORBIDDEN"}
        if no := self.in_club(who, q.stream.id, MANAGERS, room=q.room_id):
            return no
        author = self.member(m.author, q.stream.id)
        return None if self.rank(who, q.stream.id) > (author.role if author else 0) else {"FORBIDDEN"}

    def judge_moderated(self, who, q):
        if no := self.at_message(who, q, MANAGERS, writes=False, in_direct=False):
            return no
        m = self.named(q)
        if m is None:
            return {"NOT_FOUND"}
        author = self.member(m.author, q.stream.id)
        return None if self.rank(who, q.stream.id) > (author.role if author else 0) else {"FORBIDDEN"}

    def judge_restore_message(self, who, q):
        if no := self.judge_moderated(who, q):
            return no
        m = self.named(q)
        return {"FORBIDDEN"} if m.deleted and m.author and m.deleter == m.author else None

    def judge_react(self, who, q):
        return self.at_message(who, q, EVERYONE, says=True) or (None if self.named(q) else {"NOT_FOUND"})

    def judge_pin_message(self, who, q):
        return self.at_message(who, q, MANAGERS, in_direct=False) or (None if self.named(q) else {"NOT_FOUND"})

    def judge_count_mentions(self, who, q):
        return self.in_club(who, q.club_id, EVERYONE, EVERYONE, room=q.room_id, hold=False)

    def judge_review_held(self, who, q):
        """Nothing is held in these worlds: messages are not judged there."""
        return self.in_club(who, q.club_id, MANAGERS) or {"NOT_FOUND"}

    def judge_list_held(self, who, q):
        return self.in_club(who, q.club_id, EVERYONE, EVERYONE, hold=False)

    def judge_get_trust(self, who, q):
        if q.account_id in (0, who):
            return self.in_club(who, q.club_id, EVERYONE, EVERYONE, hold=False)
        there = q.club_id in self.clubs and q.account_id in self.clubs[q.club_id].members
        return self.in_club(who, q.club_id, MANAGERS, hold=False) or (None if there else {"NOT_FOUND"})

    def judge_import_messages(self, who, q):
        return self.in_club(who, q.club_id, NOBODY, room=q.room_id)

    def judge_open_direct(self, who, q):
        d = self.directs.get(direct_id(who, q.account_id))
        if q.account_id in (0, who) or not (d and d.status) and not self.share_a_club(who, q.account_id):
            return {"NOT_FOUND"}
        if not (d and d.status) and all(self.held(who, c) for c in self.shared(who, q.account_id)):
            return {"SANCTIONED"}
        shared = self.shared(who, q.account_id)
        if not (d and d.status) and all(self.held(who, c) or self.raided(who, c) for c in shared):
            return {"SANCTIONED"} if any(self.held(who, c) for c in shared) else {"RAID_MODE"}
        if d and d.blockers:
            return {"BLOCKED"}
        asked = sum(1 for i in self.directs_of(who) if self.directs[i].status == REQUESTED and self.directs[i].asker == who)
        officer = any(self.officer(who, c) for c in self.clubs)
        return {"CONFLICT"} if not (d and d.status) and asked >= 10 and not officer else None

    def judge_answer_direct(self, who, q):
        d = self.directs.get(q.direct_id)
        if d is None or not d.status or not self.is_side(who, q.direct_id):
            return {"NOT_FOUND"}
        if d.blockers:
            return {"BLOCKED"}
        return {"CONFLICT"} if d.asker == who else None

    def judge_block_direct(self, who, q):
        d = self.directs.get(direct_id(who, q.account_id))
        known = d and (d.status or who in d.blockers) or self.share_a_club(who, q.account_id)
        return None if q.account_id not in (0, who) and known else {"NOT_FOUND"}

    def judge_set_typing(self, who, q):
        return self.at_message(who, q, EVERYONE, floor=True, writes=q.stream.kind == DIRECT)

    def judge_create_backup(self, who, q):
        return self.on_site(who, OWNER)

    def judge_get_stats(self, who, q):
        return self.on_site(who)

    def judge_find_account(self, who, q):
        return self.on_site(who) or (
            None if any(a.login == q.login for a in self.accounts.values()) else {"NOT_FOUND"})

    def judge_own_case(self, who, q):
        """A stream that has a provable log, and in which there is something about the caller, or which they read."""
        if q.stream.kind == CLUB and q.stream.id:
            known = q.stream.id in self.clubs and (self.staff(who) or who in self.clubs[q.stream.id].members)
            return None if known else {"NOT_FOUND"}
        if q.stream.kind != SITE or q.stream.id != 1:
            return {"BAD_REQUEST"}
        # Whether somebody came by an invitation of the site, or was staff once, is not followed here.
        return None if self.staff(who) else {"OK", "NOT_FOUND"}

    def judge_get_audit_proof(self, who, q):
        if q.account_id == who or q.stream.kind not in (CLUB, SITE) or not q.stream.id or q.stream.kind == SITE and q.stream.id != 1:
            no = self.judge_own_case(who, q)
        else:
            no = self.in_club(who, q.stream.id, MANAGERS, hold=False) if q.stream.kind == CLUB else self.on_site(who)
        return no or ({"NOT_FOUND"} if q.size >= 1 << 32 else None)

    def judge_get_audit_consistency(self, who, q):
        no = self.judge_own_case(who, q)
        if 1 <= q.from_size <= q.to_size < 1 << 32 or no and "OK" not in no:
            return no
        return (no or set()) - {"OK"} | ({"NOT_FOUND"} if 1 <= q.from_size <= q.to_size else {"BAD_REQUEST"})

    def judge_change_profile(self, who, q):
        known = [c for c, club in self.clubs.items() if who in club.members and club.members[who].status != BANNED]
        if not q.HasField("display_name"):
            return None
        no = {"SANCTIONED"} if any(self.standing(who, c) for c in known) else set()
        return no | ({"RAID_MODE"} if any(self.raided(who, c, placed=False) for c in known) else set()) or None

    def judge_start_raid_mode(self, who, q):
        return {"BAD_REQUEST"} if q.club_id == 0 else self.in_club(who, q.club_id, MANAGERS)

    def judge_end_raid_mode(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        return self.in_club(who, q.club_id, MANAGERS) or (None if self.clubs[q.club_id].raid else {"CONFLICT"})

    def newcomer(self, who, club):
        """Whoever came in and is below the committee: nobody has been here for long. Staff speak in clubs that they never came into."""
        m = self.member(who, club)
        return bool(m and m.joined and m.role < COMMITTEE)

    def judge_impose_sanction(self, who, q):
        if q.club_id == 0:
            return self.on_site(who) or (None if q.account_id in self.accounts else {"NOT_FOUND"})
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        if q.room_id and q.kind == MUTE and not self.reads_room(who, q.club_id, q.room_id):
            return {"NOT_FOUND"}
        if q.account_id == who:
            return {"FORBIDDEN"}
        target = self.member(q.account_id, q.club_id)
        if target is None:
            return {"NOT_FOUND"}
        site = 6 + self.accounts[q.account_id].site_role if self.staff(q.account_id) else 0
        if self.rank(who, q.club_id) <= max(target.role, site):
            return {"FORBIDDEN"}
        good = {WARNING: PLACED, MUTE: PLACED, SUSPENSION: PLACED, KICK: KNOWING}.get(q.kind, KNOWING | {REFUSED, REMOVED, BANNED, LEFT})
        if target.status not in good:
            return {"CONFLICT"}
        same = [s for s in self.standing(q.account_id, q.club_id) if (s.kind, s.room) == (q.kind, q.room_id)]
        if same and same[0].by_site and not self.staff(who):
            return {"FORBIDDEN"}
        return self.waits_already(who, q) if self.heavy(who, q.club_id, q.account_id, q.kind) else None

    def judge_for_the_committee(self, who, q):
        """A mute of the whole club, by who acts for the committee as a whole: by its president's rights."""
        if no := self.in_club(who, q.club_id, {SUPERVISOR}):
            return no
        if q.account_id == who:
            return {"FORBIDDEN"}
        target = self.member(q.account_id, q.club_id)
        if target is None:
            return {"NOT_FOUND"}
        if max(target.role, 7 if self.staff(q.account_id) else 0) >= PRESIDENT:
            return {"FORBIDDEN"}
        if target.status not in PLACED:
            return {"CONFLICT"}
        same = [s for s in self.standing(q.account_id, q.club_id) if (s.kind, s.room) == (q.kind, q.room_id)]
        return {"FORBIDDEN"} if same and same[0].by_site else None

    # What puts somebody out of a club takes two of its committee; site staff answer for themselves.
    def heavy(self, who, club, account, kind=0, status=0):
        m = self.member(account, club)
        placed = m is not None and m.status in PLACED
        return not self.staff(who) and (kind == BAN or status == BANNED or (kind == KICK or status == REMOVED) and placed)

    def waits_already(self, who, q):
        return {"CONFLICT"} if any(p.open and p.subject == q.account_id for p in self.clubs[q.club_id].proposals.values()) else None

    def judge_propose_charter(self, who, q):
        return {"BAD_REQUEST"} if q.club_id == 0 else self.in_club(who, q.club_id, MANAGERS)

    def judge_get_charter(self, who, q):
        if q.code:
            return self.judge_look_up_invitation(who, q)
        if q.club_id == 0:
            return None
        if who == 0:
            return {"UNAUTHENTICATED"}
        m = self.member(who, q.club_id)
        if self.staff(who):
            return None if q.club_id in self.clubs else {"NOT_FOUND"}
        return None if m and m.status in KNOWING else {"NOT_FOUND"}

    def judge_accept_charter(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        m = self.member(who, q.club_id) if q.club_id in self.clubs else None
        return None if m and (self.staff(who) or m.status in KNOWING) else {"NOT_FOUND"}

    def judge_suggest_sanction(self, who, q):
        return self.in_club(who, q.club_id, MANAGERS, hold=False) or (None if self.member(q.account_id, q.club_id) else {"NOT_FOUND"})

    def sees_proposal(self, who, club, p):
        if p.subject == 0:
            return True
        m = self.member(p.subject, club)
        site = 6 + self.accounts[p.subject].site_role if self.staff(p.subject) else 0
        return p.subject != who and self.rank(who, club) > max(m.role if m else 0, site)

    def officer(self, account, club):
        m = self.member(account, club)
        return m is not None and m.status == ACTIVE and m.role >= COMMITTEE

    def judge_a_proposal(self, who, q, deciding=False):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        p = self.clubs[q.club_id].proposals.get(q.proposal_id)
        if p is None or not self.sees_proposal(who, q.club_id, p):
            return {"NOT_FOUND"}
        if not p.open:
            return {"CONFLICT"}
        if not deciding:
            return None if p.maker == who else {"FORBIDDEN"}
        return {"FORBIDDEN"} if p.maker == who else None

    def judge_withdraw_proposal(self, who, q):
        return self.judge_a_proposal(who, q)

    def judge_decide_proposal(self, who, q):
        if no := self.judge_a_proposal(who, q, deciding=True):
            return no
        if not q.confirm:
            return None
        club, p = self.clubs[q.club_id], self.clubs[q.club_id].proposals[q.proposal_id]
        m = self.member(p.subject, q.club_id) or Member(0, 0)   # a charter is about nobody
        if self.staff(who) and not self.officer(who, q.club_id) and any(
                self.officer(a, q.club_id) and club.members[a].role > m.role and a not in (p.maker, p.subject) for a in club.members):
            return {"FORBIDDEN"}
        # A word is worth what its giver is worth now.
        if self.in_club(p.maker, q.club_id, MANAGERS) or self.rank(p.maker, q.club_id) <= m.role:
            return {"CONFLICT"}
        if p.act == "charter":
            return None
        if p.act == "status":
            if m.status == p.status:
                return None
            return None if p.status in STEPS[m.status] else {"CONFLICT"}
        good = KNOWING if p.act == "kick" else KNOWING | {REFUSED, REMOVED, BANNED, LEFT}
        if m.status not in good:
            return {"CONFLICT"}
        kind = KICK if p.act == "kick" else BAN
        ours = any(s.kind == kind and s.by_site for s in self.standing(p.subject, q.club_id))
        return {"FORBIDDEN"} if ours and not self.staff(who) else None

    def judge_lift_sanction(self, who, q):
        if q.club_id == 0:
            return self.on_site(who) or {"NOT_FOUND"}   # nobody is ever banned from the site in these worlds
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        s = self.clubs[q.club_id].sanctions.get(q.sanction_id)
        if s is None:
            return {"NOT_FOUND"}
        target = self.member(s.account, q.club_id)
        if s.account == who or target and self.rank(who, q.club_id) <= target.role:
            return {"FORBIDDEN"}
        if not s.stands:
            return {"CONFLICT"}
        return {"FORBIDDEN"} if s.by_site and not self.staff(who) else None

    def judge_find_messages(self, who, q):
        if no := self.in_club(who, q.club_id, MANAGERS, hold=False):
            return no
        if q.room_id and not self.reads_room(who, q.club_id, q.room_id):
            return {"NOT_FOUND"}
        return {"BAD_REQUEST"} if q.newcomers and q.account_id else None

    def judge_remove_messages(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        if q.newcomers and q.account_id:
            return {"BAD_REQUEST"}
        author = self.member(q.account_id, q.club_id)
        for ref in q.messages:
            if no := self.in_club(who, q.club_id, MANAGERS, room=ref.room_id):
                return no
            if self.rank(who, q.club_id) <= (author.role if author else 0):
                return {"FORBIDDEN"}
        rooms = self.clubs[q.club_id].rooms
        if not all(1 <= ref.number <= len(rooms[ref.room_id].messages) for ref in q.messages):
            return {"NOT_FOUND"}
        said = [rooms[ref.room_id].messages[ref.number - 1] for ref in q.messages] if q.newcomers else ()
        return {"BAD_REQUEST"} if not all(self.newcomer(m.author, q.club_id) for m in said) else None

    def judge_undo_removal(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        removal = self.clubs[q.club_id].removals.get(q.removal_id)
        if removal is None:
            return {"NOT_FOUND"}
        _, refs, undone = removal
        for room, number in () if undone else refs:
            if no := self.in_club(who, q.club_id, MANAGERS, room=room):
                return no
            member = self.member(self.clubs[q.club_id].rooms[room].messages[number - 1].author, q.club_id)
            if self.rank(who, q.club_id) <= (member.role if member else 0):
                return {"FORBIDDEN"}
        return None

    def subject_of(self, q):
        if not q.HasField("message"):
            return q.account_id
        room = self.clubs[q.club_id].rooms.get(q.message.room_id)
        held = room.messages if room else []
        return held[q.message.number - 1].author if 1 <= q.message.number <= len(held) else None

    def judge_file_report(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, EVERYONE, EVERYONE, hold=False):
            return no
        if q.HasField("message") and not self.reads_room(who, q.club_id, q.message.room_id):
            return {"NOT_FOUND"}
        subject = self.subject_of(q)
        if subject is None:
            return {"NOT_FOUND"}
        if q.HasField("message") and subject == 0 or subject == who:
            return {"BAD_REQUEST"}
        m = self.member(subject, q.club_id)
        return None if m and (q.HasField("message") or m.status in PLACED) else {"NOT_FOUND"}

    def may_judge_report(self, who, club, report):
        m = self.member(report.subject, club)
        return report.subject != who and self.rank(who, club) > (m.role if m else 0)

    def judge_list_reports(self, who, q):
        return self.on_site(who) if q.club_id == 0 else self.in_club(who, q.club_id, MANAGERS, hold=False)

    def judge_a_report(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        report = self.clubs[q.club_id].reports.get(q.report_id)
        if report is None or not self.may_judge_report(who, q.club_id, report):
            return {"NOT_FOUND"}
        if who in report.told:
            return {"FORBIDDEN"}
        return None if report.open and report.claimer in (0, who) else {"CONFLICT"}

    def judge_appeal_sanction(self, who, q):
        if q.club_id == 0:
            return {"BAD_REQUEST"}
        s = self.clubs[q.club_id].sanctions.get(q.sanction_id) if q.club_id in self.clubs else None
        if s is None or s.account != who:
            return {"NOT_FOUND"}
        return {"CONFLICT"} if s.appeal == "decided" else None

    def judge_appeal_site_ban(self, who, q):
        # Nobody is ever banned from the site in these worlds.
        return {"BAD_CREDENTIALS", "NOT_FOUND"}

    def judge_an_appeal(self, who, q):
        if q.club_id == 0:
            return self.on_site(who) or {"NOT_FOUND"}
        if no := self.in_club(who, q.club_id, MANAGERS):
            return no
        s = self.clubs[q.club_id].sanctions.get(q.sanction_id)
        if s is None or not s.appeal:
            return {"NOT_FOUND"}
        m = self.member(s.account, q.club_id)
        if s.account == who or self.rank(who, q.club_id) <= (m.role if m else 0) or who in (s.imposer, s.seconder) or s.by_site and not self.staff(who):
            return {"FORBIDDEN"}
        return {"CONFLICT"} if s.appeal == "decided" else None

    def judge_list_sanctions(self, who, q):
        return self.in_club(who, q.club_id, MANAGERS, hold=False)

    # The policy table. A request of frame.proto that has no row here fails the run.
    POLICY = {
        "hello": anyone, "authenticate": anyone, "subscribe": judge_subscribe, "unsubscribe": anyone, "heartbeat": anyone,
        "login": anyone, "look_up_invitation": judge_look_up_invitation, "register": judge_register,
        "accept_invitation": judge_accept_invitation, "change_password": anyone, "change_profile": judge_change_profile,
        "list_tokens": anyone, "revoke_token": judge_revoke_token, "logout": anyone, "mark_read": judge_room_query,
        "set_level": judge_room_query, "list_clubs": anyone, "list_directs": anyone, "create_club": judge_create_club,
        "change_club": judge_change_club, "create_room": judge_create_room, "change_room": judge_change_room,
        "create_invitation": judge_create_invitation, "revoke_invitation": judge_revoke_invitation,
        "list_invitations": judge_list_invitations, "add_member": judge_add_member, "set_role": judge_set_role,
        "set_member_status": judge_set_member_status, "list_members": judge_list_members,
        "look_up_names": judge_list_members,
        "set_site_role": judge_set_site_role, "post_message": judge_post_message, "edit_message": judge_edit_message,
        "delete_message": judge_delete_message, "react": judge_react, "pin_message": judge_pin_message,
        "get_history": judge_room_query, "count_mentions": judge_count_mentions, "import_messages": judge_import_messages,
        "review_held": judge_review_held, "list_held": judge_list_held, "get_trust": judge_get_trust,
        "open_direct": judge_open_direct, "answer_direct": judge_answer_direct, "block_direct": judge_block_direct,
        "set_typing": judge_set_typing, "create_backup": judge_create_backup, "get_stats": judge_get_stats,
        "find_account": judge_find_account, "get_audit_proof": judge_get_audit_proof,
        "get_audit_consistency": judge_get_audit_consistency, "get_audit_keys": anyone,
        "find_account": judge_find_account, "impose_sanction": judge_impose_sanction, "lift_sanction": judge_lift_sanction,
        "list_sanctions": judge_list_sanctions, "list_own_sanctions": anyone,
        "find_messages": judge_find_messages, "remove_messages": judge_remove_messages, "undo_removal": judge_undo_removal,
        "list_removals": judge_list_sanctions, "file_report": judge_file_report, "list_reports": judge_list_reports,
        "appeal_sanction": judge_appeal_sanction, "answer_appeal": judge_an_appeal, "decide_appeal": judge_an_appeal,
        "appeal_site_ban": judge_appeal_site_ban, "list_appeals": judge_list_reports,
        "list_proposals": judge_list_sanctions, "decide_proposal": judge_decide_proposal,
        "withdraw_proposal": judge_withdraw_proposal, "propose_charter": judge_propose_charter, "get_charter": judge_get_charter,
        "accept_charter": judge_accept_charter, "suggest_sanction": judge_suggest_sanction,
        "start_raid_mode": judge_start_raid_mode, "end_raid_mode": judge_end_raid_mode,
        "claim_report": judge_a_report, "resolve_report": judge_a_report,
        "restore_message": judge_restore_message, "lock_message": judge_moderated,
    }
    WITHOUT_ACCOUNT = {"hello", "authenticate", "login", "look_up_invitation", "register", "get_audit_keys", "appeal_site_ban", "get_charter"}

    def judge(self, who, name, q):
        """`who` 0: nobody is logged in."""
        if name == "impose_sanction" and who and q.HasField("on_behalf"):
            return self.judge_for_the_committee(who, q)
        if who == 0 and name not in self.WITHOUT_ACCOUNT:
            return {"UNAUTHENTICATED"}
        return self.POLICY[name](self, who, q)

    # --- What was done, after a yes ---

    def did(self, who, name, q, reply):
        follow = getattr(self, "did_" + name, None)
        if follow:
            follow(who, q, reply)
        for club in self.clubs.values() if name in ("accept_invitation", "add_member", "set_member_status", "lift_sanction", "decide_appeal", "decide_proposal") else ():
            club.entered |= {a for a, m in club.members.items() if m.status in READING}

    def did_create_club(self, who, q, reply):
        self.clubs.setdefault(reply.object_id, Club(q.slug, q.capacity or 1000))

    def did_change_club(self, who, q, reply):
        if q.HasField("capacity"):
            self.clubs[q.club_id].capacity = q.capacity

    def did_create_room(self, who, q, reply):
        self.clubs[q.club_id].rooms[reply.object_id] = Room(q.access, set(q.roles))

    def did_change_room(self, who, q, reply):
        room = self.clubs[q.club_id].rooms[q.room_id]
        if q.HasField("access"):
            room.access, room.roles = q.access, set(q.roles)
        if q.HasField("archived"):
            room.archived = q.archived
        if q.HasField("locked"):
            room.locked = q.locked

    def did_create_invitation(self, who, q, reply):
        i = Invitation(reply.code, q.club_id, q.role, who, max_uses=q.max_uses or 1,
                       decision=q.needs_decision or bool(q.club_id) and self.rank(who, q.club_id) < COMMITTEE)
        self.codes[reply.code] = i
        home = self.clubs[q.club_id].invitations if q.club_id else self.invitations
        home[reply.invitation.invitation_id] = i

    def did_revoke_invitation(self, who, q, reply):
        home = self.clubs[q.club_id].invitations if q.club_id else self.invitations
        home[q.invitation_id].revoked = True

    def did_accept_invitation(self, who, q, reply):
        i = self.codes[q.code]
        if not i.club:
            i.uses += 1
            return
        m = self.member(who, i.club)
        before = m.status if m else 0
        if before in PLACED | {OPTED_IN, WAITLISTED}:
            i.uses += bool(i.account)
            return
        back = before in (REFUSED, REMOVED, LEFT)
        asks = i.decision or back or not self.vouched(i)
        entry = Member(i.role, OPTED_IN if asks else ACTIVE, self.clubs[i.club].charter or (m.charter if m else 0))
        if m and m.joined:
            entry.joined = True
        self.clubs[i.club].members[who] = entry
        i.uses += 1

    def did_add_member(self, who, q, reply):
        if q.dry_run:
            return
        if reply.account_created:
            self.accounts[reply.account_id] = Account(q.login, q.display_name)
        club, m = self.clubs[q.club_id], self.member(reply.account_id, q.club_id)
        if m and m.status in PLACED:
            return
        if q.role == PRESIDENT and self.president(q.club_id):
            club.members[self.president(q.club_id)].role = COMMITTEE
        club.members[reply.account_id] = Member(q.role, ACTIVE, m.charter if m else 0)
        if reply.activation_code:
            i = Invitation(reply.activation_code, q.club_id, q.role, who, False, account=reply.account_id)
            self.codes[reply.activation_code] = i
            club.invitations[max(club.invitations, default=0) + 1] = i

    def did_set_role(self, who, q, reply):
        if q.role == PRESIDENT and self.president(q.club_id):
            self.clubs[q.club_id].members[self.president(q.club_id)].role = COMMITTEE
        self.clubs[q.club_id].members[q.account_id].role = q.role

    def did_set_member_status(self, who, q, reply):
        if reply.proposal_id:
            self.clubs[q.club_id].proposals[reply.proposal_id] = Proposal(q.account_id, who, "status", q.status)
            return
        m = self.clubs[q.club_id].members[q.account_id]
        if q.status == m.status:
            return
        if q.account_id == who and m.status == INVITED and q.status != LEFT and self.clubs[q.club_id].charter:
            m.charter = q.charter_version
        enters, other = q.status in READING and m.status not in READING, self.president(q.club_id)
        if enters and m.role == PRESIDENT and other not in (0, q.account_id):
            m.role = COMMITTEE
        if q.status in (REMOVED, BANNED, LEFT) and m.role > MEMBER:
            m.role = MEMBER
        if q.status == BANNED:
            held = self.clubs[q.club_id].sanctions
            held[max(held, default=0) + 1] = Sanction(q.account_id, BAN, by_site=self.staff(who), imposer=who)
        for s in self.standing(q.account_id, q.club_id) if m.status == BANNED else ():
            s.stands = s.stands and s.kind != BAN
        m.status = q.status

    def did_propose_charter(self, who, q, reply):
        if reply.proposal_id:
            self.clubs[q.club_id].proposals[reply.proposal_id] = Proposal(0, who, "charter")
        else:
            self.clubs[q.club_id].charter = reply.object_id

    def did_accept_charter(self, who, q, reply):
        self.member(who, q.club_id).charter = reply.object_id

    def did_withdraw_proposal(self, who, q, reply):
        self.clubs[q.club_id].proposals[q.proposal_id].open = False

    def did_decide_proposal(self, who, q, reply):
        club = self.clubs[q.club_id]
        p = club.proposals[q.proposal_id]
        p.open = False
        if not q.confirm:
            return
        if p.act == "charter":
            club.charter += 1
            return
        m = club.members[p.subject]
        if p.act == "status":
            status, already = p.status, m.status == p.status
        else:
            status, already = BANNED if p.act == "ban" else LEFT, False
        if already:
            return
        for s in self.standing(p.subject, q.club_id):
            if p.act == "ban" and s.kind == BAN:
                s.stands = False
        if p.act in ("ban", "kick") or status == BANNED:
            kind = KICK if p.act == "kick" else BAN
            club.sanctions[max(club.sanctions, default=0) + 1] = Sanction(p.subject, kind, stands=kind == BAN, imposer=p.maker, seconder=who)
        if m.role > MEMBER:
            m.role = MEMBER
        m.status = status

    def did_impose_sanction(self, who, q, reply):
        if reply.proposal_id:
            self.clubs[q.club_id].proposals[reply.proposal_id] = Proposal(q.account_id, who, "kick" if q.kind == KICK else "ban")
            return
        m = self.member(q.account_id, q.club_id)
        before = m.status
        for s in self.standing(q.account_id, q.club_id):
            if (s.kind, s.room) == (q.kind, q.room_id):
                s.stands, before = False, s.before or before
        self.clubs[q.club_id].sanctions[reply.object_id] = Sanction(
            q.account_id, q.kind, q.room_id, self.staff(who) and not q.HasField("on_behalf"), before if q.kind == SUSPENSION else 0, q.kind not in (WARNING, KICK), who)
        m.status = {SUSPENSION: SUSPENDED, KICK: LEFT, BAN: BANNED}.get(q.kind, m.status)
        if q.kind in (KICK, BAN) and m.role > MEMBER:
            m.role = MEMBER

    def did_lift_sanction(self, who, q, reply):
        s = self.clubs[q.club_id].sanctions[q.sanction_id]
        if not s.stands:
            return
        s.stands = False
        m = self.member(s.account, q.club_id)
        if s.kind == SUSPENSION and m and m.status == SUSPENDED:
            other = self.president(q.club_id)
            if m.role == PRESIDENT and other not in (0, s.account):
                m.role = COMMITTEE
            m.status = s.before if s.before in READING else ACTIVE
        elif s.kind == BAN and m and m.status == BANNED:
            m.status = REMOVED

    def did_set_site_role(self, who, q, reply):
        next(a for a in self.accounts.values() if a.login == q.login).site_role = q.role

    def did_post_message(self, who, q, reply):
        room = self.room_of(q.stream, q.room_id)
        assert reply.object_id == len(room.messages) + 1, "numbers are dense"
        room.messages.append(Message(who, q.body))

    def did_edit_message(self, who, q, reply):
        self.named(q).body = q.body

    def did_delete_message(self, who, q, reply):
        m = self.named(q)
        if not m.deleted:
            m.deleted, m.deleter, m.words, m.body, m.removal = True, who, m.body, "", 0

    def did_restore_message(self, who, q, reply):
        m = self.named(q)
        if m.deleted:
            m.deleted, m.body = False, m.words

    def did_remove_messages(self, who, q, reply):
        if not reply.object_id:
            return
        rooms, taken = self.clubs[q.club_id].rooms, []
        for ref in q.messages:
            m = rooms[ref.room_id].messages[ref.number - 1]
            if not m.deleted:
                m.deleted, m.deleter, m.words, m.body, m.removal = True, who, m.body, "", reply.object_id
                taken.append((ref.room_id, ref.number))
        self.clubs[q.club_id].removals[reply.object_id] = [q.account_id, taken, False]

    def did_undo_removal(self, who, q, reply):
        removal, rooms = self.clubs[q.club_id].removals[q.removal_id], self.clubs[q.club_id].rooms
        for room, number in () if removal[2] else removal[1]:
            m = rooms[room].messages[number - 1]
            if m.deleted and m.removal == q.removal_id:
                m.deleted, m.body = False, m.words
        removal[2] = True

    def did_file_report(self, who, q, reply):
        room, number = (q.message.room_id, q.message.number) if q.HasField("message") else (0, 0)
        held = self.clubs[q.club_id].reports
        held.setdefault(reply.object_id, Report(self.subject_of(q), room, number, set())).told.add(who)

    def did_claim_report(self, who, q, reply):
        self.clubs[q.club_id].reports[q.report_id].claimer = 0 if q.release else who

    def did_resolve_report(self, who, q, reply):
        self.clubs[q.club_id].reports[q.report_id].open = False

    def did_start_raid_mode(self, who, q, reply):
        self.clubs[q.club_id].raid = True

    def did_end_raid_mode(self, who, q, reply):
        self.clubs[q.club_id].raid = False

    def did_appeal_sanction(self, who, q, reply):
        self.clubs[q.club_id].sanctions[q.sanction_id].appeal = "open"

    def did_decide_appeal(self, who, q, reply):
        self.clubs[q.club_id].sanctions[q.sanction_id].appeal = "decided"
        if q.grant:
            self.did_lift_sanction(who, q, reply)

    def did_lock_message(self, who, q, reply):
        self.named(q).frozen = not q.unlock

    def did_import_messages(self, who, q, reply):
        room = self.clubs[q.club_id].rooms[q.room_id]
        room.messages += [Message(0, m.body) for m in q.messages]

    def did_open_direct(self, who, q, reply):
        d = self.directs.setdefault(direct_id(who, q.account_id), Direct())
        if not d.status:
            d.status, d.asker = REQUESTED, who
        elif d.asker != who:
            d.status = OPEN

    def did_answer_direct(self, who, q, reply):
        self.directs[q.direct_id].status = OPEN if q.accept else DECLINED

    def did_block_direct(self, who, q, reply):
        d = self.directs.setdefault(direct_id(who, q.account_id), Direct())
        (d.blockers.discard if q.unblock else d.blockers.add)(who)

    def did_revoke_token(self, who, q, reply):
        tokens = self.accounts[q.account_id or who].tokens
        if q.all:
            tokens.clear()
        else:
            tokens.pop(q.token_id, None)

    def did_change_profile(self, who, q, reply):
        if q.HasField("display_name"):
            # Where a sanction stands, as on whoever is banned, the club goes on showing the name that it knew.
            for club, state in self.clubs.items():
                if who in state.members and self.held(who, club, 0):
                    state.old_names.setdefault(who, self.accounts[who].name)
                else:
                    state.old_names.pop(who, None)
            self.accounts[who].name = q.display_name

    def names_of(self, who, club):
        """What a club may show for a name: the old one while a sanction stands; from then on until the next change, the one or the other."""
        old = self.clubs[club].old_names.get(who)
        if old is not None and self.held(who, club, 0):
            return {old}
        return {self.accounts[who].name} if old is None else {old, self.accounts[who].name}

    # --- What may be seen ---

    def sees_member(self, who, club, target):
        m = self.member(target, club)
        return m is not None and (m.status in READING or target == who or self.admits(who, club))

    def admits(self, who, club):
        m = self.member(who, club)
        return self.staff(who) or m is not None and m.status == ACTIVE and m.role in MANAGERS

    def clubs_of(self, who):
        if self.staff(who):
            return set(self.clubs)
        return {c for c, club in self.clubs.items() if who in club.members and club.members[who].status in KNOWING}

    def directs_of(self, who):
        return {i for i, d in self.directs.items() if self.is_side(who, i) and (d.status or who in d.blockers)}
