import { type Bench, bodyOf } from './bench.js';
import type { FaultCode, Finding } from './check.js';

const rounds = 10;
/** Milliseconds that the clock of a storage may differ from ours before a fact counts as made up. */
const dayMs = 24 * 60 * 60_000;

/** Lists by one client what another has just written, replaced and removed. */
export async function checkLists({ one, two, signal }: Bench): Promise<Finding> {
  for (let round = 0; round < rounds; round += 1) {
    const name = `lists/${round}`;
    for (const text of ['first', 'the second']) {
      await one.put(name, bodyOf(text), { signal });
      const found = (await two.list('lists/', { signal })).find(({ key }) => key === name);
      if (!found) return problem('LIST_STALE', 'A list behind a write lacks what was written');
      if (found.size !== text.length)
        return problem('LIST_STALE', 'A list behind a write has the size of what was before');
    }
    if (round % 2 === 0) continue;
    await one.delete(name, { signal });
    if ((await two.list('lists/', { signal })).some(({ key }) => key === name))
      return problem('LIST_STALE', 'A list behind a deletion has what was deleted');
  }
  return { outcome: 'ok', summary: 'What was written is listed at once', evidence: { rounds } };
}

/** Every character of keys, and a key that is the beginning of another. */
const ordered = [
  '+',
  '-',
  '.a',
  '0',
  '=',
  '=a',
  '@',
  'A',
  'a',
  'a+',
  'a-',
  'a.',
  'a0',
  'aa',
  'b/c',
  'z',
]
  .map((name) => `order/x${name}`)
  .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** Lists in pages, from the beginning and from the middle. */
export async function checkOrder({ one, two, signal }: Bench): Promise<Finding> {
  for (const name of ordered) await one.put(name, bodyOf('x'), { signal });
  const list = async (after?: string): Promise<string> => {
    const options = { pageSize: 3, signal, ...(after !== undefined && { after }) };
    return (await two.list('order/', options)).map(({ key }) => key).join(' ');
  };
  if ((await list()) !== ordered.join(' '))
    return problem('LIST_UNORDERED', 'Pages of a list are not in byte order, or not complete');
  const middle = ordered[7] ?? '';
  if ((await list(middle)) !== ordered.slice(8).join(' '))
    return problem('LIST_UNORDERED', 'A list that begins behind an object begins elsewhere');
  if ((await list(`${middle}!`)) !== ordered.filter((key) => key > `${middle}!`).join(' '))
    return problem('LIST_UNORDERED', 'A list that begins where nothing is begins elsewhere');
  return { outcome: 'ok', summary: 'Lists are in byte order, in pages and from any key' };
}

/** Looks whether lists say what is known of objects. */
export async function checkFacts({ one, two, signal }: Bench): Promise<Finding> {
  const sizes = [0, 1, 1234];
  for (const size of sizes) await one.put(`facts/${size}`, bodyOf('x'.repeat(size)), { signal });
  const listed = await two.list('facts/', { signal });
  for (const size of sizes) {
    const entry = listed.find(({ key }) => key === `facts/${size}`);
    const info = await two.head(`facts/${size}`, { signal });
    if (entry?.size !== size) return problem('LIST_INCOMPLETE', 'A list has wrong sizes');
    if (entry.version !== info?.version || entry.version === '')
      return problem('LIST_INCOMPLETE', 'A list has other versions (ETags) than the objects');
    if (Math.abs(Date.now() - entry.modifiedAt) > dayMs)
      return problem('LIST_INCOMPLETE', 'A list has no times, or wrong ones');
  }
  return { outcome: 'ok', summary: 'Lists have size, time and version of each object' };
}

function problem(code: FaultCode, summary: string): Finding {
  return { outcome: 'problem', code, summary };
}
