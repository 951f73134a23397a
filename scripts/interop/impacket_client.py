#!/usr/bin/env python3
"""Checks an event log server (MS-EVEN6) with impacket: its RPC runtime, NTLM and NDR engine, of 0.10.0 or later.

Usage: impacket_client.py HOST --user NAME --password TEXT --channel NAME --count N, and see --help.
Prints a line per check; exits 0 only if every check that could be made holds.
"""

import os
import re
import socket
import struct
import sys
import threading
import time
import uuid
from contextlib import contextmanager

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import impacket.version
from impacket.dcerpc.v5 import epm, even6, rpcrt, transport
from impacket.dcerpc.v5.ndr import NULL
from impacket.dcerpc.v5.rpcrt import DCERPCException

import impacket_even6 as calls
from checks import Checks, Left, connects, holds, parser, same, write_event
from result_record import records

CONNECT, INTEGRITY, PRIVACY = 2, 5, 6
SUCCESS, INVALID_PARAMETER, FILE_EXISTS, NO_MORE_ITEMS = 0, 0x57, 0x50, 0x103
NOT_FOUND, CANCELLED, INVALID_OPERATION = 0x490, 0x4C7, 0x10DD
INVALID_QUERY, CHANNEL_NOT_FOUND = 0x3A99, 0x3A9F
CONTEXT_MISMATCH, OUT_OF_RANGE = 0x1C00001A, 0x1C010002
CHANNEL, OLDEST, NEWEST = 0x1, 0x100, 0x200
FUTURE, FROM_OLDEST, AFTER_BOOKMARK, PULL = 1, 2, 3, 0x10000000
FIRST, LAST, CURRENT, BOOKMARK, STRICT = 1, 2, 3, 4, 0x10000


def dial(host, port, seconds=30):
    rpc = transport.DCERPCTransportFactory(f'ncacn_ip_tcp:{host}[{port}]')
    rpc.set_connect_timeout(seconds)
    return rpc


@contextmanager
def group_of(number):
    """Lets impacket's next binds name an association group: it has no parameter for that, and always asks for a new one."""
    original = rpcrt.MSRPCBind

    class Bind(original):
        def __init__(self, data=None, alignment=0):
            original.__init__(self, data, alignment)
            if data is None:
                self['assoc_group'] = number

    rpcrt.MSRPCBind = Bind
    try:
        yield
    finally:
        rpcrt.MSRPCBind = original


class Client:
    """A connection bound to IEventService."""

    def __init__(self, options, level, password=None, group=0):
        self.rpc = dial(options.host, options.port)
        self.rpc.set_credentials(options.user, options.password if password is None else password, options.domain)
        self.dce = self.rpc.get_dce_rpc()
        if level:
            self.dce.set_auth_level(level)
        self.dce.connect()
        with group_of(group):
            answer = self.dce.bind(calls.EVEN6)
        self.group = rpcrt.MSRPCBindAck(answer.getData())['assoc_group']

    def call(self, name, **fields):
        """Sends one request and returns its response, whatever status it carries; faults raise."""
        return self.receive(self.send(name, **fields))

    def send(self, name, **fields):
        request = getattr(calls, name)()
        for field, value in fields.items():
            request[field] = value + '\x00' if isinstance(value, str) else value
        self.dce.call(request.opnum, request)
        return name

    def receive(self, name):
        data = self.dce.recv()
        response = getattr(calls, name + 'Response')()
        used = response.fromString(data)
        # An operation's status ends its stub: a rest would mean that both sides disagree on the shape.
        same(used, len(data), f'length read of {name} {data[:200].hex()}')
        return response

    def stays_pending(self, seconds=0.3):
        """Fails if an answer arrives within that time."""
        plug = self.rpc.get_socket()
        plug.settimeout(seconds)
        try:
            plug.recv(1, socket.MSG_PEEK)
        except socket.timeout:
            return
        finally:
            plug.settimeout(30)
        raise AssertionError('the call was answered, or the connection ended, where it had to wait')

    def failing(self, code, name, **fields):
        """Expects a response that carries this status."""
        response = self.call(name, **fields)
        same(response['ErrorCode'], code, f'status of {name}')
        return response

    def succeed(self, name, **fields):
        response = self.call(name, **fields)
        same(response['ErrorCode'], SUCCESS, f'status of {name}')
        if 'Error' in response.fields:
            same(response['Error']['Error'], 0, f'RpcInfo of {name}')
        return response

    def query(self, path, query='*', flags=CHANNEL | OLDEST):
        response = self.succeed('RegisterLogQuery', Path=path, Query=query, Flags=flags)
        holds(not null(response['Handle']) and not null(response['Control']), 'a handle is null')
        holds(key(response['Handle']) != key(response['Control']), 'both handles are the same')
        return response

    def batch(self, handle, count=100, timeout=5000, name='QueryNext', **more):
        """The records of one batch, and its status; a batch with a status must be empty."""
        response = self.call(name, Handle=handle, Count=count, Flags=0, **more, **({'TimeOut': timeout} if timeout is not None else {}))
        buffer = joined(response['Buffer'])
        same(len(buffer), response['BufferSize'], 'size of the result buffer')
        found = records(dwords(response['Indices']), dwords(response['Sizes']), buffer)
        same(len(found), response['Count'], 'number of records')
        holds(found or response['ErrorCode'], 'neither a record nor a status')
        return found, response['ErrorCode']

    def all(self, handle, count=100, name='QueryNext'):
        """Record numbers of everything until the end, and how many batches that took."""
        numbers = []
        batches = 0
        while True:
            found, status = self.batch(handle, count, name=name)
            batches += 1
            numbers += [record.number for record in found]
            if status:
                same(status, NO_MORE_ITEMS, 'status at the end')
                return numbers, batches
            holds(batches < 100000, 'no end')

    def close_handles(self, *handles):
        for handle in handles:
            holds(null(self.succeed('Close', Handle=handle)['Handle']), 'the closed handle is not null')

    def close(self):
        self.dce.disconnect()


