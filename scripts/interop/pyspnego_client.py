#!/usr/bin/env python3
"""Checks an event log server with pyspnego's SPNEGO and NTLM, and the RPC runtime of dpapi-ng.

They sign headers, pad to 16 bytes, negotiate bind time features and send verification trailers, as Windows' runtime does.
Prints a line per check; exits 0 only if every check that could be made holds.
"""

import os
import socket
import sys
import uuid
from importlib.metadata import version

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import spnego
from dpapi_ng import _rpc
from dpapi_ng._rpc._auth import AuthenticationProvider
from spnego._spnego import GSSMech, NegState, NegTokenInit, NegTokenResp, pack_mech_type_list, unpack_token

import stubs
from checks import Checks, connects, holds, parser, same

EVEN6 = _rpc.SyntaxId(uuid.UUID(stubs.EVEN6_UUID), 1, 0)
INTEGRITY, PRIVACY = 5, 6
LAST_FRAGMENT = _rpc.PacketFlags.PFC_LAST_FRAG


class Provider(AuthenticationProvider):
    """dpapi-ng's provider only seals; this one also signs without sealing."""

    def __init__(self, options, level, password=None):
        super().__init__(f'{options.domain}\\{options.user}' if options.domain else options.user,
                         password or options.password, options.host, 'negotiate')
        self.level = _rpc.AuthenticationLevel(level)

    def trailer(self, token, padding=0):
        return _rpc.SecTrailer(type=self.provider, level=self.level, pad_length=padding, context_id=0, auth_value=token)

    def step(self, in_token=None):
        return self.trailer(self.ctx.step(in_token) or b'')

    def get_empty_trailer(self, pad_length):
        return self.trailer(b'\0' * 16, pad_length)

    def wrap(self, header, body, trailer, sign_header):
        if self.level == PRIVACY:
            return super().wrap(header, body, trailer, sign_header)
        pdu = header + body + trailer
        return pdu + self.ctx.sign(pdu)

    def unwrap(self, header, body, trailer, signature, sign_header):
        if self.level == PRIVACY:
            return super().unwrap(header, body, trailer, signature, sign_header)
        self.ctx.verify(header + body + trailer, signature)
        return body


NEGOEX = '1.3.6.1.4.1.311.2.2.30'


def der(tag, *contents):
    body = b''.join(contents)
    size = bytes([len(body)]) if len(body) < 128 else b'\x82' + len(body).to_bytes(2, 'big')
    return bytes([tag]) + size + body


def kerberos_token():
    """A well-formed AP-REQ in its GSS frame, for a ticket that nobody issued."""
    def number(value):
        return der(0x02, bytes([value]))

    def text(value):
        return der(0x1B, value.encode())

    sealed = der(0x30, der(0xA0, number(18)), der(0xA2, der(0x04, bytes(200))))
    name = der(0x30, der(0xA0, number(2)), der(0xA1, der(0x30, text('host'), text('server'))))
    ticket = der(0x61, der(0x30, der(0xA0, number(5)), der(0xA1, text('EVT.TEST')), der(0xA2, name), der(0xA3, sealed)))
    request = der(0x6E, der(0x30, der(0xA0, number(5)), der(0xA1, number(14)), der(0xA2, der(0x03, bytes(5))),
                            der(0xA3, ticket), der(0xA4, sealed)))
    return der(0x60, der(0x06, bytes.fromhex('2a864886f712010202')), b'\x01\x00', request)


