/** A host may be mended, or a proxy before it go away: then ranges are tried again. Milliseconds. */
const rememberedFor = 10 * 60_000;

/** Redirects may lead to ever other hosts: what was learned first is forgotten first. */
const mostHosts = 1000;

/**
 * Which hosts serve ranges as they should. Blobs often come from another host than the one that is
 * asked, so what is learned is of the host that answered, and who answered last stands for who is asked.
 */
export class RangeSupport {
  readonly #works = new Map<string, { readonly works: boolean; readonly until: number }>();
  readonly #answeredBy = new Map<string, string>();
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
    keep(this.#answeredBy, [asked, by]);
  }

  learn(host: string, works: boolean): void {
    keep(this.#works, [host, { works, until: this.#now() + rememberedFor }]);
  }
}

function keep<V>(map: Map<string, V>, [key, value]: readonly [string, V]): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > mostHosts && oldest !== undefined) map.delete(oldest);
}
