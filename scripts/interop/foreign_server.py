#!/usr/bin/env python3
"""An event log server (MS-EVEN6) for trying clients on: security by pyspnego, NDR by impacket, events and PDUs made here.

  foreign_server.py --port N --epm-port N --user NAME --password TEXT

Channels: Application has 300 events; Live gets one every half second; Slow answers no read until it is cancelled.
Filters: *, *[System[EventRecordID OP N]], and a query list with one Select of these. Says 'ready' when it listens.
"""

import argparse
import os
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import spnego
from spnego.iov import BufferType
from impacket.dcerpc.v5 import epm
from impacket.dcerpc.v5.ndr import NULL

import foreign_binxml
import impacket_even6 as calls

REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, BIND_NAK, ALTER, ALTER_ANSWER, AUTH3, CO_CANCEL, ORPHANED = (
    0, 2, 3, 11, 12, 13, 14, 15, 16, 18, 19)
FIRST, LAST, HEADER_SIGNING, MULTIPLEXED, OBJECT = 1, 2, 4, 0x10, 0x80
INTEGRITY, PRIVACY = 5, 6
EVEN6 = calls.EVEN6
NDR = uuid.UUID('8a885d04-1ceb-11c9-9fe8-08002b104860').bytes_le + struct.pack('<HH', 2, 0)
FEATURES = uuid.UUID('6cb71c2c-9812-4540-0000-000000000000').bytes_le[:8]
DENIED, PARAMETER, NO_MORE, CANCELLED, NO_CHANNEL, BAD_QUERY = 5, 0x57, 0x103, 0x4C7, 0x3A9F, 0x3A99
NOT_FOUND, PAIRING = 0x490, 0x10DD
EPOCH = 116444736000000000


class Status(Exception):
    """Ends an operation with a status."""


class Logs:
    """The channels, in memory."""

    def __init__(self):
        self.changed = threading.Condition()
        self.channels = {'Application': [], 'Live': [], 'Slow': []}
        for _ in range(300):
            self.write('Application')
        self.write('Slow')

    def write(self, channel):
        with self.changed:
            events = self.channels[channel]
            number = (events[-1][0] if events else 0) + 1
            text = 'text ' * (number % 40)
            events.append((number, foreign_binxml.event(
                f'Provider-{number % 5}', 1000 + number % 9, number % 5 + 1, EPOCH + int(time.time() * 1e7), number, channel, text)))
            self.changed.notify_all()


class Handle:
    """What a context handle stands for."""

    def __init__(self, kind, **fields):
        self.kind, self.cancelled, self.closed = kind, 0, False
        self.__dict__.update(fields)


class Group:
    """An association group: its handles live as long as one of its connections."""

    groups = {}
    lock = threading.Lock()

    def __init__(self):
        self.number = struct.unpack('<L', os.urandom(4))[0] or 1
        self.handles = {}
        self.connections = 0
        Group.groups[self.number] = self

    def open(self, handle):
        key = os.urandom(16)
        self.handles[key] = handle
        wire = calls.HANDLE()
        wire['Uuid'] = key
        return wire

    def get(self, wire, *kinds):
        handle = self.handles.get(bytes(wire['Uuid']))
        if handle is None:
            raise LookupError
        if kinds and handle.kind not in kinds:
            raise Status(PARAMETER)
        return handle


def null():
    wire = calls.HANDLE()
    wire['Uuid'] = bytes(16)
    return wire


def matches(query):
    """The filter of a query, on record numbers."""
    select = re.search(r'<Select[^>]*>(.*?)</Select>', query, re.S)
    text = (select.group(1) if select else query).replace('&lt;', '<').replace('&gt;', '>').strip()
    if text in ('*', ''):
        return lambda number: True
    found = re.fullmatch(r'(?:Event|\*)\[\s*System\s*\[\s*\(?\s*EventRecordID\s*(<=|>=|=|<|>)\s*(\d+)\s*\)?\s*\]\s*\]', text)
    if not found:
        raise Status(BAD_QUERY)
    limit = int(found.group(2))
    return {'<': lambda number: number < limit, '>': lambda number: number > limit, '=': lambda number: number == limit,
            '<=': lambda number: number <= limit, '>=': lambda number: number >= limit}[found.group(1)]