class OtherFirst(Provider):
    """Offers other mechanisms first, with a token that the server cannot use: it must ask for NTLM, and for a mechListMIC."""

    def __init__(self, options, level, token, *others):
        super().__init__(options, level)
        self.ctx = spnego.client(options.user if not options.domain else f'{options.domain}\\{options.user}', options.password,
                                 hostname=options.host, service='host', protocol='ntlm')
        self.mechanisms = [*others, GSSMech.ntlm.value]
        self.token = token
        self.answers = []
        self.done = False

    @property
    def complete(self):
        return self.done

    def step(self, in_token=None):
        if in_token is None:
            return self.trailer(NegTokenInit(mech_types=self.mechanisms, mech_token=self.token).pack())
        answer = unpack_token(in_token)
        self.answers.append(answer)
        if len(self.answers) == 1:
            same(answer.neg_state, NegState.request_mic, 'state after a token of the other mechanism')
            same(answer.supported_mech, GSSMech.ntlm.value, 'chosen mechanism')
            same(answer.response_token, None, 'token before NTLM began')
            return self.trailer(NegTokenResp(response_token=self.ctx.step()).pack())
        mechanisms = pack_mech_type_list(self.mechanisms)
        if len(self.answers) == 2:
            same(answer.neg_state, NegState.accept_incomplete, 'state with the challenge')
            token = self.ctx.step(answer.response_token)
            mic = self.ctx.sign(mechanisms)
            self.ctx._reset_ntlm_crypto_state()
            return self.trailer(NegTokenResp(response_token=token, mech_list_mic=mic).pack())
        same(answer.neg_state, NegState.accept_complete, 'state at the end')
        holds(answer.mech_list_mic, 'the server sent no mechListMIC')
        self.ctx.verify(mechanisms, answer.mech_list_mic)
        self.ctx._reset_ntlm_crypto_state(outgoing=False)
        self.done = True
        return self.trailer(b'')


class Connection(_rpc.SyncRpcClient):
    """dpapi-ng's client, which also joins the fragments of an answer."""

    def __init__(self, options, provider):
        plug = socket.create_connection((options.host, options.port), timeout=30)
        super().__init__(plug, provider)
        self.granted = None

    def bind_even6(self):
        contexts = [
            _rpc.ContextElement(context_id=0, abstract_syntax=EVEN6, transfer_syntaxes=[_rpc.NDR]),
            _rpc.ContextElement(context_id=1, abstract_syntax=EVEN6, transfer_syntaxes=[_rpc.NDR64]),
            _rpc.ContextElement(context_id=2, abstract_syntax=EVEN6, transfer_syntaxes=[_rpc.bind_time_feature_negotiation(
                _rpc.BindTimeFeatureNegotiation.SECURITY_CONTEXT_MULTIPLEXING
                | _rpc.BindTimeFeatureNegotiation.KEEP_CONNECTION_ON_ORPHAN)]),
        ]
        ack = self.bind(contexts)
        self.granted = [(int(result.result), int(result.reason)) for result in ack.results]
        return self

    def read_pdu(self):
        header = self.exactly(16)
        return header + self.exactly(_rpc.PDUHeader.unpack(header).frag_len - 16)

    def exactly(self, count):
        data = b''
        while len(data) < count:
            piece = self._sock.recv(count - len(data))
            if not piece:
                raise ConnectionError('the server closed the connection')
            data += piece
        return data

    def _send_pdu(self, pdu, resp_type, *, encrypt_offsets=None):
        self._sock.sendall(self._prepare_pdu(pdu, encrypt_offsets))
        stub = b''
        while True:
            data = bytearray(self.read_pdu())
            header = _rpc.PDUHeader.unpack(bytes(data[:16]))
            answer = self._process_response(data, header, resp_type, encrypt_offsets)
            if resp_type is not _rpc.Response:
                return answer
            # dpapi-ng hands out the stub with its padding.
            stub += answer.stub_data[:len(answer.stub_data) - answer.sec_trailer.pad_length]
            if header.packet_flags & LAST_FRAGMENT:
                return stub

    def call(self, opnum, stub, trailer=None):
        return self.request(0, opnum, stub, verification_trailer=trailer)


def verification(syntax=_rpc.NDR, opnum=stubs.REGISTER_LOG_QUERY):
    return _rpc.VerificationTrailer([
        _rpc.CommandBitmask(flags=_rpc.CommandFlags.NONE, bits=1),
        _rpc.CommandPContext(flags=_rpc.CommandFlags.NONE, interface_id=EVEN6, transfer_syntax=syntax),
        _rpc.CommandHeader2(flags=_rpc.CommandFlags.SEC_VT_COMMAND_END | _rpc.CommandFlags.SEC_VT_MUST_PROCESS_COMMAND,
                            packet_type=_rpc.PacketType.REQUEST, data_rep=_rpc.DataRep(), call_id=1, context_id=0, opnum=opnum),
    ])


