import { describe } from 'vitest';

import { conditionTests } from './object-store/condition-tests.js';
import { joinTests } from './object-store/join-tests.js';
import { listTests } from './object-store/list-tests.js';
import type { ObjectStoreLike } from './object-store/object-store.js';
import { objectTests } from './object-store/object-tests.js';
import { refusalTests } from './object-store/refusal-tests.js';

/** An empty store, made for one test. */
export interface ObjectStoreUnderTest {
  readonly store: ObjectStoreLike;
  readonly close: () => Promise<void>;
}

export type MakeObjectStore = () => Promise<ObjectStoreUnderTest>;

/** What every object store does, whether it is a directory, memory or a bucket. */
export function objectStoreContract(name: string, make: MakeObjectStore): void {
  describe(`${name} keeps the contract of an object store`, () => {
    describe('objects', () => {
      objectTests(make);
    });
    describe('conditions', () => {
      conditionTests(make);
    });
    describe('lists', () => {
      listTests(make);
    });
    describe('joins', () => {
      joinTests(make);
    });
    describe('refusals', () => {
      refusalTests(make);
    });
  });
}
