"""A stock slixmpp client with XEP-0184, worked by JSON lines: commands on stdin, what happens to it on stdout.

Commands: {"do": NAME, ...}, see the methods `do_NAME`. Events: {"event": NAME, ...}, see `report`.
"""

import asyncio
import json
import logging
import ssl
import sys

from slixmpp import ClientXMPP


class Client(ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        # The test answers requests itself.
        self.auto_authorize = None
        self.auto_subscribe = False
        for plugin in ("xep_0030", "xep_0115", "xep_0184", "xep_0199", "xep_0203"):
            self.register_plugin(plugin)
        self["feature_mechanisms"].unencrypted_plain = True
        # An available presence is an event by its show, if it has one.
        shows = ("available", "chat", "away", "xa", "dnd")
        for name in (*shows, "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self.add_event_handler("presence_" + name, self.on_presence)
        self.add_event_handler("session_start", self.on_session)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("message_error", self.on_message_error)
        self.add_event_handler("receipt_received", self.on_receipt)
        # "failed_auth" comes for each mechanism that was tried in vain, and the next may do.
        self.add_event_handler("failed_all_auth", lambda _: report("refused"))
        self.add_event_handler("connection_failed", lambda why: report("refused", why=str(why)))
        self.add_event_handler("disconnected", lambda _: report("disconnected"))

    async def on_session(self, _):
        await self.get_roster()
        self.send_presence()
        # A server handles a client's stanzas in order: with the answer it takes us for present, and stores nothing.
        await self["xep_0199"].ping(self.boundjid.host)
        report("session", jid=str(self.boundjid))

    def on_message(self, message):
        # An error about a message has its body, and comes here as well.
        if message["body"] and message["type"] != "error":
            delay = message.xml.find("{urn:xmpp:delay}delay")
            report(
                "message",
                body=message["body"],
                delay=None if delay is None else delay.get("stamp"),
                **addresses(message),
            )

    def on_message_error(self, message):
        report("error", condition=message["error"]["condition"], text=message["error"]["text"], **addresses(message))

    def on_receipt(self, message):
        report("receipt", about=message["receipt"], **addresses(message))

    def on_presence(self, presence):
        # Its `type` is the show, if there is one.
        kind = presence.xml.get("type", "available")
        said = {name: presence.xml.findtext("{jabber:client}" + name) for name in ("show", "status", "priority")}
        report("presence", kind=kind, **said, **addresses(presence))

    def do_send(self, to, body, type="chat", request=True, id=None):
        message = self.make_message(mto=to, mbody=body, mtype=type)
        message["id"] = id or self.new_id()
        message["request_receipt"] = request
        message.send()
        report("sent", id=message["id"])

    def do_presence(self, to=None, type=None, show=None, status=None, priority=None):
        self.send_presence(pto=to, ptype=type, pshow=show, pstatus=status, ppriority=priority)

    async def do_features(self, of):
        info = await self["xep_0030"].get_info(jid=of, cached=False)
        report("features", of=of, features=sorted(info["disco_info"]["features"]))

    async def do_logout(self):
        await self.disconnect()


def addresses(stanza):
    return {"id": stanza["id"], "type": stanza.xml.get("type"), "from": str(stanza["from"]), "to": str(stanza["to"])}


def report(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    client = None
    # Its end is the end of the test.
    while line := await lines.readline():
        command = json.loads(line)
        name = command.pop("do")
        if name == "login":
            client = Client(command["jid"], command["password"])
            # Where TLS is taken, the certificate is the server's own.
            client.ssl_context.check_hostname = False
            client.ssl_context.verify_mode = ssl.CERT_NONE
            address = (command["host"], command["port"])
            client.connect(address, force_starttls=False, disable_starttls=not command["tls"])
            continue
        try:
            result = getattr(client, "do_" + name)(**command)
            if asyncio.iscoroutine(result):
                await result
        except Exception as error:  # The test is to see it, whatever it is.
            report("failed", command=name, why=repr(error))


logging.basicConfig(level=logging.ERROR)
# slixmpp 1.8 takes the loop that is current when the client is made.
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(main())
