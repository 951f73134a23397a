import { NdrReader } from '../ndr/ndr-reader.ts';
import { NdrWriter } from '../ndr/ndr-writer.ts';
import { handle } from '../stubs/codec.ts';

/** The stubs of ept_map, the question which port an interface is spoken on. */

export const EPT_MAP = 3;
export const EPT_LOOKUP_HANDLE_FREE = 4;
/** Operations of the endpoint mapper. */
export const EPM_OPERATIONS = 8;
/** No endpoint is known. */
export const EPT_NOT_REGISTERED = 0x16c9_a0d6;

const UUID_SIZE = 16;
const MAX_TOWER_BYTES = 4096;
const MAX_TOWERS = 500;

export interface MapRequest {
  /** The interface that is looked for, in a tower whose port says nothing; undefined when there is none. */
  readonly tower: Uint8Array | undefined;
  readonly maxTowers: number;
}

export interface MapResponse {
  readonly towers: readonly Uint8Array[];
  readonly status: number;
}

function writeTower(to: NdrWriter, tower: Uint8Array): void {
  to.u32(tower.length);
  to.u32(tower.length);
  to.bytes(tower);
}

function readTower(from: NdrReader): Uint8Array {
  const max = from.count(MAX_TOWER_BYTES, 1);
  const length = from.u32();
  if (length !== max) from.fail(`a tower of ${max} bytes says that it has ${length}`);
  return from.bytes(length);
}

export function encodeMapRequest({ tower, maxTowers }: MapRequest): Uint8Array {
  const to = new NdrWriter();
  to.pointer(undefined);
  to.pointer(tower === undefined ? undefined : () => writeTower(to, tower));
  handle.write(to, undefined);
  to.u32(maxTowers);
  return to.written;
}

/** @throws NdrError */
export function decodeMapRequest(stub: Uint8Array): MapRequest {
  const from = new NdrReader(stub);
  let tower: Uint8Array | undefined;
  from.pointer(() => from.bytes(UUID_SIZE));
  from.pointer(() => {
    tower = readTower(from);
  });
  handle.read(from, () => {});
  return { tower, maxTowers: from.u32() };
}

/** @param maxTowers as the client asked for */
export function encodeMapResponse({ towers, status }: MapResponse, maxTowers: number): Uint8Array {
  const to = new NdrWriter();
  handle.write(to, undefined);
  to.u32(towers.length);
  to.construct(() => {
    to.u32(maxTowers);
    to.u32(0);
    to.u32(towers.length);
    for (const tower of towers) to.pointer(() => writeTower(to, tower));
  });
  to.u32(status);
  return to.written;
}

/** @throws NdrError */
export function decodeMapResponse(stub: Uint8Array): MapResponse {
  const from = new NdrReader(stub);
  const towers: Uint8Array[] = [];
  handle.read(from, () => {});
  const count = from.count(MAX_TOWERS, 4);
  from.construct(() => {
    from.u32();
    if (from.u32() !== 0) from.fail('an array of towers does not begin at its beginning');
    if (from.u32() !== count) from.fail('an array of towers is not as long as it says');
    for (let i = 0; i < count; i++) {
      from.pointer(() => {
        towers.push(readTower(from));
      });
    }
  });
  return { towers, status: from.u32() };
}
