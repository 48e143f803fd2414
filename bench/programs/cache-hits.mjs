// Pulls a package of the cache over and over: HOST CACHE_DIR NAME VERSION MS; prints what it took as JSON.
import { OciManager } from '@oci/manager';

const [, , host = '', cacheDir = '', name = '', version = '', ms = ''] = process.argv;
const manager = new OciManager({ registryUrl: `http://${host}`, namespace: 'bench', cacheDir });
const pull = async () => {
  const { fromCache } = await manager.pullKclPackage(name, version);
  if (!fromCache) throw new Error('the package is not in the cache');
};
/** @param {number} ms */
async function pullFor(ms) {
  const taken = [];
  const end = performance.now() + ms;
  for (let before = performance.now(); before < end;) {
    await pull();
    const after = performance.now();
    taken.push(after - before);
    before = after;
  }
  return Float64Array.from(taken).sort();
}

await pullFor(Number(ms) / 4);
const taken = await pullFor(Number(ms));
const sum = taken.reduce((total, each) => total + each, 0);
console.log(
  JSON.stringify({
    p50Ms: taken[Math.floor(taken.length * 0.5)],
    p99Ms: taken[Math.floor(taken.length * 0.99)],
    perSecond: (taken.length / sum) * 1000,
  }),
);
await manager.close();
