#!/usr/bin/env python3
"""Checks an event log server with Samba's libraries: SPNEGO, NTLM, signatures, and its whole RPC client where it can be used.

Run it with the Python that Samba's bindings belong to. Prints a line per check; exits 0 only if every check holds.
"""

import os
import socket
import struct
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import samba
from samba import credentials, gensec, param
from samba.dcerpc import base, epmapper, mgmt, misc

import stubs
from checks import Checks, Left, connects, holds, parser, same

EVEN6 = uuid.UUID(stubs.EVEN6_UUID).bytes_le + struct.pack('<HH', 1, 0)
NDR = uuid.UUID('8a885d04-1ceb-11c9-9fe8-08002b104860').bytes_le + struct.pack('<HH', 2, 0)
REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, ALTER, ALTER_ANSWER, AUTH3 = 0, 2, 3, 11, 12, 14, 15, 16
NTLM, SPNEGO, INTEGRITY, PRIVACY = 10, 9, 5, 6
WHOLE, HEADER_SIGNING = 3, 4


class Fault(Exception):
    def __init__(self, code):
        super().__init__(f'fault {code:#x}')
        self.code = code


def settings():
    loaded = param.LoadParm()
    loaded.set('client min protocol', 'NT1')
    return loaded


def identity(options, password=None):
    who = credentials.Credentials()
    who.set_username(options.user)
    who.set_domain(options.domain)
    who.set_password(password or options.password)
    who.set_workstation('INTEROP')
    who.set_kerberos_state(credentials.DONT_USE_KERBEROS)
    return who


class Signed:
    """A connection at level integrity: PDUs made here, tokens and signatures by Samba. (Its binding cannot seal.)"""

    def __init__(self, options, kind, header_signing, password=None):
        self.kind = kind
        self.calls = 1
        self.plug = socket.create_connection((options.host, options.port), timeout=30)
        self.security = gensec.Security.start_client({'lp_ctx': settings(), 'target_hostname': options.host})
        self.security.set_credentials(identity(options, password))
        self.security.want_feature(gensec.FEATURE_SIGN | gensec.FEATURE_DCE_STYLE)
        self.security.start_mech_by_authtype(kind, INTEGRITY)
        self.flags = WHOLE | (HEADER_SIGNING if header_signing else 0)
        finished, token = self.security.update(b'')
        contexts = struct.pack('<HHLBxxx', 5840, 5840, 0, 1) + struct.pack('<HBx', 0, 1) + EVEN6 + NDR
        answer = self.exchange(BIND, contexts, token, BIND_ACK)
        if header_signing:
            holds(answer.flags & HEADER_SIGNING, 'header signing was asked for, and not mirrored')
            self.security.want_feature(gensec.FEATURE_SIGN_PKT_HEADER)
        finished, token = self.security.update(answer.token)
        if kind == NTLM:
            self.send(AUTH3, b'\0' * 4, token)
            self.finished = finished
            return
        while not finished or token:
            answer = self.exchange(ALTER, contexts, token, ALTER_ANSWER)
            finished, token = self.security.update(answer.token)
        self.finished = finished

    def pdu(self, kind, body, token_size, padding=0, flags=WHOLE):
        head = struct.pack('<BBBBLHHL', 5, 0, kind, flags, 0x10, 16 + len(body) + padding + 8 + token_size, token_size, self.calls)
        return head + body + b'\0' * padding + struct.pack('<BBBBL', self.kind, INTEGRITY, padding, 0, 1)

    def send(self, kind, body, token):
        self.plug.sendall(self.pdu(kind, body, len(token), -len(body) % 4, self.flags) + token)

    def exchange(self, kind, body, token, expected):
        self.send(kind, body, token)
        answer = Pdu(self.plug)
        if answer.kind == FAULT:
            raise Fault(struct.unpack_from('<L', answer.data, 24)[0])
        same(answer.kind, expected, 'kind of the answer')
        return answer

    def call(self, opnum, stub, breaking=False):
        """Sends a request and returns the response's stub, every fragment's signature checked."""
        self.calls += 1
        body = struct.pack('<LHH', len(stub), 0, opnum) + stub
        plain = self.pdu(REQUEST, body, self.security.sig_size(len(body)), -len(stub) % 16)
        signature = self.security.sign_packet(plain[24:-8], plain)
        if breaking:
            signature = signature[:5] + bytes([signature[5] ^ 1]) + signature[6:]
        self.plug.sendall(plain + signature)
        result = b''
        while True:
            answer = Pdu(self.plug)
            if answer.kind == FAULT:
                raise Fault(struct.unpack_from('<L', answer.data, 24)[0])
            same((answer.kind, answer.call), (RESPONSE, self.calls), 'kind and call of the answer')
            holds(answer.token, 'the answer is not signed')
            signed = answer.data[:-len(answer.token)]
            self.security.check_packet(signed[24:-8], signed, answer.token)
            result += signed[24:-8 - answer.padding]
            if answer.flags & 2:
                return result

    def close(self):
        self.plug.close()


class Pdu:
    """One PDU read from a connection."""

    def __init__(self, plug):
        head = exactly(plug, 16)
        self.kind, self.flags = head[2], head[3]
        length, token, self.call = struct.unpack('<HHL', head[8:])
        self.data = head + exactly(plug, length - 16)
        self.token = self.data[length - token:] if token else b''
        self.padding = self.data[length - token - 6] if token else 0


