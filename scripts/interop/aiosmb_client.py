#!/usr/bin/env python3
"""Checks an event log server with aiosmb: its endpoint mapper client, NTLM, sealing, EVEN6 calls and BinXml parser.

Prints a line per check; exits 0 only if every check that could be made holds.
"""

import asyncio
import os
import re
import sys
from importlib.metadata import version

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aiosmb.dcerpc.v5 import even6
from aiosmb.dcerpc.v5.common.connection.authentication import DCERPCAuth
from aiosmb.dcerpc.v5.common.connection.target import DCERPCTarget
from aiosmb.dcerpc.v5.common.even6.binxml import Fragment
from aiosmb.dcerpc.v5.connection import DCERPC5Connection
from aiosmb.dcerpc.v5.interfaces.endpointmgr import EPM
from aiosmb.dcerpc.v5.interfaces.even6 import Even6RPC

from checks import Checks, connects, holds, parser, same
from result_record import records

INTEGRITY, PRIVACY = 5, 6
CHANNEL_OLDEST = 0x101
NO_MORE_ITEMS = 0x103


async def good(awaitable):
    """aiosmb returns a pair of result and error."""
    result, error = await awaitable
    if error is not None:
        raise error
    return result


async def lookup(options):
    async with EPM.from_address(options.host, options.epm_port) as mapper:
        await good(mapper.connect())
        binding = await good(mapper.map(even6.MSRPC_UUID_EVEN6))
    return int(re.search(r'\[(\d+)\]', binding).group(1))


async def service(options, level, password=None):
    target = DCERPCTarget.from_connection_string(f'ncacn_ip_tcp:{options.host}[{options.port}]', timeout=30)
    login = DCERPCAuth.from_components(options.user, password or options.password, domain=options.domain)
    return await good(Even6RPC.from_rpcconnection(DCERPC5Connection(login, target), auth_level=level))


async def opens(options, level):
    connection = await service(options, level)
    handle = await good(connection.register_query(options.channel, flags=CHANNEL_OLDEST))
    holds(bytes(handle) != bytes(20), 'the handle is null')
    await connection.close()


async def refused(options):
    try:
        connection = await service(options, PRIVACY, options.password + 'x')
        await good(connection.register_query(options.channel, flags=CHANNEL_OLDEST))
    except Exception as error:
        holds(re.search('access_denied|sec_pkg_error|proto_error|00000721|closed|EOF|terminated', str(error), re.I), f'refused with {error!r}')
        return
    raise AssertionError('a wrong password was accepted')


async def whole(options, level, count):
    """Every event of the channel: record numbers, and its XML by aiosmb's BinXml parser."""
    connection = await service(options, level)
    handle = await good(connection.register_query(options.channel, flags=CHANNEL_OLDEST))
    events = []
    while True:
        answer, error = await even6.hEvtRpcQueryNext(connection.dce, handle, count, timeOutEnd=5000)
        if error is not None:
            same(error.error_code, NO_MORE_ITEMS, 'status at the end')
            break
        indices = [item['Data'] for item in answer['EventDataIndices']]
        sizes = [item['Data'] for item in answer['EventDataSizes']]
        events += records(indices, sizes, b''.join(answer['ResultBuffer']))
    await good(even6.hEvtRpcClose(connection.dce, handle))
    await connection.close()
    same([event.number for event in events], list(range(options.first, options.first + options.count)), 'record numbers')
    return events


def parsed(options, events):
    """aiosmb's parser reads every event to its end, and finds record number, channel and computer where they belong."""
    for event in events:
        # The parser escapes nothing, so an event whose text has a bracket is not XML afterwards: it is searched as text.
        text = Fragment.from_bytes(event.binxml).to_xml()
        holds(text.startswith('<Event ') and text.endswith('</Event>'), f'the text of record {event.number} is {text[:40]} … {text[-20:]}')
        same(inside(text, 'EventRecordID'), str(event.number), 'EventRecordID')
        same(inside(text, 'Channel'), options.channel, f'Channel of record {event.number}')
        holds(inside(text, 'Computer'), f'record {event.number} has no Computer')
        same(text.count('<Data'), text.count('</Data') + text.count('<Data />'), f'Data elements of record {event.number}, opened and closed')


def inside(text, element):
    found = re.search(rf'<{element}\b[^>]*>([^<]*)</{element}>', text)
    return found.group(1).strip() if found else None


def main():
    options = parser(__doc__.split('\n')[0]).parse_args()
    print(f'aiosmb {version("aiosmb")}')
    checks = Checks()

    def port():
        found = asyncio.run(lookup(options))
        if options.port:
            same(found, options.port, 'port')
        return found

    found = checks.run('mapper: ept_map knows EVEN6', port)
    options.port = options.port or found
    if not options.port or not connects(checks, options):
        return checks.finish()
    checks.run('NTLM, integrity: op 5', lambda: asyncio.run(opens(options, INTEGRITY)))
    checks.run('NTLM, privacy: op 5', lambda: asyncio.run(opens(options, PRIVACY)))
    checks.run('a wrong password is refused', lambda: asyncio.run(refused(options)))
    if options.count is not None:
        checks.run('integrity: whole channel in batches of 100', lambda: asyncio.run(whole(options, INTEGRITY, 100)))
        events = checks.run('privacy: whole channel in batches of 500', lambda: asyncio.run(whole(options, PRIVACY, 500)))
        if events:
            checks.run('BinXml of every event', parsed, options, events)
    return checks.finish()


if __name__ == '__main__':
    sys.exit(main())
