# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands that write to several logs (the site's, an account's, a club's): people who are added by the office, and people who
register by a link. Killed in between, the same command again must finish what it began, once."""

import asyncio
import os

import wire_client
from ledger import ACKED, SENT, UNKNOWN
from writers import GONE

CLEAR_NO = ("UNAVAILABLE", "INTERNAL")


class Person:
    def __init__(self, number, how):
        self.login, self.name, self.password = f"{how}{number}", f"{how.capitalize()} {number}", f"motdepasse {os.urandom(8).hex()}"
        self.how, self.id, self.state, self.account, self.code = how, os.urandom(16), SENT, 0, None


class Newcomers:
    def __init__(self, server, world):
        self.server, self.world, self.people, self.wrong, self.link = server, world, [], [], None

    async def prepare(self):
        owner = await self.connect(self.world.owner_token)
        made = await owner.ask(create_invitation={"club_id": self.world.clubs[0], "max_uses": 1000, "valid_hours": 24 * 30,
                                                  "role": wire_client.common_pb2.CLUB_ROLE_MEMBER, "client_msg_id": os.urandom(16)})
        self.link = made.code
        await self.leave(owner)

    async def connect(self, token=None):
        return await wire_client.Client(self.server.url).connect(token)

    @staticmethod
    async def leave(client):
        client.socket.transport.abort()
        await client.reader

    async def enter(self, client, person):
        """One attempt; the same for a repeat."""
        first = person.state != UNKNOWN
        try:
            if person.how == "ajout":
                reply = await client.ask(add_member={"club_id": self.world.clubs[0], "login": person.login,
                                                     "display_name": person.name, "client_msg_id": person.id,
                                                     "role": wire_client.common_pb2.CLUB_ROLE_MEMBER})
            else:
                reply = await client.ask(register={"code": self.link, "login": person.login, "display_name": person.name,
                                                   "password": person.password, "device_name": "a", "client_msg_id": person.id})
        except wire_client.Refused as refusal:
            if not str(refusal).removeprefix("REFUSAL_CODE_").startswith(CLEAR_NO):
                self.wrong.append(f"{'' if first else 'a repeat of '}{person.how} {person.login} is refused: {refusal}")
                self.people.remove(person)
            else:
                person.state = UNKNOWN
            return True
        except GONE:
            person.state = UNKNOWN
            return False
        if person.state == ACKED and person.account != reply.account_id:
            self.wrong.append(f"{person.login} is account {person.account} and {reply.account_id}")
        person.state, person.account = ACKED, reply.account_id
        return True

    async def come(self, stop):
        """Until `stop` or the end of the connection: a few, one after the other, both ways at once."""
        async def lane(how):
            try:
                client = await self.connect(self.world.owner_token if how == "ajout" else None)
            except GONE:
                return
            for _ in range(4):
                if stop.is_set():
                    break
                person = Person(len(self.people), how)
                self.people.append(person)
                if not await self.enter(client, person):
                    break
            await self.leave(client)
        await asyncio.gather(lane("ajout"), lane("lien"))

    async def again(self):
        """After a fault: every unknown one once more, under the same id."""
        unknown = [p for p in self.people if p.state == UNKNOWN]
        if not unknown:
            return
        owner, stranger = await self.connect(self.world.owner_token), await self.connect()
        for person in unknown:
            await self.enter(owner if person.how == "ajout" else stranger, person)
        for client in (owner, stranger):
            await self.leave(client)
        self.wrong += [f"{p.login}: the repeat was not answered" for p in unknown if p.state == UNKNOWN]

    async def compare(self):
        """Each is a member once, under the account that was answered; who registered can log in."""
        owner = await self.connect(self.world.owner_token)
        listed, after = [], 0
        while True:
            page = await owner.ask(list_members={"club_id": self.world.clubs[0], "after": after})
            listed += page.members
            after = page.next
            if after == 0:
                break
        by_name = {}
        for member in listed:
            by_name.setdefault(member.display_name, []).append(member.account_id)
        for person in self.people:
            if by_name.get(person.name, []) != [person.account]:
                self.wrong.append(f"LOST: {person.login} was answered as account {person.account}, and is listed as "
                                  f"{by_name.get(person.name, [])}")
        stranger = await self.connect()
        for person in [p for p in self.people if p.how == "lien"][:20]:
            try:
                await stranger.ask(login={"login": person.login, "password": person.password, "device_name": "b"})
            except wire_client.Refused as refusal:
                self.wrong.append(f"{person.login} registered and can't log in: {refusal}")
        for client in (owner, stranger):
            await self.leave(client)
        return self.wrong