def exactly(plug, count):
    data = b''
    while len(data) < count:
        piece = plug.recv(count - len(data))
        if not piece:
            raise ConnectionError('the server closed the connection')
        data += piece
    return data


def floor(protocol, left, kind, **right):
    """One floor of a tower."""
    made = epmapper.epm_floor()
    made.lhs.protocol, made.lhs.lhs_data, made.rhs = protocol, left, kind()
    for name, value in right.items():
        setattr(made.rhs, name, value)
    return made


def main():
    options = parser(__doc__.split('\n')[0]).parse_args()
    print(f'Samba {samba.version}')
    checks = Checks()

    def mapped():
        mapper = epmapper.epmapper(f'ncacn_ip_tcp:{options.host}[{options.epm_port}]', settings())
        tower = epmapper.epm_twr_t()
        tower.tower.num_floors = 5
        tower.tower.floors = [
            floor(0x0D, EVEN6[:18], epmapper.epm_rhs_uuid, unknown=b'\0\0'), floor(0x0D, NDR[:18], epmapper.epm_rhs_uuid, unknown=b'\0\0'),
            floor(0x0B, b'', epmapper.epm_rhs_ncacn, minor_version=0), floor(0x07, b'', epmapper.epm_rhs_tcp, port=0),
            floor(0x09, b'', epmapper.epm_rhs_ip, ipaddr='0.0.0.0')]
        tower.tower_length = 75
        _, towers, status = mapper.epm_Map(misc.GUID(), tower, misc.policy_handle(), 4)
        same((len(towers), status), (1, 0), 'towers and status')
        port = towers[0].twr.tower.floors[3].rhs.port
        if options.port:
            same(port, options.port, 'port')
        return port

    def opens(kind, header_signing):
        connection = Signed(options, kind, header_signing)
        try:
            query = stubs.query_response(connection.call(
                stubs.REGISTER_LOG_QUERY, stubs.query_request(options.channel, '*', 0x101)))
            same(query.status, 0, 'status of op 5')
        finally:
            connection.close()

    def whole(kind):
        connection = Signed(options, kind, True)
        numbers = stubs.read_all(connection.call, options.channel)
        connection.close()
        same(numbers, list(range(options.first, options.first + options.count)), 'record numbers')

    def refused(kind):
        try:
            connection = Signed(options, kind, True, options.password + 'x')
            connection.call(stubs.REGISTER_LOG_QUERY, stubs.query_request(options.channel, '*', 0x101))
        except Fault as fault:
            holds(fault.code in (5, 0x721, 0x1C01000B), f'refused with {fault}')
        except ConnectionError:
            pass
        else:
            raise AssertionError('a wrong password was accepted')

    def broken():
        connection = Signed(options, SPNEGO, True)
        try:
            connection.call(stubs.REGISTER_LOG_QUERY, stubs.query_request(options.channel, '*', 0x101), breaking=True)
        except Fault as fault:
            holds(fault.code in (5, 0x721), f'refused with {fault}')
        except ConnectionError:
            pass
        else:
            raise AssertionError('a broken signature was accepted')
        finally:
            connection.close()

    def library(flags):
        # Samba's class for any interface needs a connection to begin with, and for that one an interface Samba knows.
        binding = f'ncacn_ip_tcp:{options.host}[{options.port},{flags}]'
        try:
            first = mgmt.mgmt(binding, settings(), identity(options))
        except samba.NTSTATUSError as error:
            raise Left(f'the server has no mgmt interface here ({error.args[1]})') from error
        same(first.is_server_listening(), (0, 1), 'status and answer of mgmt')
        if flags.endswith('ntlm'):
            return  # Samba's own server refuses a second context on such a connection.
        second = base.ClientConnection(binding, (stubs.EVEN6_UUID, 1), settings(), identity(options), basis_connection=first)
        if options.count is None:
            answer = second.request(stubs.REGISTER_LOG_QUERY, stubs.query_request(options.channel, '*', 0x101))
            same(stubs.query_response(answer).status, 0, 'status of op 5')
            return
        numbers = stubs.read_all(second.request, options.channel, 1000)
        same(numbers, list(range(options.first, options.first + options.count)), 'record numbers')

    port = checks.run("mapper: Samba's ept_map", mapped)
    options.port = options.port or port
    if not connects(checks, options):
        return checks.finish()
    for kind, name in ((NTLM, 'NTLM'), (SPNEGO, 'SPNEGO')):
        for header_signing in (False, True):
            checks.run(f'{name}, integrity, header signing {"on" if header_signing else "off"}', opens, kind, header_signing)
        checks.run(f'{name}: a wrong password is refused', refused, kind)
        if options.count is not None:
            checks.run(f'{name}, integrity: whole channel', whole, kind)
    checks.run('a broken signature is refused', broken)
    for flags in ('sign,ntlm', 'seal,ntlm', 'sign,spnego', 'seal,spnego'):
        checks.run(f"Samba's RPC client: {flags}", library, flags)
    return checks.finish()


if __name__ == '__main__':
    sys.exit(main())
