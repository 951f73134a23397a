import { expect, it } from 'vitest';
import { hostAndPort } from '../../../src/service/remote/host-and-port.ts';

it('reads a computer, and its port where one is named', () => {
  expect(hostAndPort('host')).toEqual({ host: 'host', port: undefined });
  expect(hostAndPort('host.example:4913')).toEqual({ host: 'host.example', port: 4913 });
  expect(hostAndPort('[fe80::1%eth0]:65535')).toEqual({ host: 'fe80::1%eth0', port: 65535 });
  expect(hostAndPort('[::1]')).toEqual({ host: '::1', port: undefined });
  expect(hostAndPort('2001:db8::1')).toEqual({ host: '2001:db8::1', port: undefined });
});

it.each(['', ':1', 'host:', 'host:0', 'host:65536', 'host:x', 'a:b:c', 'a:1:2', '[::1]x', '[]', '[::1'])(
  'refuses "%s"',
  (text) => {
    expect(hostAndPort(text)).toBeUndefined();
  },
);
