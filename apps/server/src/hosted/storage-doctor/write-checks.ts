import type { PutCondition, StoredVersion } from '@oci/cache';

import { type Bench, bodyOf } from './bench.js';
import type { Finding, FaultCode } from './check.js';

/** Races of each kind, and writers of each race. */
const rounds = 5;
const writers = 16;

/** Races writers that create one object, of which exactly one may win. */
export async function checkCreate(bench: Bench): Promise<Finding> {
  const { one, two, signal } = bench;
  const condition = { ifAbsent: true } as const;
  await one.put('create/there', bodyOf('first'), { signal });
  if (await two.put('create/there', bodyOf('second'), { signal, condition }))
    return fault('CREATE_NOT_EXCLUSIVE', 'It creates an object over one that is there');
  for (let round = 0; round < rounds; round += 1) {
    const failure = await race(bench, `create/${round}`, condition);
    if (failure !== undefined) return fault('CREATE_NOT_EXCLUSIVE', failure);
  }
  return won(`Of ${writers} writers that create one object, one wins`);
}

/** Races writers that replace one version of an object, of which exactly one may win. */
export async function checkReplace(bench: Bench): Promise<Finding> {
  const { one, two, signal } = bench;
  const seed = async (name: string, text: string): Promise<string> =>
    (await one.put(name, bodyOf(text), { signal }))?.version ?? '';
  const before = await seed('replace/stale', 'first');
  await seed('replace/stale', 'second');
  const stale = { condition: { ifVersion: before }, signal };
  if (await two.put('replace/stale', bodyOf('third'), stale))
    return fault(
      'REPLACE_NOT_CONDITIONAL',
      'It replaces an object in another version than asked for',
    );
  const gone = { condition: { ifVersion: before }, signal };
  if (await two.put('replace/none', bodyOf('first'), gone))
    return fault('REPLACE_NOT_CONDITIONAL', 'It replaces an object that is not there');
  for (let round = 0; round < rounds; round += 1) {
    const name = `replace/${round}`;
    const failure = await race(bench, name, { ifVersion: await seed(name, 'seed') });
    if (failure !== undefined) return fault('REPLACE_NOT_CONDITIONAL', failure);
  }
  return won(`Of ${writers} writers that replace one object, one wins`);
}

/** @returns what is wrong */
async function race(
  { one, two, signal }: Bench,
  name: string,
  condition: PutCondition,
): Promise<string | undefined> {
  const write = async (writer: number): Promise<StoredVersion | undefined> =>
    (writer % 2 === 0 ? one : two).put(name, bodyOf(`writer ${writer}`), { condition, signal });
  const ends = await Promise.allSettled(Array.from({ length: writers }, (_, at) => write(at)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const winners = ends.flatMap((end, at) => (end.status === 'fulfilled' && end.value ? [at] : []));
  if (winners.length !== 1)
    return `Of ${writers} writers that wrote one object at once, ${winners.length} were told that they won`;
  const text = (await two.read(name, { signal }))?.toString();
  if (text === `writer ${winners[0]}`) return undefined;
  return 'The object is not what the writer wrote who was told that it won';
}

function won(summary: string): Finding {
  return { outcome: 'ok', summary, evidence: { rounds, writers } };
}

function fault(code: FaultCode, summary: string): Finding {
  return { outcome: 'problem', code, summary };
}
