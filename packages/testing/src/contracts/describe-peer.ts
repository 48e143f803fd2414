import { describe } from 'vitest';

import { peer } from '../peer/peer.js';

/** A suite that needs other programs; where one is missing it is skipped, and its title says so. */
export function describePeer(
  names: string | readonly string[],
  title: string,
  suite: () => void,
): void {
  const missing = [names].flat().filter((name) => peer(name) === undefined);
  const reason = missing.length === 0 ? '' : ` (skipped: needs ${missing.join(', ')})`;
  // Reporters show that something was skipped, but not why.
  if (reason !== '') process.stderr.write(`${title}${reason}\n`);
  describe.skipIf(missing.length > 0)(`${title}${reason}`, () => {
    suite();
  });
}
