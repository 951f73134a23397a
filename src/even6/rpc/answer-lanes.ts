/** The way of one large answer to its connection. */
export interface AnswerLane {
  /** @returns false when others have to be answered, or to be taken by the client, first */
  tryEnter(): boolean;
  /** Calls back once when trying again may be worth it. @returns what ends the asking */
  onRoom(wake: () => void): () => void;
}

/** Large answers of one connection in the making: a few at a time, and none while the client does not take those it has. */
export class AnswerLanes {
  readonly #max: number;
  readonly #hasRoom: () => boolean;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(max: number, hasRoom: () => boolean) {
    this.#max = max;
    this.#hasRoom = hasRoom;
  }

  /** A lane for one call; `leave` is called when its answer is on its way. */
  open(): AnswerLane & { leave(): void } {
    let isIn = false;
    return {
      tryEnter: () => {
        if (isIn) return true;
        if (this.#taken >= this.#max || !this.#hasRoom()) return false;
        this.#taken++;
        isIn = true;
        return true;
      },
      onRoom: (wake) => {
        this.#waiting.add(wake);
        return () => this.#waiting.delete(wake);
      },
      leave: () => {
        if (!isIn) return;
        isIn = false;
        this.#taken--;
        this.wake();
      },
    };
  }

  /** There may be room. */
  wake(): void {
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of all) wake();
  }
}