def bookmark_number(xml):
    found = re.search(r'RecordId\s*=\s*["\'](\d+)', xml or '')
    if not found:
        raise Status(PARAMETER)
    return int(found.group(1))


class Service:
    """IEventService over the channels."""

    def __init__(self, logs):
        self.logs = logs

    def call(self, opnum, stub, group):
        request_class, name = OPERATIONS[opnum]
        response = getattr(calls, name + 'Response')()
        status = 0
        try:
            getattr(self, 'do_' + name)(request_class(stub), response, group)
        except Status as error:
            status = error.args[0]
            response = blank(getattr(calls, name + 'Response'))
        response['ErrorCode'] = status
        if status == BAD_QUERY and 'Error' in response.fields:
            response['Error']['Error'] = status
        return response.getData()

    def source(self, path, query):
        inside = re.search(r'Path\s*=\s*["\']([^"\']+)', query) if '<QueryList' in query else None
        channel = calls.text(path) or (inside and inside.group(1))
        if channel not in self.logs.channels:
            raise Status(NO_CHANNEL)
        return channel, matches(query)

    def registered(self, response, group, handle, channel):
        response['Handle'], response['Control'] = group.open(handle), group.open(Handle('control', target=handle))
        info = calls.CHANNEL_INFO()
        info['Name'], info['Status'] = channel + '\0', 0
        response['InfoCount'], response['Infos'] = 1, [info]

    def do_RegisterLogQuery(self, request, response, group):
        channel, keep = self.source(request['Path'], calls.text(request['Query']))
        events = [event for event in self.logs.channels[channel] if keep(event[0])]
        backward = bool(request['Flags'] & 0x200)
        handle = Handle('query', channel=channel, events=events[::-1] if backward else events, next=0, backward=backward)
        self.registered(response, group, handle, channel)

    def do_QueryNext(self, request, response, group):
        handle = group.get(request['Handle'], 'query')
        if not 1 <= request['Count'] <= 1024:
            raise Status(PARAMETER)
        if handle.channel == 'Slow':
            self.wait(handle, lambda: False)
        self.batch(response, handle, handle.events[handle.next:handle.next + request['Count']])
        handle.next += response['Count']

    def do_QuerySeek(self, request, response, group):
        handle = group.get(request['Handle'], 'query')
        origin, strict, position = request['Flags'] & 7, request['Flags'] & 0x10000, request['Position']
        if origin not in (1, 2, 3, 4) or (origin == 1 and position < 0) or (origin == 2 and position > 0):
            raise Status(PARAMETER)
        start = {1: 0, 2: len(handle.events) - 1, 3: handle.next - 1}.get(origin)
        if origin == 4:
            wanted = bookmark_number(calls.text(request['Bookmark']))
            numbers = [number for number, _ in handle.events]
            if wanted in numbers:
                start = numbers.index(wanted)
            elif strict:
                raise Status(NOT_FOUND)
            else:
                start = max((index for index, number in enumerate(numbers) if number < wanted), default=0)
        target = start + position
        if strict and not 0 <= target < len(handle.events):
            raise Status(NOT_FOUND)
        handle.next = max(0, min(target, len(handle.events) - 1))

    def do_RegisterRemoteSubscription(self, request, response, group):
        flags = request['Flags']
        if flags & 3 == 0:
            raise Status(PARAMETER)
        channel, keep = self.source(request['Channel'], calls.text(request['Query']))
        events = self.logs.channels[channel]
        after = {1: events[-1][0] if events else 0, 2: 0}.get(flags & 3)
        if after is None:
            after = bookmark_number(calls.text(request['Bookmark']))
        handle = Handle('subscription', channel=channel, keep=keep, after=after, pull=bool(flags & 0x10000000), backward=False)
        self.registered(response, group, handle, channel)

    def unread(self, handle):
        return [event for event in self.logs.channels[handle.channel] if event[0] > handle.after and handle.keep(event[0])]

    def wait(self, handle, ready):
        """Waits until there is something, or the handle's control is cancelled, or the handle closed."""
        seen = handle.cancelled
        with self.logs.changed:
            self.logs.changed.wait_for(lambda: handle.closed or handle.cancelled != seen or ready())
        if handle.closed or handle.cancelled != seen:
            raise Status(CANCELLED)

    def do_RemoteSubscriptionNextAsync(self, request, response, group):
        handle = group.get(request['Handle'], 'subscription')
        if handle.pull:
            raise Status(PAIRING)
        self.wait(handle, lambda: self.unread(handle))
        self.deliver(response, handle, request['Count'])

    def do_RemoteSubscriptionNext(self, request, response, group):
        handle = group.get(request['Handle'], 'subscription')
        if not handle.pull:
            raise Status(PAIRING)
        self.deliver(response, handle, request['Count'])

    def do_RemoteSubscriptionWaitAsync(self, request, response, group):
        handle = group.get(request['Handle'], 'subscription')
        if not handle.pull:
            raise Status(PAIRING)
        self.wait(handle, lambda: self.unread(handle))

    def deliver(self, response, handle, count):
        events = self.unread(handle)[:count]
        self.batch(response, handle, events)
        handle.after = events[-1][0]

    def batch(self, response, handle, events):
        if not events:
            raise Status(NO_MORE)
        buffer, indices, sizes = b'', [], []
        for number, binxml in events:
            record = foreign_binxml.record(binxml, number, handle.backward)
            indices.append(len(buffer))
            sizes.append(len(record))
            buffer += record + b'\xCC' * (len(record) % 2)  # Windows begins each record at an even offset.
        response['Count'], response['BufferSize'] = len(events), len(buffer)
        response['Indices'], response['Sizes'] = dwords(indices), dwords(sizes)
        response['Buffer'] = [bytes([octet]) for octet in buffer]

    def do_RegisterControllableOperation(self, request, response, group):
        response['Handle'] = group.open(Handle('control', target=Handle('operation')))

    def do_ClearLog(self, request, response, group):
        group.get(request['Control'], 'control')
        channel = calls.text(request['Channel'])
        if channel not in self.logs.channels:
            raise Status(NO_CHANNEL)
        del self.logs.channels[channel][:]

    def do_ExportLog(self, request, response, group):
        control = group.get(request['Control'], 'control')
        channel, _ = self.source(request['Channel'], calls.text(request['Query']))
        if channel == 'Slow':
            self.wait(control.target, lambda: False)

    def do_Close(self, request, response, group):
        handle = group.get(request['Handle'])
        del group.handles[bytes(request['Handle']['Uuid'])]
        self.end(handle)
        response['Handle'] = null()

    def do_Cancel(self, request, response, group):
        control = group.get(request['Handle'], 'control')
        with self.logs.changed:
            control.target.cancelled += 1
            self.logs.changed.notify_all()

    def end(self, handle):
        with self.logs.changed:
            handle.closed = True
            self.logs.changed.notify_all()

    def do_OpenLogHandle(self, request, response, group):
        channel = calls.text(request['Path'])
        if channel not in self.logs.channels:
            raise Status(NO_CHANNEL)
        response['Handle'] = group.open(Handle('log', channel=channel))

    def do_GetLogFileInfo(self, request, response, group):
        handle = group.get(request['Handle'], 'log')
        number, size = request['Id'], request['Size']
        if not 0 <= number <= 7:
            raise Status(PARAMETER)
        events = self.logs.channels[handle.channel]
        kind, value = [(0x11, EPOCH + 1), (0x11, EPOCH + 2), (0x11, EPOCH + 3), (0xA, 69632), (0x8, 32), (0xA, len(events)),
                       (0xA, events[0][0] if events else 0), (0xD, 0)][number]
        response['Value'] = [bytes([octet]) for octet in struct.pack('<QLL', value, 0, kind).ljust(size, b'\0')]
        response['Length'] = 16

    def do_GetChannelList(self, request, response, group):
        self.names(response, sorted(self.logs.channels))

    def do_GetPublisherList(self, request, response, group):
        self.names(response, [f'Provider-{number}' for number in range(5)])

    def names(self, response, names):
        items = []
        for name in names:
            item = calls.LPWSTR()
            item['Data'] = name + '\0'
            items.append(item)
        response['Count'], response['Names'] = len(items), items

    def do_GetChannelConfig(self, request, response, group):
        channel = calls.text(request['Channel'])
        if channel not in self.logs.channels:
            raise Status(NO_CHANNEL)
        # As Windows answered once: Level, Keywords and ControlGuid null, BufferSize of 32 bits.
        entries = calls.variants(
            (0, (1, 1)), (1, (2, 0)), (2, (2, 0)), (3, (4, 'Foreign\0')), (4, (1, 0)), (5, (4, 'O:BAG:SYD:(A;;0x7;;;BA)\0')), (6, (1, 0)),
            (7, (1, 0)), (8, (3, 20971520)), (9, (4, f'C:\\Logs\\{channel}.evtx\0')), (13, (2, 64)), (14, (2, 4)), (15, (2, 26)),
            (16, (2, 1)), (17, (2, 0)), (18, (2, 1)), (20, (2, 0)))
        for entry in entries:
            entry['Flags'] = 0
        response['List']['Count'], response['List']['Props'] = len(entries), entries


