import { setImmediate as endOfTurn } from 'node:timers/promises';

import type { ObjectInfo, ObjectStore } from '@oci/cache';

interface Question {
  readonly answer: Promise<ObjectInfo | undefined>;
  hasBegun: boolean;
}

/**
 * A store of which many want to know the same at once, as when all pull one tag: whoever asks in one turn of
 * the event loop is told by one question, which begins behind them. So nobody gets an answer that was begun
 * before they asked, and none is stale.
 */
export class SharedStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #questions = new Map<string, Question>();
  readonly deleteVersion: ObjectStore['deleteVersion'];
  readonly isExclusive: boolean;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.deleteVersion = store.deleteVersion?.bind(store);
    this.isExclusive = store.isExclusive ?? false;
  }

  head: ObjectStore['head'] = (key) => {
    const question = this.#questions.get(key);
    return question && !question.hasBegun ? question.answer : this.#ask(key);
  };

  get: ObjectStore['get'] = (key, options) => this.#store.get(key, options);
  put: ObjectStore['put'] = (key, body, options) => this.#store.put(key, body, options);
  list: ObjectStore['list'] = (prefix, options) => this.#store.list(prefix, options);
  entries: ObjectStore['entries'] = (prefix, options) => this.#store.entries(prefix, options);
  delete: ObjectStore['delete'] = (key, options) => this.#store.delete(key, options);
  join: ObjectStore['join'] = (keys, target, options) => this.#store.join(keys, target, options);

  #ask(key: string): Promise<ObjectInfo | undefined> {
    const begun = endOfTurn().then(() => {
      question.hasBegun = true;
      return this.#store.head(key);
    });
    const question: Question = { answer: begun, hasBegun: false };
    this.#questions.set(key, question);
    const end = (): void => {
      if (this.#questions.get(key) === question) this.#questions.delete(key);
    };
    begun.then(end, end);
    return begun;
  }
}
