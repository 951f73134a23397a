/** What a server takes the time from. Tests hand in their own. */
export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  /** Calls back once, after so many milliseconds. It keeps no process running. @returns what ends the waiting */
  after(milliseconds: number, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
