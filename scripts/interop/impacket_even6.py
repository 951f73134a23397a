"""The operations of IEventService in impacket's NDR classes.

impacket declares some of them; its declarations of responses read inline what is a pointer, and some requests lack fields.
These here follow the interface definition (MS-EVEN6 section 6), so that impacket's NDR engine encodes and decodes every operation.
"""

from impacket.dcerpc.v5.dtypes import BYTE, DWORD, GUID, LARGE_INTEGER, LPWSTR, ULONG, ULONGLONG, WSTR
from impacket.dcerpc.v5.even6 import DCERPCSessionError  # noqa: F401  impacket looks it up in the module of the request
from impacket.dcerpc.v5.ndr import NDRCALL, NDRPOINTER, NDRSTRUCT, NDRUNION, NDRUniConformantArray
from impacket.uuid import uuidtup_to_bin

EVEN6 = uuidtup_to_bin(('f6beaff7-1e19-4fbb-9f8f-b89e2018337c', '1.0'))


class HANDLE(NDRSTRUCT):
    align = 4
    structure = (('Attributes', DWORD), ('Uuid', '16s=b""'))

    def getAlignment(self):
        return 4


class RPC_INFO(NDRSTRUCT):
    structure = (('Error', DWORD), ('SubError', DWORD), ('SubErrorParam', DWORD))


class DWORDS(NDRUniConformantArray):
    item = DWORD


class LPDWORDS(NDRPOINTER):
    referent = (('Data', DWORDS),)


class BYTES(NDRUniConformantArray):
    item = 'c'


class LPBYTES(NDRPOINTER):
    referent = (('Data', BYTES),)


class CHANNEL_INFO(NDRSTRUCT):
    structure = (('Name', LPWSTR), ('Status', DWORD))


class CHANNEL_INFOS(NDRUniConformantArray):
    item = CHANNEL_INFO


class LPCHANNEL_INFOS(NDRPOINTER):
    referent = (('Data', CHANNEL_INFOS),)


class STRINGS(NDRUniConformantArray):
    item = LPWSTR


class LPSTRINGS(NDRPOINTER):
    referent = (('Data', STRINGS),)


class BOOLEANS(NDRUniConformantArray):
    item = 'B'


class LPBOOLEANS(NDRPOINTER):
    referent = (('Data', BOOLEANS),)


class QWORDS(NDRUniConformantArray):
    item = ULONGLONG


class LPQWORDS(NDRPOINTER):
    referent = (('Data', QWORDS),)


class GUIDS(NDRUniConformantArray):
    item = GUID


class LPGUIDS(NDRPOINTER):
    referent = (('Data', GUIDS),)


class LPGUID(NDRPOINTER):
    referent = (('Data', GUID),)


def counted(pointer):
    """The structure of an array arm: a count, and a pointer to that many elements."""
    return type('COUNTED_' + pointer.__name__, (NDRSTRUCT,), {'structure': (('Count', DWORD), ('Ptr', pointer))})


class VARIANT_UNION(NDRUNION):
    commonHdr = (('tag', ULONG),)
    # An arm stands at its own alignment; without this, impacket aligns every arm to four.
    notAlign = True
    union = {
        0: ('nullVal', DWORD),
        1: ('booleanVal', BYTE),
        2: ('uint32Val', DWORD),
        3: ('uint64Val', ULONGLONG),
        4: ('stringVal', LPWSTR),
        5: ('guidVal', LPGUID),
        6: ('booleanArray', counted(LPBOOLEANS)),
        7: ('uint32Array', counted(LPDWORDS)),
        8: ('uint64Array', counted(LPQWORDS)),
        9: ('stringArray', counted(LPSTRINGS)),
        10: ('guidArray', counted(LPGUIDS)),
    }


class VARIANT(NDRSTRUCT):
    structure = (('Type', DWORD), ('Flags', DWORD), ('Union', VARIANT_UNION))

    def getAlignment(self):
        return 8  # One arm holds 64 bits.


