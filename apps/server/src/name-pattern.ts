/**
 * Tells whether a pattern of repositories covers one: `kcl` covers `kcl` and `kcl/a/b`, not `kclx`. `*` stands for
 * any text in one component, and alone for all repositories.
 */
export function coversRepository(pattern: string, repository: string): boolean {
  const wanted = pattern.split('/');
  const given = repository.split('/');
  return (
    wanted.length <= given.length && wanted.every((part, at) => matchesText(part, given[at] ?? ''))
  );
}

/** Compares a text with a pattern piece by piece, so that no pattern takes long whatever it is compared with. */
export function matchesText(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || text.length < first.length + last.length) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.endsWith(last) && at <= text.length - last.length;
}