def dwords(numbers):
    items = []
    for number in numbers:
        item = calls.DWORD()
        item['Data'] = number
        items.append(item)
    return items


def blank(kind):
    """A response with null handles, zero counts and NULL arrays."""
    response = kind()
    for name, field in response.fields.items():
        if isinstance(field, calls.HANDLE):
            response[name] = null()
        elif isinstance(field, calls.NDRPOINTER):
            response[name] = NULL
        elif isinstance(field, calls.VARIANT_LIST):
            response[name]['Count'], response[name]['Props'] = 0, NULL
    return response


OPERATIONS = {cls.opnum: (cls, name) for name, cls in vars(calls).items()
              if isinstance(cls, type) and hasattr(cls, 'opnum') and hasattr(Service, 'do_' + name)}


class Connection(threading.Thread):
    """One client's connection to the event service or to the mapper."""

    def __init__(self, plug, server, is_mapper):
        super().__init__(daemon=True)
        self.plug, self.server, self.is_mapper = plug, server, is_mapper
        self.group = self.security = None
        self.kind = self.level = self.context = 0
        self.max_send = 4280
        self.pieces = {}
        self.writing = threading.Lock()

    def run(self):
        try:
            while True:
                head = self.exactly(16)
                length, token_size, call = struct.unpack('<HHL', head[8:])
                self.receive(head[2], head[3], call, head + self.exactly(length - 16), token_size)
        except (ConnectionError, OSError):
            pass
        except Exception as error:
            print(f'internal error: {type(error).__name__}: {error}', flush=True)
        finally:
            self.plug.close()
            self.leave()

    def leave(self):
        if self.group is None:
            return
        with Group.lock:
            self.group.connections -= 1
            if self.group.connections:
                return
            Group.groups.pop(self.group.number, None)
        for handle in list(self.group.handles.values()):
            self.server.service.end(handle)

    def exactly(self, count):
        data = b''
        while len(data) < count:
            piece = self.plug.recv(count - len(data))
            if not piece:
                raise ConnectionError
            data += piece
        return data

    def receive(self, kind, flags, call, data, token_size):
        token = data[len(data) - token_size:] if token_size else None
        body = data[16:len(data) - token_size - 8] if token_size else data[16:]
        trailer = data[len(data) - token_size - 8:len(data) - token_size] if token_size else None
        if kind in (BIND, ALTER):
            self.bind(kind, flags, call, body, trailer, token)
        elif kind == AUTH3:
            self.step(token)
        elif kind == REQUEST:
            self.request(flags, call, data, body, trailer, token)
        elif kind not in (CO_CANCEL, ORPHANED):
            raise ConnectionError

    def step(self, token):
        """The security context's next token; None when it refuses, which is told later."""
        try:
            return self.security.step(token) or b''
        except Exception as error:  # Tokens of other mechanisms may also fail in the parser.
            print(f'a client was refused: {error}', flush=True)
            self.security = None
            return None

    def bind(self, kind, flags, call, body, trailer, token):
        max_send, max_receive, group, count = struct.unpack_from('<HHLB', body)
        answers, offset = b'', 12
        for _ in range(count):
            _, syntaxes = struct.unpack_from('<HB', body, offset)
            abstract = body[offset + 4:offset + 24]
            transfers = [body[offset + 24 + 20 * index:offset + 44 + 20 * index] for index in range(syntaxes)]
            offset += 24 + 20 * syntaxes
            if transfers[0][:8] == FEATURES:
                answers += struct.pack('<HH', 3, transfers[0][8] & 2) + bytes(20)
            elif abstract != (epm.MSRPC_UUID_PORTMAP if self.is_mapper else EVEN6):
                answers += struct.pack('<HH', 2, 1) + bytes(20)
            elif NDR not in transfers:
                answers += struct.pack('<HH', 2, 2) + bytes(20)
            else:
                answers += struct.pack('<HH', 0, 0) + NDR
        if kind == BIND:
            with Group.lock:
                if group and group not in Group.groups:
                    self.write(BIND_NAK, FIRST | LAST, call, struct.pack('<HBBB', 0, 1, 5, 0) + b'\0' * 3)
                    raise ConnectionError
                self.group = Group.groups[group] if group else Group()
                self.group.connections += 1
            self.max_send = max(1024, min(max_receive, 5840)) & ~7
            address = str(self.plug.getsockname()[1]).encode() + b'\0'
        else:
            address = b''
        answer = b''
        if trailer:
            self.kind, self.level, _, _, self.context = struct.unpack('<BBBBL', trailer)
            if self.security is None:
                protocol = {9: 'negotiate', 10: 'ntlm'}[self.kind]
                self.security = spnego.server(protocol=protocol, context_req=spnego.ContextReq.default | spnego.ContextReq.dce_style)
            answer = self.step(token)
            if answer is None:
                self.fault(call, DENIED)
                return
        head = struct.pack('<HHLH', 5840, 5840, self.group.number, len(address)) + address
        head += b'\0' * (-len(head) % 4) + struct.pack('<Bxxx', count) + answers
        self.write(BIND_ACK if kind == BIND else ALTER_ANSWER, FIRST | LAST | flags & (HEADER_SIGNING | MULTIPLEXED), call, head, answer)

    def request(self, flags, call, data, body, trailer, token):
        context, opnum = struct.unpack_from('<HH', body, 4)
        at = 24 + (16 if flags & OBJECT else 0)
        stub = body[at - 16:]
        if not self.is_mapper:
            if self.security is None or not self.security.complete or token is None or trailer[1] < INTEGRITY:
                self.fault(call, DENIED)
                return
            try:
                stub = self.open_sealed(data[:at], stub, trailer, token)
            except spnego.exceptions.SpnegoError:
                self.fault(call, 0x721)
                raise ConnectionError from None
            stub = stub[:len(stub) - trailer[2]]
        whole = (b'' if flags & FIRST else self.pieces.pop(call)) + stub
        if not flags & LAST:
            self.pieces[call] = whole
            return
        # Calls that wait must not keep others of the connection from being read.
        threading.Thread(target=self.answer, args=(call, context, opnum, cut_verification(whole)), daemon=True).start()

    def open_sealed(self, head, stub, trailer, token):
        if self.level == INTEGRITY:
            self.security.verify(head + stub + trailer, token)
            return stub
        return self.security.unwrap_iov([(BufferType.sign_only, head), stub, (BufferType.sign_only, trailer),
                                         (BufferType.header, token)]).buffers[1].data

    def answer(self, call, context, opnum, stub):
        try:
            if self.is_mapper:
                result = self.server.map(stub)
            elif opnum in OPERATIONS:
                result = self.server.service.call(opnum, stub, self.group)
            else:
                self.fault(call, 0x1C010002)
                return
        except LookupError:
            self.fault(call, 0x1C00001A)
            return
        except Exception as error:
            print(f'internal error in operation {opnum}: {type(error).__name__}: {error}; stub {stub.hex()}', flush=True)
            self.fault(call, 0x6F7)
            return
        try:
            self.respond(call, context, result)
        except OSError:
            pass

    def respond(self, call, context, stub):
        room = (self.max_send - 24 - 24) & ~15
        with self.writing:
            for offset in range(0, max(len(stub), 1), room):
                piece = stub[offset:offset + room]
                flags = (FIRST if offset == 0 else 0) | (LAST if offset + room >= len(stub) else 0)
                self.protected(call, flags, struct.pack('<LHBx', len(stub) - offset, context, 0), piece)

    def protected(self, call, flags, head, piece):
        if self.security is None or self.is_mapper:
            self.raw(RESPONSE, flags, call, head + piece)
            return
        padding = -len(piece) % 16
        piece += b'\xA5' * padding
        trailer = struct.pack('<BBBBL', self.kind, self.level, padding, 0, self.context)
        head = struct.pack('<BBBBLHHL', 5, 0, RESPONSE, flags, 0x10, 16 + len(head) + len(piece) + 8 + 16, 16, call) + head
        if self.level == INTEGRITY:
            signature = self.security.sign(head + piece + trailer)
        else:
            sealed = self.security.wrap_iov([(BufferType.sign_only, head), piece, (BufferType.sign_only, trailer), BufferType.header])
            piece, signature = sealed.buffers[1].data, sealed.buffers[3].data
        self.plug.sendall(head + piece + trailer + signature)

    def fault(self, call, code):
        self.write(FAULT, FIRST | LAST | 0x20, call, struct.pack('<LHBBLL', 32, 0, 0, 0, code, 0))

    def write(self, kind, flags, call, body, token=b''):
        with self.writing:
            if token:
                padding = -len(body) % 4
                body += b'\0' * padding + struct.pack('<BBBBL', self.kind, self.level, padding, 0, self.context) + token
            self.raw(kind, flags, call, body, len(token))

    def raw(self, kind, flags, call, body, token_size=0):
        self.plug.sendall(struct.pack('<BBBBLHHL', 5, 0, kind, flags, 0x10, 16 + len(body), token_size, call) + body)