def key(handle):
    return bytes(handle['Uuid'])


def null(handle):
    return key(handle) == bytes(16)


def dwords(array):
    return [] if array in (b'', NULL) or isinstance(array, bytes) else [item['Data'] if hasattr(item, 'fields') else item for item in array]


def joined(array):
    return array if isinstance(array, bytes) else b''.join(array)


def fault(code, function, *arguments, **named):
    """Expects a fault: impacket raises its text, not its number, for the codes that it knows."""
    try:
        function(*arguments, **named)
    except DCERPCException as error:
        known = rpcrt.rpc_status_codes.get(code, f'{code:08x}')
        number = error.get_error_code()
        holds(number == code or known.split(' ')[0] in str(error) or f'{code:x}' in str(error).lower(),
              f'fault {error} ({number}), expected {code:#x}')
        return
    raise AssertionError(f'answered, but fault {code:#x} was expected')


def denied(function, *arguments):
    """Expects that the server refuses: a fault that says so, or the end of the connection."""
    try:
        function(*arguments)
    except (DCERPCException, ConnectionError) as error:
        if isinstance(error, DCERPCException) and not re.search('access_denied|sec_pkg_error|proto_error|00000721', str(error)):
            raise AssertionError(f'refused with {error}') from error
        return
    raise AssertionError('it was answered')


def bookmark(channel, number):
    return f"<BookmarkList><Bookmark Channel='{channel}' RecordId='{number}' IsCurrent='true'/></BookmarkList>"


def check_mapper(checks, options):
    def lookup(interface):
        rpc = dial(options.host, options.epm_port)
        dce = rpc.get_dce_rpc()
        dce.connect()
        try:
            return epm.hept_map(options.host, interface, protocol='ncacn_ip_tcp', dce=dce)
        finally:
            dce.disconnect()

    def found():
        port = int(lookup(even6.MSRPC_UUID_EVEN6).split('[')[1].rstrip(']'))
        if options.port:
            same(port, options.port, 'port')
        return port

    def foreign():
        interface = uuid.UUID('deadbeef-1234-5678-9abc-def012345678').bytes_le + b'\x01\x00\x00\x00'
        try:
            binding = lookup(interface)
        except Exception as error:
            holds('not_registered' in str(error).lower() or '16c9a0d6' in str(error).lower(), f'refused with {error}')
            return
        raise AssertionError(f'a foreign interface is at {binding}')

    port = checks.run('mapper: ept_map knows EVEN6', found)
    checks.run('mapper: a foreign interface is not registered', foreign)
    if not options.port:
        options.port = port


def check_security(checks, options):
    def open_query(client):
        return client.call('RegisterLogQuery', Path=options.channel, Query='*', Flags=CHANNEL | OLDEST)

    def opens(level, password=None):
        client = Client(options, level, password)
        try:
            open_query(client)
        finally:
            client.close()

    checks.run('integrity: bind, and one call', opens, INTEGRITY)
    checks.run('privacy: bind, and one call', opens, PRIVACY)
    checks.run('a wrong password is refused', denied, opens, PRIVACY, options.password + 'x')
    if options.count is not None:
        checks.run('no authentication is refused', denied, opens, 0)
        checks.run('level connect is refused', denied, opens, CONNECT)


def check_transport(checks, options, client):
    def foreign_version():
        other = dial(options.host, options.port)
        other.set_credentials(options.user, options.password, options.domain)
        dce = other.get_dce_rpc()
        dce.set_auth_level(PRIVACY)
        dce.connect()
        try:
            dce.bind(calls.EVEN6[:16] + b'\x02\x00\x00\x00')
        except DCERPCException as error:
            holds('abstract_syntax' in str(error) or 'abstract syntax' in str(error).lower(), f'refused with {error}')
        else:
            raise AssertionError('version 2.0 was accepted')
        finally:
            dce.disconnect()

    def bogus_contexts():
        other = dial(options.host, options.port)
        other.set_credentials(options.user, options.password, options.domain)
        dce = other.get_dce_rpc()
        dce.set_auth_level(PRIVACY)
        dce.connect()
        dce.bind(calls.EVEN6, bogus_binds=3)
        request = calls.RegisterLogQuery()
        request['Path'], request['Query'], request['Flags'] = options.channel + '\x00', '*\x00', CHANNEL | OLDEST
        holds(not null(dce.request(request)['Handle']), 'the handle is null')
        dce.disconnect()

    def unknown_operation():
        client.dce.call(29, b'')
        client.dce.recv()

    def fragments(size):
        client.dce.set_max_fragment_size(size)
        try:
            query = '*' + ' ' * 3000
            client.call('RegisterLogQuery', Path=options.channel, Query=query, Flags=CHANNEL | OLDEST)
        finally:
            client.dce.set_max_fragment_size(-1)

    def short_stub():
        client.dce.call(5, b'\x00\x00\x02\x00')
        client.dce.recv()

    checks.run('version 2.0 of the interface is refused', foreign_version)
    checks.run('three unknown interfaces beside it in one bind', bogus_contexts)
    checks.run('operation 29: fault, connection usable', lambda: (fault(OUT_OF_RANGE, unknown_operation), fragments(-1)))
    checks.run('a stub of four bytes: fault, connection usable', lambda: (fault(0x6F7, short_stub), fragments(-1)))
    for size in (1000, 100):
        checks.run(f'a request in fragments of {size} bytes', fragments, size)


