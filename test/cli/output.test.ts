import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Output } from '../../src/cli/output.ts';

/** A stream that keeps what was written to it, or fails as told. */
function target(failure?: NodeJS.ErrnoException) {
  const writes: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      if (failure === undefined) writes.push(chunk.toString('utf8'));
      done(failure);
    },
  });
  return { stream, writes };
}

const fault = (code: string) => Object.assign(new Error(`write ${code}`), { code });

describe('output', () => {
  it('is gathered into few large writes', async () => {
    const { stream, writes } = target();
    const output = new Output(stream);
    for (let i = 0; i < 10_000; i++) {
      output.add(`line ${i}\n`);
      if (output.full) await output.flush();
    }
    expect(await output.flush()).toBe(true);
    expect(writes.length).toBeLessThanOrEqual(2);
    expect(writes.join('')).toBe(Array.from({ length: 10_000 }, (_, i) => `line ${i}\n`).join(''));
  });

  it('waits until its reader has taken it', async () => {
    let take = () => {};
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        take = done;
      },
    });
    const output = new Output(stream);
    output.add('line\n');
    let flushed = false;
    const flushing = output.flush().then((taken) => {
      flushed = true;
      return taken;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushed).toBe(false);
    take();
    expect(await flushing).toBe(true);
  });

  it('counts as not taken, and not as a failure, when the reader has gone', async () => {
    const output = new Output(target(fault('EPIPE')).stream);
    output.add('line\n');
    expect(await output.flush()).toBe(false);
    expect(output.closed).toBe(true);
    output.add('more\n');
    expect(await output.flush()).toBe(false);
  });

  it('fails for any other fault', async () => {
    const output = new Output(target(fault('ENOSPC')).stream);
    output.add('line\n');
    await expect(output.flush()).rejects.toThrow('the output cannot be written: write ENOSPC');
  });

  it('begins UTF-16 with a byte order mark, once', async () => {
    const chunks: Buffer[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _, done) => {
        chunks.push(chunk);
        done();
      },
    });
    const output = new Output(stream, true);
    output.add('a\n');
    await output.flush();
    output.add('b\n');
    await output.flush();
    expect(Buffer.concat(chunks).toString('utf16le')).toBe('\ufeffa\nb\n');
  });
});
