# SPDX-License-Identifier: AGPL-3.0-or-later
"""Good bytes, damaged at random, at every layer: nothing is expected of the answers but that they come, or that the connection
ends, and that the server and its honest member live on. What this finds by name belongs into the tables."""

import random
import time

from wire import BINARY, PASSWORD, Closed, Stream, frame_bytes, fresh_id

GOOD_HTTP = (b"POST /v1/call HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"listClubs\": {}}",
             b"POST /v1/call HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"listClubs\": {}}\r\n0\r\n\r\n",
             b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: amicale.v1\r\n\r\n")


def hurt(rng, data):
    """Flips, cuts, repeats, inserts and swaps."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
        if not data:
            break
        at = rng.randrange(len(data))
        what = rng.randrange(6)
        if what == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, 10, 13, 32))
        elif what == 2:
            del data[at:at + rng.randrange(1, 9)]
        elif what == 3:
            data[at:at] = data[at:at + rng.randrange(1, 33)] * rng.choice((1, 2, 50))
        elif what == 4:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            del data[at:]
    return bytes(data)


def requests(scene, rng):
    p = scene.p
    bodies = [{"list_clubs": {}}, {"get_history": {"stream": scene.stream, "room_id": scene.room, "before": 20}},
              {"post_message": {"stream": scene.stream, "room_id": scene.room, "body": "bonjour 👋", "client_msg_id": fresh_id(),
                                "mentions": {"accounts": [1, 2, 3]}}},
              {"subscribe": {"stream": scene.stream, "after_seq": 0}}, {"heartbeat": {"cursors": [{"stream": scene.stream, "seq": 5}]}},
              {"react": {"stream": scene.stream, "room_id": scene.room, "number": 1, "emoji": "👍", "client_msg_id": fresh_id()}},
              {"open_direct": {"account_id": 1, "introduction": "bonjour", "client_msg_id": fresh_id()}},
              {"change_profile": {"display_name": "Mallory", "client_msg_id": fresh_id()}}]
    return p.ClientFrame(request_id=rng.randrange(1, 1 << 32), **rng.choice(bodies)).SerializeToString()


def mallory(scene):
    """Mallory's connection; damage may also have said, in good order, that this device logs out."""
    try:
        return scene.mallory()
    except AssertionError:
        fresh = scene.anonymous().must(login={"login": "mallory", "password": PASSWORD, "device_name": "x"})
        scene.tokens["mallory"] = fresh.token
        return scene.mallory()


def attack(scene, seed, seconds):
    rng, end, tries = random.Random(seed), time.monotonic() + seconds, {"http": 0, "frames": 0, "protobuf": 0}
    while time.monotonic() < end:
        layer = rng.choice(list(tries))
        tries[layer] += 1
        if layer == "http":
            stream = Stream(scene.server.port, patience=15)
            try:
                stream.send(hurt(rng, rng.choice(GOOD_HTTP)))
                stream.socket.shutdown(1)
                stream.rest()
            except OSError:
                pass
            stream.close()
        else:
            ws = mallory(scene)
            try:
                for _ in range(rng.randrange(1, 30)):
                    good = requests(scene, rng)
                    data = (frame_bytes(BINARY, hurt(rng, good)) if layer == "protobuf" else hurt(rng, frame_bytes(BINARY, good)))
                    ws.send(data)
                ws.socket.shutdown(1)
                while True:
                    ws.read_message()
            except (OSError, Closed, AssertionError):
                pass
            ws.close()
        assert scene.server.alive(), f"the server died of damaged {layer}"
        scene.honest_life_goes_on()
    print(f"  damaged at random: {', '.join(f'{n} times {layer}' for layer, n in tries.items())}; the honest member noticed nothing", flush=True)
