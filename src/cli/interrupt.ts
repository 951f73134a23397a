import { ExitStatus } from './exit-status.ts';

/** Turns Ctrl-C into a cancel: the first one stops the work and lets it end cleanly, the second one ends the program. */
export class Interrupt {
  readonly #cancel: () => void;
  #status: number | undefined;
  readonly #handlers = [
    ['SIGINT', () => this.#stop(ExitStatus.interrupted)],
    ['SIGTERM', () => this.#stop(ExitStatus.terminated)],
    ['SIGHUP', () => this.#stop(ExitStatus.hangup)],
  ] as const;

  /** @param cancel stops what is pending, through EvtCancel */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  #stop(status: number): void {
    if (this.#status !== undefined) process.exit(status);
    this.#status = status;
    this.#cancel();
  }

  /** The exit status once somebody has asked to stop. */
  get status(): number | undefined {
    return this.#status;
  }

  end(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}
