"""What the interop clients written in Python have in common: arguments, one printed line per check, and the count at the end."""

import argparse
import socket
import subprocess
import time


class Left(Exception):
    """Raised inside a check that cannot be made here; its message says why. The check then counts neither way."""


class Checks:
    """Runs checks one after another: a failed one is printed and counted, and the next one still runs."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.left = 0

    def run(self, name, function, *arguments):
        """Prints 'ok', 'FAIL' or 'left' and the name; returns what the function returned, or None if it did not pass."""
        start = time.monotonic()
        try:
            result = function(*arguments)
        except Left as reason:
            self.left += 1
            print(f'left {name}: {reason}', flush=True)
            return None
        except Exception as error:  # A foreign library may raise anything; every kind is a failed check.
            self.failed += 1
            print(f'FAIL {name}: {type(error).__name__}: {error}', flush=True)
            return None
        self.passed += 1
        print(f'ok   {name} ({(time.monotonic() - start) * 1000:.0f} ms)', flush=True)
        return result

    def finish(self):
        """Prints the count and returns the exit status: 0 only if something was checked and nothing failed."""
        print(f'{self.passed} passed, {self.failed} failed, {self.left} skipped', flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def same(actual, expected, what='value'):
    """Fails the check unless both are equal; numbers are shown in both notations, since codes are known in hexadecimal."""
    if actual != expected:
        raise AssertionError(f'{what} is {show(actual)}, expected {show(expected)}')


def holds(condition, what):
    """Fails the check, saying what does not hold."""
    if not condition:
        raise AssertionError(what)


def show(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return f'{value} (0x{value:x})'
    if isinstance(value, (bytes, bytearray)):
        return f'{len(value)} bytes {bytes(value[:96]).hex()}'
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + '…'


def parser(description):
    """The arguments of every client."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument('host', metavar='HOST')
    arguments.add_argument('--port', type=int, help='port of the EVEN6 interface; default: what the endpoint mapper says')
    arguments.add_argument('--epm-port', type=int, default=135, help='port of the endpoint mapper')
    arguments.add_argument('--user', required=True)
    arguments.add_argument('--password', required=True)
    arguments.add_argument('--domain', default='')
    arguments.add_argument('--channel', default='Application', help='a channel with --count events')
    arguments.add_argument('--count', type=int, help='how many events the channel has; not given: only the transport is checked')
    arguments.add_argument('--first', type=int, default=1, help='record number of its first event')
    arguments.add_argument('--write', metavar='COMMAND',
                           help='shell command that writes one event to the channel --live; without it nothing is awaited')
    arguments.add_argument('--live', default='Live', help='the channel that --write writes to')
    arguments.add_argument('--clear', metavar='CHANNEL', help='a channel with events, to be cleared')
    arguments.add_argument('--export', metavar='NAME', help='a file the server may write, to be exported to')
    return arguments


def connects(checks, options):
    """Whether the server can be reached at all. Without this, 'a wrong password is refused' would hold of a server that is down."""
    def connect():
        socket.create_connection((options.host, options.port), timeout=10).close()
        return True

    return checks.run('the server accepts a connection', connect)


def write_event(arguments):
    """Lets the command of --write write one event."""
    subprocess.run(arguments.write, shell=True, check=True, stdout=subprocess.DEVNULL, timeout=30)