def cut_verification(stub):
    at = stub.rfind(bytes.fromhex('8ae3137102f43671'))
    return stub if at < 0 or at % 4 else stub[:at]


class Server:
    def __init__(self, options):
        self.options = options
        self.service = Service(Logs())

    def map(self, stub):
        """ept_map: one tower for the event service, none for others."""
        request = epm.ept_map(stub)
        asked = b''.join(request['map_tower']['tower_octet_string'])
        response = epm.ept_mapResponse()
        response['entry_handle']['context_handle_attributes'] = 0
        response['entry_handle']['context_handle_uuid'] = bytes(16)
        if asked[5:21] != EVEN6[:16]:
            return bytes(20) + struct.pack('<LLLLL', 0, request['max_towers'], 0, 0, 0x16C9A0D6)
        tower = asked[:-11] + struct.pack('>H', self.options.port) + b'\x01\x00\x09\x04\x00' + bytes([127, 0, 0, 1])
        tower = struct.pack('<LL', len(tower), len(tower)) + tower + b'\0' * (-len(tower) % 4)
        return bytes(20) + struct.pack('<LLLLL', 1, request['max_towers'], 0, 1, 3) + tower + struct.pack('<L', 0)

    def listen(self, port, is_mapper):
        plug = socket.create_server(('127.0.0.1', port))

        def accept():
            while True:
                client, _ = plug.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Connection(client, self, is_mapper).start()

        threading.Thread(target=accept, daemon=True).start()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    arguments.add_argument('--port', type=int, required=True)
    arguments.add_argument('--epm-port', type=int, default=135)
    arguments.add_argument('--user', required=True)
    arguments.add_argument('--password', required=True)
    arguments.add_argument('--domain', default='')
    options = arguments.parse_args()
    with tempfile.NamedTemporaryFile('w', suffix='.users') as users:
        # pyspnego looks a user up by name and by the domain that the client named.
        users.write(f'{options.domain}:{options.user}:{options.password}\n:{options.user}:{options.password}\n')
        users.flush()
        os.environ['NTLM_USER_FILE'] = users.name
        server = Server(options)
        server.listen(options.port, False)
        server.listen(options.epm_port, True)
        print('ready', flush=True)
        while True:
            time.sleep(0.5)
            server.service.logs.write('Live')


if __name__ == '__main__':
    main()
