"""Makes events in the BinXml of MS-EVEN6, as Windows sends them: a template with its definition inline, and values."""

import struct
import uuid

STRING, BYTE, UINT16, UINT64, FILETIME = 0x01, 0x04, 0x06, 0x0A, 0x11
FRAGMENT, END = b'\x0f\x01\x01\x00', b'\x00'
NAMESPACE = 'http://schemas.microsoft.com/win/2004/08/events/event'
TEMPLATE = uuid.UUID('6f1c2b7e-0d8a-4c55-9c1e-2a1f3b4c5d6e').bytes_le


def name(text):
    """A name stands inline: hash, length, text, terminator."""
    number = 0
    for unit in text.encode('utf-16-le')[::2]:
        number = (number * 65599 + unit) & 0xFFFFFFFF
    return struct.pack('<HH', number & 0xFFFF, len(text)) + text.encode('utf-16-le') + b'\0\0'


def literal(text):
    return struct.pack('<BBH', 0x05, STRING, len(text)) + text.encode('utf-16-le')


def value(index, kind, optional=False):
    return struct.pack('<BHB', 0x0E if optional else 0x0D, index, kind)


def element(tag, content=b'', **attributes):
    listed = b''
    for position, (key, part) in enumerate(attributes.items(), 1):
        listed += bytes([0x46 if position < len(attributes) else 0x06]) + name(key) + part
    inner = name(tag) + (struct.pack('<L', len(listed)) + listed if listed else b'')
    inner += b'\x02' + content + b'\x04' if content else b'\x03'
    return struct.pack('<BHL', 0x41 if listed else 0x01, 0xFFFF, len(inner)) + inner


DEFINITION = FRAGMENT + element(
    'Event',
    element('System',
            element('Provider', Name=value(0, STRING)) + element('EventID', value(1, UINT16)) + element('Level', value(2, BYTE))
            + element('TimeCreated', SystemTime=value(3, FILETIME)) + element('EventRecordID', value(4, UINT64))
            + element('Channel', value(5, STRING)) + element('Computer', literal('foreign')))
    + element('EventData', element('Data', value(6, STRING, True), Name=literal('Text'))),
    xmlns=literal(NAMESPACE)) + END


def event(provider, number, level, filetime, record, channel, text):
    """One event as a document."""
    values = [
        (STRING, provider.encode('utf-16-le')), (UINT16, struct.pack('<H', number)), (BYTE, bytes([level])),
        (FILETIME, struct.pack('<Q', filetime)), (UINT64, struct.pack('<Q', record)), (STRING, channel.encode('utf-16-le')),
        (STRING, text.encode('utf-16-le')) if text else (0, b''),
    ]
    instance = b'\x0c\x00' + TEMPLATE + struct.pack('<L', len(DEFINITION)) + DEFINITION
    instance += struct.pack('<L', len(values)) + b''.join(struct.pack('<HBB', len(data), kind, 0) for kind, data in values)
    return FRAGMENT + instance + b''.join(data for _, data in values) + END


def record(binxml, number, backward=False, subqueries=()):
    """A record of a result buffer, with the bookmark of one channel."""
    middle = struct.pack(f'<L{len(subqueries)}L', len(subqueries), *subqueries)
    bookmark = 20 + len(binxml) + len(middle)
    return (struct.pack('<5L', bookmark + 32, 0x10, 0x10, bookmark, len(binxml)) + binxml + middle
            + struct.pack('<6LQ', 32, 0x18, 1, 0, int(backward), 0x18, number))
