import { ExitStatus } from './failure.ts';

/** Turns Ctrl-C into a cancel: the first one stops the work and lets it end cleanly, the second one ends the program. */
export class Interrupt {
  readonly #cancel: () => void;
  #status: number | undefined;
  readonly #onInterrupt = () => this.#stop(ExitStatus.interrupted);
  readonly #onTerminate = () => this.#stop(ExitStatus.terminated);

  /** @param cancel stops what is pending, through EvtCancel */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
    process.on('SIGINT', this.#onInterrupt);
    process.on('SIGTERM', this.#onTerminate);
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
    process.off('SIGINT', this.#onInterrupt);
    process.off('SIGTERM', this.#onTerminate);
  }
}
