import type { Fault } from './fault.js';

interface Rule {
  readonly fault: Fault;
  skip: number;
  times: number;
}

/** The faults that are still to come: the first rule that matches a request takes it. */
export class FaultList {
  readonly #rules = new Set<Rule>();

  /** @returns a function that takes the rule back */
  add(fault: Fault): () => void {
    const rule: Rule = { fault, skip: fault.skip ?? 0, times: fault.times ?? Infinity };
    this.#rules.add(rule);
    return () => {
      this.#rules.delete(rule);
    };
  }

  take(method: string, url: URL): Fault | undefined {
    for (const rule of this.#rules) {
      if (!matches(rule.fault, method, url)) continue;
      if (rule.skip > 0) {
        rule.skip -= 1;
        continue;
      }
      rule.times -= 1;
      if (rule.times <= 0) this.#rules.delete(rule);
      if (rule.times >= 0) return rule.fault;
    }
    return undefined;
  }
}

/** Whether a request is of a method and path, as faults and waiting tests describe them. */
export function matches(
  match: { readonly method?: string | undefined; readonly path: string | RegExp },
  method: string,
  url: URL,
): boolean {
  if (match.method !== undefined && match.method !== method) return false;
  if (typeof match.path === 'string') return url.pathname.includes(match.path);
  return new RegExp(match.path.source, match.path.flags.replace(/[gy]/g, '')).test(
    url.pathname + url.search,
  );
}
