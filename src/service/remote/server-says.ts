import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import { EvtQueryError } from '../../query/error.ts';
import { parseQuery } from '../../query/index.ts';
import type { QueryRequest } from '../service.ts';

/** What the code of a server's refusal means to whoever has asked: the protocol carries no words. */
const SENTENCES: Partial<Record<Win32Symbol, string>> = {
  ERROR_FILE_NOT_FOUND: 'the server has no such file',
  ERROR_PATH_NOT_FOUND: 'the server has no such folder',
  ERROR_ACCESS_DENIED: 'the server gives this user no right to it',
  ERROR_NOT_SUPPORTED: 'the server does not support it',
  ERROR_FILE_EXISTS: 'the server has such a file already: name another one',
  ERROR_INVALID_PARAMETER: 'the server does not accept it as it is',
  ERROR_DISK_FULL: 'the server’s disk is full',
  ERROR_INVALID_NAME: 'the server can have no file of that name',
  ERROR_NOT_FOUND: 'the server finds no such place',
  ERROR_TIMEOUT: 'the server has not found it in time',
  ERROR_EVENTLOG_FILE_CORRUPT: 'the file is damaged, or no log',
  ERROR_EVT_INVALID_CHANNEL_PATH: 'no channel can be called that',
  ERROR_EVT_INVALID_QUERY: 'the server cannot read the query',
  ERROR_EVT_CHANNEL_NOT_FOUND: 'the server has no such channel',
  ERROR_EVT_QUERY_RESULT_STALE: 'events were cleared or overwritten there before they could be read',
  ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE: 'the server does not accept such a value',
};

export function serverSays(symbol: Win32Symbol): string {
  return SENTENCES[symbol] ?? 'the server refuses it';
}

/** The failure of a request, with the place in its query where that is what the server cannot read, and we cannot either. */
export function withPlace(error: unknown, { query, tolerate }: Pick<QueryRequest, 'query' | 'tolerate'>): unknown {
  if (!(error instanceof EvtError) || error.symbol !== 'ERROR_EVT_INVALID_QUERY') return error;
  try {
    parseQuery(query, { tolerate });
    return error;
  } catch (found) {
    return found instanceof EvtQueryError ? found : error;
  }
}
