import { describe, expect, it } from 'vitest';
import { normalizeArguments } from '../../src/cli/arguments.ts';
import { UsageError } from '../../src/cli/failure.ts';
import { VERBS } from '../../src/cli/verbs.ts';

const normal = (...args: string[]) => normalizeArguments(args, VERBS);

describe("the command line's spelling", () => {
  it('has five forms for an option with a value, in any case', () => {
    const expected = ['qe', 'a.evtx', '--query=*[System]'];
    for (const option of [['/q:*[System]'], ['/query:*[System]'], ['-q', '*[System]'], ['--query', '*[System]']]) {
      expect(normal('qe', 'a.evtx', ...option)).toEqual(expected);
    }
    for (const option of [
      '--query=*[System]',
      '-q:*[System]',
      '/Q:*[System]',
      '/QUERY:*[System]',
      '--Query=*[System]',
    ]) {
      expect(normal('QE', 'a.evtx', option)).toEqual(expected);
    }
    expect(normal('Query-Events', 'a.evtx')).toEqual(['qe', 'a.evtx']);
  });

  it('keeps the case and every character of a value', () => {
    expect(normal('qe', "/q:*[System[Provider[@Name='A:B=C']]]")).toEqual([
      'qe',
      "--query=*[System[Provider[@Name='A:B=C']]]",
    ]);
    expect(normal('qe', '/q:a\nb')).toEqual(['qe', '--query=a\nb']);
    expect(normal('qe', '--query=')).toEqual(['qe', '--query=']);
  });

  it('takes true and false for a switch in every form', () => {
    for (const on of [['/rd'], ['/rd:true'], ['/RD:TRUE'], ['-rd'], ['-rd', 'true'], ['--rd=true'], ['--reverse']]) {
      expect(normal('qe', ...on, 'a.evtx')).toEqual(['qe', '--reversedirection', 'a.evtx']);
    }
    for (const off of [['/rd:false'], ['-rd', 'False'], ['--reversedirection=false']]) {
      expect(normal('qe', ...off, 'a.evtx')).toEqual(['qe', 'a.evtx']);
    }
    expect(() => normal('qe', '/rd:yes')).toThrow(UsageError);
  });

  it('reads /mnt/x.evtx as a path: only names of options are options', () => {
    expect(normal('qe', '/mnt/x.evtx')).toEqual(['qe', '/mnt/x.evtx']);
    expect(normal('qe', '/mnt')).toEqual(['qe', '/mnt']);
    expect(normal('qe', '-bm', '/mnt/bm.xml')).toEqual(['qe', '--bookmark=/mnt/bm.xml']);
    expect(normal('qe', '//q')).toEqual(['qe', '//q']);
    expect(normal('qe', '--', '/q')).toEqual(['qe', '--', '/q']);
  });

  it('knows an option only where its verb has it', () => {
    expect(normal('gli', '/c:3')).toEqual(['gli', '/c:3']);
    expect(normal('gli', '/LF:true', 'a')).toEqual(['gli', '--logfile', 'a']);
  });

  it('counts with --count alone, and stops after N events with a number', () => {
    expect(normal('qe', 'a.evtx', '--count')).toEqual(['qe', 'a.evtx', '--count-only']);
    expect(normal('qe', '--count', '2024.evtx')).toEqual(['qe', '--count-only', '2024.evtx']);
    expect(normal('qe', '--count', 'true', 'a.evtx')).toEqual(['qe', '--count-only', 'a.evtx']);
    expect(normal('qe', '--count=false', 'a.evtx')).toEqual(['qe', 'a.evtx']);
    for (const limit of [['/c:5'], ['/count:5'], ['-c', '5'], ['--count', '5'], ['--count=5']]) {
      expect(normal('qe', ...limit)).toEqual(['qe', '--count=5']);
    }
    expect(() => normal('qe', 'a.evtx', '-c')).toThrow('-c: its value is missing');
  });

  it('does not take the next option for a missing value', () => {
    expect(() => normal('qe', '/q', '/f:text')).toThrow('/q: its value is missing');
    expect(() => normal('qe', '-sbm')).toThrow('-sbm: its value is missing');
  });

  it('asks for help as on Windows, too', () => {
    for (const help of ['/?', '-?', '/h', '/help']) {
      expect(normal(help)).toEqual(['--help']);
      expect(normal('qe', help)).toEqual(['qe', '--help']);
    }
    expect(normal('HELP', 'QE')).toEqual(['help', 'qe']);
    expect(normal('--VERSION')).toEqual(['--version']);
    expect(normal()).toEqual([]);
  });
});
