/** Characters of a pattern: matching takes at most this many steps for each character of a path. */
export const maxPatternLength = 1024;

/** One part of a pattern: any text, or a character that satisfies the test. */
type Token = 'star' | ((character: string) => boolean);

/**
 * Go's `filepath.Match` over a whole path, which kpm uses: `*` and `?` stay within a component, `[…]`
 * is a set of characters, `\` takes the next one as it is, and there is no `**`. A malformed
 * pattern, and one of more than {@link maxPatternLength} characters, matches nothing.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const tokens = pattern.length > maxPatternLength ? undefined : globTokens(pattern);
  return tokens !== undefined && matchTokens(tokens, path, isNoSlash);
}

/** Matches `*` against any text, with slashes too; every other character stands for itself. */
export function matchesWildcard(pattern: string, text: string): boolean {
  const tokens = Array.from(pattern, (character) => (character === '*' ? 'star' : same(character)));
  return matchTokens(tokens, text, () => true);
}

/**
 * Matches without backtracking further than to the last star, for what an earlier one could take besides
 * makes no difference: steps are at most tokens times characters.
 */
function matchTokens(
  tokens: readonly Token[],
  text: string,
  starTakes: (character: string) => boolean,
): boolean {
  const characters = Array.from(text);
  let at = 0;
  let next = 0;
  /** The token behind the last star, and how far that star has come. */
  let retry: { readonly token: number; at: number } | undefined;
  while (at < characters.length) {
    const token = tokens[next];
    if (token === 'star') {
      next += 1;
      retry = { token: next, at };
    } else if (token?.(characters[at] ?? '')) {
      next += 1;
      at += 1;
    } else {
      if (!retry || !starTakes(characters[retry.at] ?? '')) return false;
      retry.at += 1;
      at = retry.at;
      next = retry.token;
    }
  }
  return tokens.slice(next).every((token) => token === 'star');
}

/** @returns undefined for a malformed pattern */
function globTokens(pattern: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const characters = Array.from(pattern);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') tokens.push('star');
    else if (character === '?') tokens.push(isNoSlash);
    else if (character === '[') {
      const set = readSet(characters, at + 1);
      if (!set) return undefined;
      tokens.push(set.test);
      at = set.end;
    } else if (character === '\\') {
      at += 1;
      const taken = characters[at];
      if (taken === undefined) return undefined;
      tokens.push(same(taken));
    } else tokens.push(same(character));
  }
  return tokens;
}

/** Reads `[a-z…]` or `[^…]` behind its bracket. @returns where it ends; undefined when it is malformed */
function readSet(
  characters: readonly string[],
  start: number,
): { readonly test: (character: string) => boolean; readonly end: number } | undefined {
  const isNegated = characters[start] === '^';
  const ranges: (readonly [low: string, high: string])[] = [];
  let at = isNegated ? start + 1 : start;
  const take = (): string | undefined => {
    const isEscaped = characters[at] === '\\';
    const taken = characters[isEscaped ? at + 1 : at];
    at += isEscaped ? 2 : 1;
    return isEscaped || (taken !== '-' && taken !== ']') ? taken : undefined;
  };
  while (characters[at] !== ']') {
    const low = take();
    let high = low;
    if (characters[at] === '-') {
      at += 1;
      high = take();
    }
    if (low === undefined || high === undefined || order(low, high) > 0) return undefined;
    ranges.push([low, high]);
  }
  if (ranges.length === 0) return undefined;
  const isIn = (character: string): boolean =>
    ranges.some(([low, high]) => order(low, character) <= 0 && order(character, high) <= 0);
  return { end: at, test: (character) => isNoSlash(character) && isIn(character) !== isNegated };
}

function order(a: string, b: string): number {
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}

function isNoSlash(character: string): boolean {
  return character !== '/';
}

function same(character: string): (other: string) => boolean {
  return (other) => other === character;
}
