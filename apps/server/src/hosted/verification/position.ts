/** How far work on keys in their order has come, of which several are worked on at once. */
export class Position {
  readonly #open: { readonly key: string; isDone: boolean }[] = [];
  #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  /** The last key of those of which all before it are done, too. */
  get key(): string {
    return this.#key;
  }

  /** Keys that were begun behind the first that is not done. */
  get open(): number {
    return this.#open.length;
  }

  /** @returns what says that the key is done */
  begin(key: string): () => void {
    const entry = { key, isDone: false };
    this.#open.push(entry);
    return () => {
      entry.isDone = true;
      let done = 0;
      while (this.#open[done]?.isDone) done += 1;
      const passed = this.#open.splice(0, done).at(-1);
      if (passed) this.#key = passed.key;
    };
  }
}
