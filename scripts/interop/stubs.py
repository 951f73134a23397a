"""A few operations of IEventService as plain bytes, for clients that bring an RPC runtime or security but no NDR engine."""

import struct
from collections import namedtuple

from result_record import records

EVEN6_UUID = 'f6beaff7-1e19-4fbb-9f8f-b89e2018337c'
REGISTER_LOG_QUERY, QUERY_NEXT, CLOSE, CANCEL, GET_CHANNEL_LIST = 5, 11, 13, 14, 19
NO_MORE_ITEMS = 0x103

Query = namedtuple('Query', 'handle control channels error status')
Batch = namedtuple('Batch', 'records status')


class Reader:
    """Reads NDR (transfer syntax 2.0) from the start of a stub."""

    def __init__(self, data):
        self.data = bytes(data)
        self.offset = 0

    def u4(self):
        self.offset += -self.offset % 4
        (value,) = struct.unpack_from('<L', self.data, self.offset)
        self.offset += 4
        return value

    def take(self, count):
        if self.offset + count > len(self.data):
            raise ValueError(f'{count} bytes wanted at {self.offset} of {len(self.data)}')
        self.offset += count
        return self.data[self.offset - count:self.offset]

    def handle(self):
        self.offset += -self.offset % 4
        return self.take(20)

    def string(self):
        maximum, offset, actual = self.u4(), self.u4(), self.u4()
        if offset != 0 or not 1 <= actual <= maximum:
            raise ValueError(f'string of {actual} units from {offset}, of at most {maximum}')
        text = self.take(actual * 2).decode('utf-16-le')
        if text[-1] != '\0':
            raise ValueError(f'string without terminator: {text!r}')
        return text[:-1]

    def count(self, count):
        """The maximum count of a conformant array that follows its pointer; False if the pointer is NULL."""
        if self.u4() == 0:
            if count:
                raise ValueError(f'NULL instead of {count} elements')
            return False
        maximum = self.u4()
        if maximum != count:
            raise ValueError(f'{maximum} elements where {count} were announced')
        return True

    def array(self, count):
        return [self.u4() for _ in range(count)] if self.count(count) else []

    def end(self):
        """Padding may follow, nothing else."""
        if len(self.data) - self.offset > 15:
            raise ValueError(f'{len(self.data) - self.offset} bytes are left over')


def string(text):
    units = (text + '\0').encode('utf-16-le')
    count = len(units) // 2
    return struct.pack('<LLL', count, 0, count) + units + b'\0' * (-len(units) % 4)


def unique(text, referent=0x20000):
    return struct.pack('<L', 0) if text is None else struct.pack('<L', referent) + string(text)


def query_request(path, query, flags):
    return unique(path) + string(query) + struct.pack('<L', flags)


def query_response(stub):
    read = Reader(stub)
    handle, control, count = read.handle(), read.handle(), read.u4()
    channels = []
    if read.count(count):
        heads = [(read.u4(), read.u4()) for _ in range(count)]
        channels = [(read.string() if referent else None, status) for referent, status in heads]
    error = (read.u4(), read.u4(), read.u4())
    status = read.u4()
    read.end()
    return Query(handle, control, channels, error, status)


def next_request(handle, count, timeout=5000):
    return handle + struct.pack('<LLL', count, timeout, 0)


def next_response(stub):
    read = Reader(stub)
    count = read.u4()
    indices, sizes = read.array(count), read.array(count)
    size = read.u4()
    buffer = read.take(size) if read.count(size) else b''
    status = read.u4()
    read.end()
    return Batch(records(indices, sizes, buffer), status)


def close_response(stub):
    read = Reader(stub)
    handle, status = read.handle(), read.u4()
    read.end()
    return handle, status


def names_response(stub):
    read = Reader(stub)
    count = read.u4()
    names = []
    if read.count(count):
        referents = [read.u4() for _ in range(count)]
        names = [read.string() if referent else None for referent in referents]
    status = read.u4()
    read.end()
    return names, status


def read_all(call, channel, count=100, flags=0x101):
    """Record numbers of a channel: registers a query, pulls batches until the end, closes both handles.

    call(opnum, stub) sends a request and returns the response's stub.
    """
    query = query_response(call(REGISTER_LOG_QUERY, query_request(channel, '*', flags)))
    if query.status or query.error[0]:
        raise AssertionError(f'the query failed with {query.status:#x}, RpcInfo {query.error}')
    if query.channels != [(channel, 0)]:
        raise AssertionError(f'channels of the query: {query.channels}')
    numbers = []
    while True:
        batch = next_response(call(QUERY_NEXT, next_request(query.handle, count)))
        numbers += [record.number for record in batch.records]
        if batch.status:
            break
    if batch.status != NO_MORE_ITEMS:
        raise AssertionError(f'the last batch failed with {batch.status:#x}')
    for handle in (query.handle, query.control):
        if close_response(call(CLOSE, handle)) != (bytes(20), 0):
            raise AssertionError('a handle could not be closed')
    return numbers
