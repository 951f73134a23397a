"""Reads the records of a result buffer (MS-EVEN6 2.2.17), strictly: whatever departs from the layout is an error."""

import struct
from collections import namedtuple

Record = namedtuple('Record', 'binxml subqueries channels current backward numbers')
Record.number = property(lambda self: self.numbers[self.current])


def records(indices, sizes, buffer):
    """The records that a batch's indices and sizes delimit in its buffer."""
    if len(indices) != len(sizes):
        raise ValueError(f'{len(indices)} indices but {len(sizes)} sizes')
    end = 0
    result = []
    for offset, size in zip(indices, sizes):
        if offset < end or offset + size > len(buffer):
            raise ValueError(f'record at {offset} of {size} bytes, after {end}, in a buffer of {len(buffer)}')
        end = offset + size
        result.append(record(bytes(buffer[offset:end])))
    return result


def record(data):
    """One record: its BinXml, the ids of the subqueries it matches, and its binary bookmark."""
    total, header, event, bookmark, binxml = struct.unpack_from('<5L', data)
    if (total, header, event) != (len(data), 0x10, 0x10):
        raise ValueError(f'record of {len(data)} bytes says size {total}, header {header:#x}, event {event:#x}')
    (count,) = struct.unpack_from('<L', data, 20 + binxml)
    if bookmark != 24 + binxml + 4 * count:
        raise ValueError(f'bookmark at {bookmark} after {binxml} bytes of BinXml and {count} subqueries')
    subqueries = struct.unpack_from(f'<{count}L', data, 24 + binxml)
    size, header, channels, current, direction, ids = struct.unpack_from('<6L', data, bookmark)
    if (size, header, ids) != (24 + 8 * channels, 0x18, 0x18) or bookmark + size != total:
        raise ValueError(f'bookmark of {size} bytes at {bookmark} of {total}, header {header:#x}, {channels} channels')
    if current >= channels or direction > 1:
        raise ValueError(f'current channel {current} of {channels}, direction {direction}')
    content = data[20:20 + binxml]
    if not content.startswith(b'\x0f\x01\x01\x00') or not content.endswith(b'\x00'):
        raise ValueError(f'BinXml begins {content[:4].hex()} and ends {content[-1:].hex()}')
    numbers = struct.unpack_from(f'<{channels}Q', data, bookmark + 24)
    return Record(content, subqueries, channels, current, direction == 1, numbers)
