import { LRUCache } from 'lru-cache';

import type { Token } from './token.js';
import type { TokenKey, TokenStore } from './token-file.js';

const maxTokens = 1000;

/** The tokens of one registry: in memory, and behind it where earlier processes left theirs. */
export class TokenCache {
  readonly #store: TokenStore | undefined;
  readonly #tokens = new LRUCache<string, Promise<Token>>({ max: maxTokens });

  constructor(store?: TokenStore) {
    this.#store = store;
  }

  /** One request per token, however many wait for it; one that was rejected is not given again. */
  async get(
    key: TokenKey,
    ask: { fetch: () => Promise<Token>; isRejected: (token: Token) => boolean },
  ): Promise<Token> {
    const name = JSON.stringify([key.purpose, key.identity]);
    const held = this.#tokens.get(name);
    const token = await held?.catch(() => undefined);
    if (token && token.expiresAt > Date.now() && !ask.isRejected(token)) return token;
    const current = this.#tokens.get(name);
    if (current && current !== held) return current;
    const fetched = this.#fetch(key, ask);
    this.#remember(name, fetched);
    return fetched;
  }

  async #fetch(
    key: TokenKey,
    ask: { fetch: () => Promise<Token>; isRejected: (token: Token) => boolean },
  ): Promise<Token> {
    const stored = await this.#store?.get(key);
    if (stored && !ask.isRejected(stored)) return stored;
    const token = await ask.fetch();
    await this.#store?.put(key, token);
    return token;
  }

  #remember(name: string, fetched: Promise<Token>): void {
    this.#tokens.set(name, fetched);
    fetched.catch(() => {
      if (this.#tokens.get(name) === fetched) this.#tokens.delete(name);
    });
  }
}