def main():
    options = parser(__doc__.split('\n')[0]).parse_args()
    print(f'pyspnego {version("pyspnego")}, dpapi-ng {version("dpapi-ng")}')
    if not options.port:
        print('--port is needed: this client asks no endpoint mapper', file=sys.stderr)
        return 2
    checks = Checks()
    if not connects(checks, options):
        return checks.finish()

    def session(provider):
        connection = Connection(options, provider)
        try:
            connection.bind_even6()
            return connection, stubs.query_response(
                connection.call(stubs.REGISTER_LOG_QUERY, stubs.query_request(options.channel, '*', 0x101)))
        except BaseException:
            connection.close()
            raise

    def opens(provider):
        connection, query = session(provider)
        same(query.status, 0, 'status of op 5')
        holds(query.handle != query.control and any(query.handle), 'the handles are null or the same')
        connection.close()
        return connection

    def contexts():
        connection = opens(Provider(options, PRIVACY))
        same(connection.granted[:2], [(0, 0), (2, 2)], 'results for NDR and NDR64')
        result, bits = connection.granted[2]
        same(result, 3, 'result of the feature negotiation')
        holds(bits & ~3 == 0, f'features {bits:#x} were granted, 3 asked for')

    def wrong_password():
        try:
            session(Provider(options, PRIVACY, options.password + 'x'))
        except (ValueError, ConnectionError) as error:
            holds(isinstance(error, ConnectionError) or str(error)[-8:] in ('00000005', '00000721', '1C01000B'), f'refused with {error}')
            return
        raise AssertionError('a wrong password was accepted')

    def trailer_checked():
        connection, _ = session(Provider(options, PRIVACY))
        request = stubs.query_request(options.channel, '*', 0x101)
        answer = stubs.query_response(connection.call(stubs.REGISTER_LOG_QUERY, request, verification()))
        same(answer.status, 0, 'status with a true trailer')
        for wrong in (verification(_rpc.NDR64), verification(opnum=stubs.QUERY_NEXT)):
            try:
                connection.call(stubs.REGISTER_LOG_QUERY, request, wrong)
            except ValueError as error:
                holds('0x00000005' in str(error), f'refused with {error}')
                connection.close()
                connection, _ = session(Provider(options, PRIVACY))
            else:
                raise AssertionError('a false verification trailer was accepted')
        connection.close()

    def whole(level, count):
        connection, _ = session(Provider(options, level))
        numbers = stubs.read_all(connection.call, options.channel, count)
        connection.close()
        same(numbers, list(range(options.first, options.first + options.count)), 'record numbers')

    def channels():
        connection, _ = session(Provider(options, PRIVACY))
        names, status = stubs.names_response(connection.call(stubs.GET_CHANNEL_LIST, bytes(4)))
        connection.close()
        same(status, 0, 'status')
        holds(options.channel in names, f'{options.channel} is not among {names}')

    checks.run('SPNEGO: integrity, op 5', opens, Provider(options, INTEGRITY))
    checks.run('SPNEGO: privacy, op 5', opens, Provider(options, PRIVACY))
    checks.run('SPNEGO: NEGOEX first, the server asks for NTLM and a mechListMIC', opens, OtherFirst(options, PRIVACY, None, NEGOEX))
    checks.run('SPNEGO: a wrong password is refused', wrong_password)
    checks.run('bind: NDR, NDR64 and feature negotiation', contexts)
    checks.run('verification trailers: a true one, false ones', trailer_checked)
    if options.count is not None:
        # A domain controller takes the token as what it says it is, and fails; a server without Kerberos goes on to NTLM.
        windows = ('1.2.840.48018.1.2.2', GSSMech.kerberos.value, NEGOEX)
        checks.run("SPNEGO: Windows' list, Kerberos first", opens, OtherFirst(options, PRIVACY, kerberos_token(), *windows))
        checks.run('integrity: whole channel in batches of 100', whole, INTEGRITY, 100)
        checks.run('privacy: whole channel in batches of 1000', whole, PRIVACY, 1000)
        checks.run('privacy: the channels', channels)
    return checks.finish()


if __name__ == '__main__':
    sys.exit(main())
