import { LRUCache } from 'lru-cache';

/** A host may be mended, or a proxy before it go away: then ranges are tried again. Milliseconds. */
const rememberedFor = 10 * 60_000;

/** Redirects may lead to ever other hosts: the one that was not asked for longest is forgotten. */
const mostHosts = 1000;

/**
 * Which hosts serve ranges as they should. Blobs often come from another host than the one that is
 * asked, so what is learned is of the host that answered, and who answered last stands for who is asked.
 */
export class RangeSupport {
  readonly #works = new LRUCache<string, { readonly works: boolean; readonly until: number }>({
    max: mostHosts,
  });
  readonly #answeredBy = new LRUCache<string, string>({ max: mostHosts });
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Whether asking `host` for ranges works; undefined when that isn't known. */
  of(host: string): boolean | undefined {
    const found = this.#works.get(this.#answeredBy.get(host) ?? host);
    return found && found.until > this.#now() ? found.works : undefined;
  }

  /** Notes which host a blob came from. */
  answered(asked: string, by: string): void {
    this.#answeredBy.set(asked, by);
  }

  learn(host: string, works: boolean): void {
    this.#works.set(host, { works, until: this.#now() + rememberedFor });
  }
}
