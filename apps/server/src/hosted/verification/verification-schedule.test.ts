import { expect, test } from 'vitest';

import type { VerificationStatus } from './verification.js';
import { isVerificationDue } from './verification-schedule.js';

const day = 24 * 60 * 60_000;
const now = 1_800_000_000_000;
const figures = { objects: 1, bytes: 1, records: 1, damaged: 0, findings: [] };
const lastAt = (startedAt: number) => ({
  ...figures,
  startedAt,
  endedAt: startedAt + 1000,
  healed: [],
});
const pass = { ...figures, startedAt: now - 1000, position: 'v2/content/' };

test.each<[what: string, status: Partial<VerificationStatus>, intervalMs: number, isDue: boolean]>([
  ['a storage that was never verified', {}, 7 * day, true],
  ['a pass that began before the interval', { last: lastAt(now - 8 * day) }, 7 * day, true],
  ['a pass that began within it', { last: lastAt(now - 6 * day) }, 7 * day, false],
  ['a pass of a clock that was wrong by years', { last: lastAt(now + 999 * day) }, 7 * day, true],
  ['a pass of a clock that is a little ahead', { last: lastAt(now + 1000) }, 7 * day, false],
  ['a pass that was stopped', { last: lastAt(now - day), pass }, 7 * day, true],
  ['a run, whose process may have died', { last: lastAt(now), runningSince: now }, 7 * day, true],
  ['no interval', { pass }, 0, false],
])('%s', async (_, status, intervalMs, isDue) => {
  const verification = { status: async () => ({ runningSince: undefined, ...status }) };
  expect(await isVerificationDue(verification, intervalMs, now)).toBe(isDue);
});