class VARIANTS(NDRUniConformantArray):
    item = VARIANT

    def getAlignment(self):
        return 8


class LPVARIANTS(NDRPOINTER):
    referent = (('Data', VARIANTS),)


class VARIANT_LIST(NDRSTRUCT):
    structure = (('Count', DWORD), ('Props', LPVARIANTS))


class VARIANT_LISTS(NDRUniConformantArray):
    item = VARIANT_LIST


class LPVARIANT_LISTS(NDRPOINTER):
    referent = (('Data', VARIANT_LISTS),)


BATCH = (
    ('Count', DWORD),
    ('Indices', LPDWORDS),
    ('Sizes', LPDWORDS),
    ('BufferSize', DWORD),
    ('Buffer', LPBYTES),
    ('ErrorCode', DWORD),
)
REGISTERED = (
    ('Handle', HANDLE),
    ('Control', HANDLE),
    ('InfoCount', DWORD),
    ('Infos', LPCHANNEL_INFOS),
    ('Error', RPC_INFO),
    ('ErrorCode', DWORD),
)
FAILABLE = (('Error', RPC_INFO), ('ErrorCode', DWORD))
NAMES = (('Count', DWORD), ('Names', LPSTRINGS), ('ErrorCode', DWORD))
RENDERED = (('Actual', DWORD), ('Needed', DWORD), ('String', LPBYTES), ('Error', RPC_INFO), ('ErrorCode', DWORD))


def operation(opnum, name, request, response):
    """Declares a request and its response under the names by which impacket finds the one from the other."""
    module = {'__module__': __name__}
    globals()[name] = type(name, (NDRCALL,), {'opnum': opnum, 'structure': request, **module})
    globals()[name + 'Response'] = type(name + 'Response', (NDRCALL,), {'structure': response, **module})


operation(0, 'RegisterRemoteSubscription',
          (('Channel', LPWSTR), ('Query', WSTR), ('Bookmark', LPWSTR), ('Flags', DWORD)), REGISTERED)
operation(1, 'RemoteSubscriptionNextAsync', (('Handle', HANDLE), ('Count', DWORD), ('Flags', DWORD)), BATCH)
operation(2, 'RemoteSubscriptionNext', (('Handle', HANDLE), ('Count', DWORD), ('TimeOut', DWORD), ('Flags', DWORD)), BATCH)
operation(3, 'RemoteSubscriptionWaitAsync', (('Handle', HANDLE),), (('ErrorCode', DWORD),))
operation(4, 'RegisterControllableOperation', (), (('Handle', HANDLE), ('ErrorCode', DWORD)))
operation(5, 'RegisterLogQuery', (('Path', LPWSTR), ('Query', WSTR), ('Flags', DWORD)), REGISTERED)
operation(6, 'ClearLog', (('Control', HANDLE), ('Channel', WSTR), ('Backup', LPWSTR), ('Flags', DWORD)), FAILABLE)
operation(7, 'ExportLog',
          (('Control', HANDLE), ('Channel', LPWSTR), ('Query', WSTR), ('Backup', WSTR), ('Flags', DWORD)), FAILABLE)
operation(9, 'MessageRender',
          (('Publisher', HANDLE), ('Size', DWORD), ('EventId', BYTES), ('MessageId', DWORD), ('Values', VARIANT_LIST),
           ('Flags', DWORD), ('MaxBytes', DWORD)), RENDERED)
operation(10, 'MessageRenderDefault',
          (('Size', DWORD), ('EventId', BYTES), ('MessageId', DWORD), ('Values', VARIANT_LIST), ('Flags', DWORD),
           ('MaxBytes', DWORD)), RENDERED)
operation(11, 'QueryNext', (('Handle', HANDLE), ('Count', DWORD), ('TimeOut', DWORD), ('Flags', DWORD)), BATCH)
operation(12, 'QuerySeek',
          (('Handle', HANDLE), ('Position', LARGE_INTEGER), ('Bookmark', LPWSTR), ('TimeOut', DWORD), ('Flags', DWORD)),
          FAILABLE)
