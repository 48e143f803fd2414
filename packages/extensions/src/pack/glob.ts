/**
 * Go's `filepath.Match` over a whole path, which kpm uses: `*` and `?` stay within a component, `[…]`
 * is a set of characters, `\` takes the next one as it is, and there is no `**`. A malformed
 * pattern matches nothing.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const expression = translate(pattern);
  return expression !== undefined && expression.test(path);
}

function translate(pattern: string): RegExp | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern[at] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at));
      if (!set) return undefined;
      source += `(?!/)[${set[1]}${(set[2] ?? '').replace(/\\(.)|[[\]^]/gs, (sign, taken?: string) => `\\${taken ?? sign}`)}]`;
      at += set[0].length - 1;
    } else if (character === '\\') {
      at += 1;
      if (at >= pattern.length) return undefined;
      source += escape(pattern[at] ?? '');
    } else source += escape(character);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    return undefined;
  }
}

function escape(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
}
