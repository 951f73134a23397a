import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Disk, nodeDisk } from '../../src/store/disk.ts';
import { NewFile } from '../../src/store/new-file.ts';
import { temporaryFolder } from '../log-files.ts';
import { Failure } from './faulty-disk.ts';

const BYTES = Buffer.from('new');

/** Makes a file through a disk; ends it whatever happens. */
function make(target: string, overwrite: boolean, disk: Disk): void {
  const file = new NewFile(target, disk);
  try {
    file.write(0, BYTES);
    file.publish(overwrite);
  } finally {
    file.end();
  }
}

function without(...what: readonly ('link' | 'rename')[]): Disk {
  const refuse = () => {
    throw new Failure('EPERM');
  };
  return { ...nodeDisk, ...Object.fromEntries(what.map((name) => [name, refuse])) };
}

describe('a file in the making', () => {
  it('has a name of its own beside the target, and nothing is left of it', () => {
    const folder = temporaryFolder();
    const target = join(folder, 'out.evtx');
    const files = [new NewFile(target, nodeDisk), new NewFile(target, nodeDisk)];
    const names = readdirSync(folder);
    expect(names.length).toBe(2);
    for (const name of names) expect(name).toMatch(/^\.out\.evtx\.[a-z0-9]+\.partial$/);
    for (const file of files) file.end();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('knows how much waits for the disk', () => {
    const file = new NewFile(join(temporaryFolder(), 'out.evtx'), nodeDisk);
    file.write(0, BYTES);
    file.write(3, BYTES);
    expect(file.unsyncedBytes).toBe(6);
    for (const step of file.sync()) if (typeof step === 'object') step.sync();
    expect(file.unsyncedBytes).toBe(0);
    file.end();
  });

  it('gets a name that is free, and no other, also where a file system has no second names', () => {
    for (const disk of [nodeDisk, without('link')]) {
      const folder = temporaryFolder();
      const target = join(folder, 'out.evtx');
      make(target, false, disk);
      expect(readFileSync(target, 'utf8')).toBe('new');
      writeFileSync(target, 'mine');
      expect(() => make(target, false, disk)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
      expect(readFileSync(target, 'utf8')).toBe('mine');
      make(target, true, disk);
      expect(readFileSync(target, 'utf8')).toBe('new');
      expect(readdirSync(folder)).toEqual(['out.evtx']);
    }
  });

  it('leaves nothing where neither way works', () => {
    const folder = temporaryFolder();
    expect(() => make(join(folder, 'out.evtx'), false, without('link', 'rename'))).toThrow(/EPERM/);
    expect(readdirSync(folder)).toEqual([]);
  });
});