operation(13, 'Close', (('Handle', HANDLE),), (('Handle', HANDLE), ('ErrorCode', DWORD)))
operation(14, 'Cancel', (('Handle', HANDLE),), (('ErrorCode', DWORD),))
operation(15, 'AssertConfig', (('Path', WSTR), ('Flags', DWORD)), (('ErrorCode', DWORD),))
operation(17, 'OpenLogHandle', (('Path', WSTR), ('Flags', DWORD)),
          (('Handle', HANDLE), ('Error', RPC_INFO), ('ErrorCode', DWORD)))
operation(18, 'GetLogFileInfo', (('Handle', HANDLE), ('Id', DWORD), ('Size', DWORD)),
          (('Value', BYTES), ('Length', DWORD), ('ErrorCode', DWORD)))
operation(19, 'GetChannelList', (('Flags', DWORD),), NAMES)
operation(20, 'GetChannelConfig', (('Channel', WSTR), ('Flags', DWORD)), (('List', VARIANT_LIST), ('ErrorCode', DWORD)))
operation(21, 'PutChannelConfig', (('Channel', WSTR), ('Flags', DWORD), ('List', VARIANT_LIST)), FAILABLE)
operation(22, 'GetPublisherList', (('Flags', DWORD),), NAMES)
operation(23, 'GetPublisherListForChannel', (('Channel', WSTR), ('Flags', DWORD)), NAMES)
operation(24, 'GetPublisherMetadata',
          (('Publisher', LPWSTR), ('File', LPWSTR), ('Locale', DWORD), ('Flags', DWORD)),
          (('List', VARIANT_LIST), ('Handle', HANDLE), ('ErrorCode', DWORD)))
operation(25, 'GetPublisherResourceMetadata', (('Handle', HANDLE), ('Id', DWORD), ('Flags', DWORD)),
          (('List', VARIANT_LIST), ('ErrorCode', DWORD)))
operation(26, 'GetEventMetadataEnum', (('Handle', HANDLE), ('Flags', DWORD), ('Filter', LPWSTR)),
          (('Handle', HANDLE), ('ErrorCode', DWORD)))
operation(27, 'GetNextEventMetadata', (('Handle', HANDLE), ('Flags', DWORD), ('Count', DWORD)),
          (('Count', DWORD), ('Lists', LPVARIANT_LISTS), ('ErrorCode', DWORD)))
operation(28, 'GetClassicLogDisplayName', (('Log', WSTR), ('Locale', DWORD), ('Flags', DWORD)),
          (('Name', LPWSTR), ('ErrorCode', DWORD)))


def variants(*values):
    """A list for op 21, all 21 entries: those given as pairs of index and (type, value) are marked as changed."""
    changed = dict(values)
    entries = []
    for index in range(21):
        kind, value = changed.get(index, (0, 0))
        entry = VARIANT()
        entry['Type'], entry['Flags'] = kind, 1 if index in changed else 0
        entry['Union']['tag'] = kind
        entry['Union'][VARIANT_UNION.union[kind][0]] = value
        entries.append(entry)
    return entries


def text(string):
    """A string without its terminator; None stays None."""
    return None if string is None or string == b'' else str(string).rstrip('\x00')


def variant(entry):
    """What a variant of a list holds, as a Python value; text and GUIDs as str, a null as None."""
    kind = entry['Type']
    union = entry['Union']
    if union['tag'] != kind:
        raise ValueError(f'variant of type {kind} has tag {union["tag"]}')
    if kind == 0:
        return None
    name = VARIANT_UNION.union[kind][0]
    value = union[name]
    if kind == 4:
        return text(value)
    if kind in (6, 7, 8, 9, 10):
        items = value['Ptr'] if value['Count'] else []
        return [text(item['Data']) if kind == 9 else (item['Data'] if hasattr(item, 'fields') else item) for item in items]
    return bool(value) if kind == 1 else value