def check_query(checks, options, client, level):
    expected = list(range(options.first, options.first + options.count))

    def whole(count, flags=CHANNEL | OLDEST, wanted=expected):
        query = client.query(options.channel, flags=flags)
        numbers, batches = client.all(query['Handle'], count)
        same(numbers, wanted, 'record numbers')
        same(batches, -(-len(wanted) // count) + 1, 'batches')
        client.close_handles(query['Handle'], query['Control'])

    def foreign_declarations():
        # Only what impacket itself declares: two of its responses read a pointer's referent as an offset, which comes out right.
        dce = client.dce
        handle = even6.hEvtRpcRegisterLogQuery(dce, options.channel + '\x00', CHANNEL | OLDEST, '*\x00')['Handle']
        numbers = []
        while True:
            request = even6.EvtRpcQueryNext()
            request['LogQuery'], request['NumRequestedRecords'] = handle, 50
            request['TimeOutEnd'], request['Flags'] = 1000, 0
            try:
                answer = dce.request(request)
            except DCERPCException as error:
                same(error.get_error_code(), NO_MORE_ITEMS, 'status at the end')
                break
            indices = [item['Data'] for item in answer['EventDataIndices']]
            sizes = [item['Data'] for item in answer['EventDataSizes']]
            numbers += [record.number for record in records(indices, sizes, b''.join(answer['ResultBuffer']))]
        same(numbers, expected, 'record numbers')
        even6.hEvtRpcClose(dce, handle)

    def info():
        query = client.query(options.channel)
        same(query['InfoCount'], 1, 'channels')
        same(calls.text(query['Infos'][0]['Name']), options.channel, 'channel')
        same(query['Infos'][0]['Status'], 0, 'status of the channel')
        client.close_handles(query['Handle'], query['Control'])

    def backward():
        query = client.query(options.channel, flags=CHANNEL | NEWEST)
        found, _ = client.batch(query['Handle'], 3)
        holds(all(record.backward for record in found), 'the bookmark does not say backward')
        same([record.number for record in found], expected[::-1][:3], 'record numbers')
        client.close_handles(query['Handle'], query['Control'])

    def filtered():
        query = client.query(options.channel, f'*[System[EventRecordID={expected[2]}]]')
        same(client.all(query['Handle'])[0], [expected[2]], 'record numbers')
        client.close_handles(query['Handle'], query['Control'])

    def structured():
        text = (f'<QueryList><Query Id="7"><Select Path="{options.channel}">*[System[EventRecordID&lt;={expected[3]}]]</Select>'
                f'<Suppress Path="{options.channel}">*[System[EventRecordID={expected[1]}]]</Suppress></Query></QueryList>')
        query = client.query(NULL, text, OLDEST)
        found, _ = client.batch(query['Handle'], 10)
        same([record.number for record in found], [expected[0], expected[2], expected[3]], 'record numbers')
        same([record.subqueries for record in found], [(7,)] * 3, 'subquery ids')
        client.close_handles(query['Handle'], query['Control'])

    def refused(code, path, query, flags=CHANNEL | OLDEST):
        response = client.failing(code, 'RegisterLogQuery', Path=path, Query=query, Flags=flags)
        holds(null(response['Handle']) and null(response['Control']), 'a handle is not null')
        return response

    def bad_query():
        holds(refused(INVALID_QUERY, options.channel, '*[System[')['Error']['Error'] != 0, 'RpcInfo is zero')

    def bad_counts():
        query = client.query(options.channel)
        for count in (0, 1025):
            client.failing(INVALID_PARAMETER, 'QueryNext', Handle=query['Handle'], Count=count, TimeOut=1000, Flags=0)
        client.close_handles(query['Handle'], query['Control'])

    def largest():
        query = client.query(options.channel)
        count = min(1024, options.count)
        found, status = client.batch(query['Handle'], count)
        same((len(found), status), (count, SUCCESS), 'records and status')
        size = sum(len(record.binxml) for record in found)
        client.close_handles(query['Handle'], query['Control'])
        return size

    for flags, name in ((CHANNEL | OLDEST, 'oldest first'), (CHANNEL | NEWEST, 'newest first')):
        wanted = expected if flags & OLDEST else expected[::-1]
        checks.run(f'{level}: whole channel in batches of 100, {name}', whole, 100, flags, wanted)
    checks.run(f"{level}: whole channel with impacket's own declarations", foreign_declarations)
    checks.run(f'{level}: one batch of 1024', largest)
    if level == 'privacy':
        checks.run('op 5: the channel and its status', info)
        checks.run('op 11: batches of 7', whole, 7)
        checks.run('op 11: bookmarks of a backward query', backward)
        checks.run('op 5: XPath by record number', filtered)
        checks.run('op 5: structured query, subquery ids', structured)
        checks.run('op 5: neither channel nor file, no direction', whole_defaults, client, options)
        checks.run('op 5: query syntax', bad_query)
        checks.run('op 5: unknown channel', refused, CHANNEL_NOT_FOUND, 'NoSuchChannel', '*')
        checks.run('op 5: two kinds of path, two directions', lambda: [
            refused(INVALID_PARAMETER, options.channel, '*', flags) for flags in (0x103, 0x301, 0x4101)])
        checks.run('op 11: counts of 0 and 1025', bad_counts)


def whole_defaults(client, options):
    query = client.query(options.channel, flags=CHANNEL)
    found, _ = client.batch(query['Handle'], 2)
    same([record.number for record in found], [options.first, options.first + 1], 'record numbers')
    client.close_handles(query['Handle'], query['Control'])


def check_seek(checks, options, client):
    expected = list(range(options.first, options.first + options.count))

    def seek(handle, origin, position=0, xml=NULL, code=SUCCESS):
        return client.failing(code, 'QuerySeek', Handle=handle, Position=position, Bookmark=xml, TimeOut=0, Flags=origin)

    def next_number(handle):
        found, status = client.batch(handle, 1)
        return found[0].number if found else status

    def with_query(flags, steps):
        query = client.query(options.channel, flags=CHANNEL | flags)
        for origin, position, xml, wanted in steps:
            seek(query['Handle'], origin, position, xml)
            same(next_number(query['Handle']), wanted, f'after seek {origin:#x} by {position}')
        client.close_handles(query['Handle'], query['Control'])

    def refused():
        query = client.query(options.channel)
        handle = query['Handle']
        same(next_number(handle), expected[0], 'first record')
        for origin, position, xml in ((FIRST, -1, NULL), (LAST, 1, NULL), (0, 0, NULL), (5, 0, NULL),
                                      (BOOKMARK, 0, '<not a bookmark')):
            seek(handle, origin, position, xml, INVALID_PARAMETER)
        seek(handle, BOOKMARK | STRICT, 0, bookmark(options.channel, expected[-1] + 1000), NOT_FOUND)
        seek(handle, CURRENT | STRICT, options.count + 1000, NULL, NOT_FOUND)
        same(next_number(handle), expected[1], 'record after refused seeks')
        client.close_handles(query['Handle'], query['Control'])

    checks.run('op 12: first and last', with_query, OLDEST, [
        (LAST, 0, NULL, expected[-1]), (FIRST, 0, NULL, expected[0]), (FIRST, 3, NULL, expected[3]),
        (LAST, -2, NULL, expected[-3])])
    checks.run('op 12: newest first', with_query, NEWEST, [
        (LAST, 0, NULL, expected[0]), (FIRST, 0, NULL, expected[-1]), (FIRST, 3, NULL, expected[-4])])
    checks.run('op 12: bookmark', with_query, OLDEST, [
        (BOOKMARK, 0, bookmark(options.channel, expected[4]), expected[4]),
        (BOOKMARK, 1, bookmark(options.channel, expected[4]), expected[5]),
        (BOOKMARK | STRICT, -1, bookmark(options.channel, expected[4]), expected[3])])
    # Past the end lies the end itself, from where nothing follows (docs/behaviour.md).
    checks.run('op 12: past either end without strict', with_query, OLDEST, [
        (CURRENT, options.count + 1000, NULL, NO_MORE_ITEMS), (CURRENT, -options.count - 1000, NULL, expected[0])])
    checks.run('op 12: refused, position unchanged', refused)


def check_handles(checks, options, client):
    def twice():
        query = client.query(options.channel)
        client.close_handles(query['Handle'], query['Control'])
        fault(CONTEXT_MISMATCH, client.call, 'Close', Handle=query['Handle'])

    def zero():
        handle = calls.HANDLE()
        handle['Uuid'] = bytes(16)
        fault(CONTEXT_MISMATCH, client.call, 'Close', Handle=handle)

    def other_group():
        query = client.query(options.channel)
        other = Client(options, PRIVACY)
        holds(other.group != client.group, 'both connections are of one association group')
        fault(CONTEXT_MISMATCH, other.call, 'QueryNext', Handle=query['Handle'], Count=1, TimeOut=0, Flags=0)
        other.close()
        client.close_handles(query['Handle'], query['Control'])

    def same_group():
        query = client.query(options.channel)
        other = Client(options, PRIVACY, group=client.group)
        same(other.group, client.group, 'association group')
        first, _ = other.batch(query['Handle'], 2)
        second, _ = client.batch(query['Handle'], 2)
        same([record.number for record in first + second], list(range(options.first, options.first + 4)), 'record numbers')
        other.close()
        third, _ = client.batch(query['Handle'], 1)
        same(third[0].number, options.first + 4, 'record number after the other connection is gone')
        client.close_handles(query['Handle'], query['Control'])

    def unknown_group():
        try:
            Client(options, PRIVACY, group=0xDEADBEEF)
        except (DCERPCException, ConnectionError):
            return
        raise AssertionError('an unknown association group was accepted')

    def wrong_kind():
        query = client.query(options.channel)
        client.failing(INVALID_PARAMETER, 'Cancel', Handle=query['Handle'])
        client.failing(INVALID_PARAMETER, 'QueryNext', Handle=query['Control'], Count=1, TimeOut=0, Flags=0)
        client.close_handles(query['Handle'], query['Control'])

    checks.run('op 13: twice', twice)
    checks.run('op 13: a null handle', zero)
    checks.run('handles of another association group', other_group)
    checks.run('handles on another connection of the group', same_group)
    checks.run('an unknown association group', unknown_group)
    checks.run('handles of the wrong kind', wrong_kind)


def check_subscription(checks, options, client):
    expected = list(range(options.first, options.first + options.count))

    def subscribe(flags, channel=options.channel, query='*', xml=NULL):
        return client.succeed('RegisterRemoteSubscription', Channel=channel, Query=query, Bookmark=xml, Flags=flags)

    def close(subscription):
        client.close_handles(subscription['Handle'], subscription['Control'])

    def drained():
        subscription = subscribe(FROM_OLDEST | PULL)
        numbers, _ = client.all(subscription['Handle'], name='RemoteSubscriptionNext')
        same(numbers, expected, 'record numbers')
        close(subscription)

    def foreign_declarations():
        if not hasattr(even6, 'hEvtRpcRegisterRemoteSubscription'):
            raise Left('this impacket does not declare op 0')
        answer = even6.hEvtRpcRegisterRemoteSubscription(client.dce, options.channel, '*', NULL, FROM_OLDEST | PULL)
        batch = even6.hEvtRpcRemoteSubscriptionNext(client.dce, answer['Handle'], 5)
        same(batch['NumActualRecords'], 5, 'records')
        even6.hEvtRpcClose(client.dce, answer['Handle'])
        even6.hEvtRpcClose(client.dce, answer['OpControl'])

    def bookmarked():
        subscription = subscribe(AFTER_BOOKMARK | PULL, xml=bookmark(options.channel, expected[-3]))
        numbers, _ = client.all(subscription['Handle'], name='RemoteSubscriptionNext')
        same(numbers, expected[-2:], 'record numbers')
        close(subscription)
        client.failing(NOT_FOUND, 'RegisterRemoteSubscription', Channel=options.channel, Query='*',
                       Bookmark=bookmark(options.channel, expected[-1] + 1000), Flags=AFTER_BOOKMARK | PULL | STRICT)

    def refused():
        for flags in (0, PULL):
            client.failing(INVALID_PARAMETER, 'RegisterRemoteSubscription', Channel=options.channel, Query='*', Bookmark=NULL,
                           Flags=flags)
        client.failing(CHANNEL_NOT_FOUND, 'RegisterRemoteSubscription', Channel='NoSuchChannel', Query='*', Bookmark=NULL,
                       Flags=FUTURE | PULL)
        client.failing(INVALID_QUERY, 'RegisterRemoteSubscription', Channel=options.channel, Query='*[', Bookmark=NULL,
                       Flags=FUTURE | PULL)

    def pairing():
        pull, push = subscribe(FROM_OLDEST | PULL), subscribe(FROM_OLDEST)
        client.failing(INVALID_OPERATION, 'RemoteSubscriptionNextAsync', Handle=pull['Handle'], Count=1, Flags=0)
        client.failing(INVALID_OPERATION, 'RemoteSubscriptionNext', Handle=push['Handle'], Count=1, TimeOut=0, Flags=0)
        client.failing(INVALID_OPERATION, 'RemoteSubscriptionWaitAsync', Handle=push['Handle'])
        close(pull)
        close(push)

    def at_once():
        subscription = subscribe(FROM_OLDEST | PULL)
        client.succeed('RemoteSubscriptionWaitAsync', Handle=subscription['Handle'])
        close(subscription)

    def pushed():
        subscription = subscribe(FROM_OLDEST)
        found, status = client.batch(subscription['Handle'], 5, None, 'RemoteSubscriptionNextAsync')
        same((status, [record.number for record in found]), (SUCCESS, expected[:5]), 'first batch')
        close(subscription)

    def awaited(push):
        if not options.write:
            raise Left('--write is not given')
        subscription = subscribe(FUTURE if push else FUTURE | PULL, options.live)
        name = 'RemoteSubscriptionNextAsync' if push else 'RemoteSubscriptionWaitAsync'
        client.send(name, Handle=subscription['Handle'], **({'Count': 10, 'Flags': 0} if push else {}))
        client.stays_pending()
        write_event(options)
        answer = client.receive(name)
        same(answer['ErrorCode'], SUCCESS, 'status')
        if push:
            same(answer['Count'], 1, 'records pushed')
        else:
            numbers, _ = client.all(subscription['Handle'], name='RemoteSubscriptionNext')
            same(len(numbers), 1, 'records pulled')
        close(subscription)

    checks.run('op 0, 2: pull from the oldest', drained)
    checks.run("op 0, 2: impacket's own declarations", foreign_declarations)
    checks.run('op 0: after a bookmark', bookmarked)
    checks.run('op 0: refused', refused)
    checks.run('ops 1, 2, 3: wrong kind of subscription', pairing)
    checks.run('op 3: unread events complete it at once', at_once)
    checks.run('op 1: push from the oldest', pushed)
    checks.run('op 3: completes when an event is written', awaited, False)
    checks.run('op 1: completes when an event is written', awaited, True)


def check_cancel(checks, options, client):
    def on_second_connection(push):
        subscription = client.succeed('RegisterRemoteSubscription', Channel=options.live, Query='*', Bookmark=NULL,
                                      Flags=FUTURE if push else FUTURE | PULL)
        waiter = Client(options, PRIVACY, group=client.group)
        name = 'RemoteSubscriptionNextAsync' if push else 'RemoteSubscriptionWaitAsync'
        outcome = []

        def wait():
            waiter.send(name, Handle=subscription['Handle'], **({'Count': 10, 'Flags': 0} if push else {}))
            outcome.append((waiter.receive(name), time.monotonic()))

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.3)
        holds(thread.is_alive(), 'the call did not wait')
        start = time.monotonic()
        client.succeed('Cancel', Handle=subscription['Control'])
        thread.join(5)
        holds(not thread.is_alive() and outcome, 'the call still waits 5 s after it was cancelled')
        response, end = outcome[0]
        same(response['ErrorCode'], CANCELLED, 'status of the cancelled call')
        holds(end - start < 0.5, f'it took {(end - start) * 1000:.0f} ms')
        client.succeed('Cancel', Handle=subscription['Control'])
        waiter.close()
        client.close_handles(subscription['Handle'], subscription['Control'])

    def nothing_pending():
        query = client.query(options.channel)
        client.succeed('Cancel', Handle=query['Control'])
        found, status = client.batch(query['Handle'], 2)
        same((len(found), status), (2, SUCCESS), 'records and status after a cancel without a call')
        client.close_handles(query['Handle'], query['Control'])

    def foreign_group():
        query = client.query(options.channel)
        other = Client(options, PRIVACY)
        fault(CONTEXT_MISMATCH, other.call, 'Cancel', Handle=query['Control'])
        other.close()
        client.close_handles(query['Handle'], query['Control'])

    def closed_meanwhile():
        subscription = client.succeed('RegisterRemoteSubscription', Channel=options.live, Query='*', Bookmark=NULL,
                                      Flags=FUTURE | PULL)
        waiter = Client(options, PRIVACY, group=client.group)
        waiter.send('RemoteSubscriptionWaitAsync', Handle=subscription['Handle'])
        waiter.stays_pending()
        client.close_handles(subscription['Handle'])
        same(waiter.receive('RemoteSubscriptionWaitAsync')['ErrorCode'], CANCELLED, 'status of the waiting call')
        waiter.close()
        client.close_handles(subscription['Control'])

    def lost_waiter():
        subscription = client.succeed('RegisterRemoteSubscription', Channel=options.channel, Query='*', Bookmark=NULL,
                                      Flags=FROM_OLDEST | PULL)
        client.all(subscription['Handle'], name='RemoteSubscriptionNext')
        waiter = Client(options, PRIVACY, group=client.group)
        waiter.send('RemoteSubscriptionWaitAsync', Handle=subscription['Handle'])
        waiter.close()
        _, status = client.batch(subscription['Handle'], 1, name='RemoteSubscriptionNext')
        same(status, NO_MORE_ITEMS, 'status of the next call')
        client.close_handles(subscription['Handle'], subscription['Control'])

    checks.run('op 14: releases op 3 on another connection', on_second_connection, False)
    checks.run('op 14: releases op 1 on another connection', on_second_connection, True)
    checks.run('op 14: nothing pending, the query goes on', nothing_pending)
    checks.run('op 14: control of another association group', foreign_group)
    checks.run('op 13: closing the subscription releases op 3', closed_meanwhile)
    checks.run('a lost connection drops its call only', lost_waiter)


def check_logs(checks, options, client):
    def file_info():
        log = client.succeed('OpenLogHandle', Path=options.channel, Flags=1)['Handle']
        values = {}
        for number, kind in enumerate((0x11, 0x11, 0x11, 0xA, 0x8, 0xA, 0xA, 0xD)):
            response = client.succeed('GetLogFileInfo', Handle=log, Id=number, Size=16)
            same(response['Length'], 16, f'length of property {number}')
            value, _, actual = struct.unpack('<QLL', joined(response['Value']))
            same(actual, kind, f'type of property {number}')
            values[number] = value
        same((values[5], values[6]), (options.count, options.first), 'number of records and oldest record')
        holds(values[3] >= 0x11000, f'a file of {values[3]} bytes')
        client.failing(INVALID_PARAMETER, 'GetLogFileInfo', Handle=log, Id=8, Size=16)
        short = client.failing(0x7A, 'GetLogFileInfo', Handle=log, Id=5, Size=8)
        same((len(joined(short['Value'])), short['Length']), (8, 16), 'bytes and length of a short answer')
        client.close_handles(log)

    def open_refused():
        client.failing(INVALID_PARAMETER, 'OpenLogHandle', Path=options.channel, Flags=3)
        client.failing(CHANNEL_NOT_FOUND, 'OpenLogHandle', Path='NoSuchChannel', Flags=1)

    def channels():
        response = client.succeed('GetChannelList', Flags=0)
        names = [calls.text(item['Data']) for item in response['Names']]
        same(len(names), response['Count'], 'names')
        holds(options.channel in names, f'{options.channel} is not among {names}')
        return names

    def configuration():
        for name in channels():
            response = client.succeed('GetChannelConfig', Channel=name, Flags=0)
            values = [calls.variant(entry) for entry in response['List']['Props']]
            holds(len(values) in (20, 21), f'{name} has {len(values)} properties')
            holds(isinstance(values[0], bool), f'Enabled of {name} is {values[0]!r}')
            holds(isinstance(values[8], int), f'MaxSize of {name} is {values[8]!r}')
            kinds = (bool, int, int, str, bool, str, bool, bool, int, str, int, int, None, int, int, int, int, int, int, list, int)
            for index, (value, kind) in enumerate(zip(values, kinds)):
                holds(value is None or kind is None or isinstance(value, kind), f'property {index} of {name} is {value!r}')

    def publishers():
        response = client.succeed('GetPublisherList', Flags=0)
        names = [calls.text(item['Data']) for item in response['Names']] if response['Count'] else []
        same(len(names), response['Count'], 'names')
        holds(len(set(names)) == len(names), 'a publisher is listed twice')
        return names

    def metadata():
        names = publishers()
        if not names:
            raise Left('the server lists no publisher')
        for name in names[:20]:
            response = client.call('GetPublisherMetadata', Publisher=name, File=NULL, Locale=0, Flags=0)
            if response['ErrorCode']:
                holds(response['ErrorCode'] in (2, 0x57, 0x3A9A), f'{name}: status {response["ErrorCode"]:#x}')
                continue
            values = [calls.variant(entry) for entry in response['List']['Props']]
            same(len(values), 29, f'properties of {name}')
            for number in (4, 5, 0xC, 0x10, 0x15, 0x19):
                part = client.call('GetPublisherResourceMetadata', Handle=response['Handle'], Id=number, Flags=0)
                holds(part['ErrorCode'] in (0, 0xD), f'{name}, {number}: status {part["ErrorCode"]:#x}')
                if part['ErrorCode'] == 0:
                    same(len([calls.variant(entry) for entry in part['List']['Props']]), 29, f'properties of {name}, {number}')
            holds(client.call('GetPublisherResourceMetadata', Handle=response['Handle'], Id=6, Flags=0)['ErrorCode'], 'id 6 is answered')
            events = client.succeed('GetEventMetadataEnum', Handle=response['Handle'], Flags=0, Filter=NULL)
            while True:
                batch = client.call('GetNextEventMetadata', Handle=events['Handle'], Flags=0, Count=10)
                if batch['ErrorCode'] or batch['Count'] == 0:
                    holds(batch['ErrorCode'] in (0, 0xE8, 0x103), f'status {batch["ErrorCode"]:#x}')
                    break
                for entry in batch['Lists']:
                    same(len([calls.variant(item) for item in entry['Props']]), 9, 'properties of an event')
            client.close_handles(events['Handle'], response['Handle'])

    def of_channel():
        response = client.succeed('GetPublisherListForChannel', Channel=options.channel, Flags=0)
        same(len(response['Names']) if response['Count'] else 0, response['Count'], 'names')
        client.failing(INVALID_PARAMETER, 'GetPublisherListForChannel', Channel='NoSuchChannel', Flags=0)

    def rendered():
        # Descriptor: id, version, channel, level, opcode, task, keywords; Windows renders level 2 as Error in English.
        descriptor = struct.pack('<HBBBBHQ', 1, 0, 0, 2, 0, 0, 0)
        fields = {'Size': 16, 'EventId': [bytes([octet]) for octet in descriptor], 'MessageId': 0}

        def render(flags, size):
            request = calls.MessageRenderDefault()
            for name, value in {**fields, 'Flags': flags, 'MaxBytes': size}.items():
                request[name] = value
            request['Values']['Count'], request['Values']['Props'] = 0, NULL
            client.dce.call(request.opnum, request)
            return client.receive('MessageRenderDefault')

        answer = render(2, 1024)
        same(answer['ErrorCode'], SUCCESS, 'status')
        string = joined(answer['String']).decode('utf-16-le')
        same((string, answer['Actual']), ('Error\0', 12), 'string and its size')
        answer = render(2, 2)
        same((answer['ErrorCode'], answer['Actual'], answer['Needed']), (0x7A, 0, 12), 'status, size and needed size of a short answer')
        same(render(6, 1024)['ErrorCode'], INVALID_PARAMETER, 'status for flags 6')

    def display_name():
        holds(calls.text(client.succeed('GetClassicLogDisplayName', Log='Application', Locale=0x409, Flags=0)['Name']), 'no name')
        client.failing(NOT_FOUND, 'GetClassicLogDisplayName', Log='NoSuchChannel', Locale=0x409, Flags=0)
        client.failing(INVALID_PARAMETER, 'GetClassicLogDisplayName', Log='Application', Locale=0x409, Flags=1)

    checks.run('ops 17, 18: every property of a channel', file_info)
    checks.run('op 17: refused', open_refused)
    checks.run('op 19: the channels', channels)
    checks.run('op 20: the configuration of every channel', configuration)
    checks.run('op 20: unknown channel', lambda: holds(
        client.call('GetChannelConfig', Channel='NoSuchChannel', Flags=0)['ErrorCode'] in (0x57, CHANNEL_NOT_FOUND), 'not refused'))
    checks.run('op 22: the publishers', publishers)
    checks.run('op 23: the publishers of a channel', of_channel)
    checks.run('ops 24 to 27: metadata of publishers', metadata)
    checks.run('op 10: default strings', rendered)
    checks.run('op 28: names of classic logs', display_name)


def check_changes(checks, options, client):
    def control():
        return client.succeed('RegisterControllableOperation')['Handle']

    def clear():
        if not options.clear:
            raise Left('--clear is not given')
        handle = control()
        query = client.query(options.clear)
        before, _ = client.all(query['Handle'])
        client.close_handles(query['Handle'], query['Control'])
        holds(before, f'{options.clear} has no events to clear')
        client.failing(CHANNEL_NOT_FOUND, 'ClearLog', Control=handle, Channel='NoSuchChannel', Backup=NULL, Flags=0)
        client.succeed('ClearLog', Control=handle, Channel=options.clear, Backup=NULL, Flags=0)
        query = client.query(options.clear)
        after, _ = client.all(query['Handle'])
        same(after, [], 'record numbers after the clear')
        client.close_handles(query['Handle'], query['Control'], handle)

    def export():
        if not options.export:
            raise Left('--export is not given')
        handle = control()
        last = options.first + 9
        query = f'*[System[EventRecordID<={last}]]'
        client.succeed('ExportLog', Control=handle, Channel=options.channel, Query=query, Backup=options.export, Flags=CHANNEL)
        client.failing(FILE_EXISTS, 'ExportLog', Control=handle, Channel=options.channel, Query=query, Backup=options.export,
                       Flags=CHANNEL)
        for flags in (3, 0x4001):
            client.failing(INVALID_PARAMETER, 'ExportLog', Control=handle, Channel=options.channel, Query='*',
                           Backup=options.export + '2', Flags=flags)
        client.failing(CHANNEL_NOT_FOUND, 'ExportLog', Control=handle, Channel='NoSuchChannel', Query='*',
                       Backup=options.export + '2', Flags=CHANNEL)
        client.close_handles(handle)

    def outside():
        if not options.export:
            raise Left('--export is not given')
        handle = control()
        for target in ('../outside.evtx', '/outside.evtx'):
            response = client.call('ExportLog', Control=handle, Channel=options.channel, Query='*', Backup=target, Flags=CHANNEL)
            holds(response['ErrorCode'] in (5, 0x57, 0x7B), f'{target}: status {response["ErrorCode"]:#x}')
        client.close_handles(handle)

    def configure():
        if not options.clear:
            raise Left('--clear is not given')

        def size():
            return calls.variant(client.succeed('GetChannelConfig', Channel=options.clear, Flags=0)['List']['Props'][8])

        def put(flags, code, *changed, channel=options.clear):
            request = calls.PutChannelConfig()
            request['Channel'], request['Flags'] = channel + '\x00', flags
            request['List']['Count'] = 21
            request['List']['Props'] = calls.variants(*changed)
            client.dce.call(request.opnum, request)
            same(client.receive('PutChannelConfig')['ErrorCode'], code, f'status of op 21, flags {flags}')

        before = size()
        wanted = before + 65536
        put(1, SUCCESS, (8, (3, wanted)))
        same(size(), before, 'MaxSize before op 15')
        client.succeed('AssertConfig', Path=options.clear, Flags=0)
        same(size(), wanted, 'MaxSize after op 15')
        put(1, INVALID_OPERATION, (16, (2, 5)))
        put(3, 0xB7, (8, (3, wanted)))
        put(1, NOT_FOUND, (8, (3, wanted)), channel='NoSuchChannel')
        put(9, INVALID_PARAMETER, (8, (3, wanted)))

    checks.run('ops 20, 21, 15: another size', configure)
    checks.run('op 4: a control handle', lambda: client.close_handles(control()))
    checks.run('ops 4, 6: clear', clear)
    checks.run('ops 4, 7: export', export)
    checks.run('op 7: no file outside of the export folder', outside)


def main():
    options = parser(__doc__.split('\n')[0]).parse_args()
    print(impacket.version.BANNER.split(' -')[0])
    checks = Checks()
    check_mapper(checks, options)
    if not options.port or not connects(checks, options):
        return checks.finish()
    check_security(checks, options)
    client = Client(options, PRIVACY)
    check_transport(checks, options, client)
    if options.count is not None:
        signed = Client(options, INTEGRITY)
        check_query(checks, options, signed, 'integrity')
        signed.close()
        check_query(checks, options, client, 'privacy')
        check_seek(checks, options, client)
        check_handles(checks, options, client)
        check_subscription(checks, options, client)
        check_cancel(checks, options, client)
        check_logs(checks, options, client)
        check_changes(checks, options, client)
    client.close()
    return checks.finish()


if __name__ == '__main__':
    sys.exit(main())
