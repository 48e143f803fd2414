import { compare, timesAsFast } from '../harness/compare.mjs';
import { FreshRepositories, contentToPush, pushers } from '../harness/pushers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

/**
 * A push to docker-registry, straight or over a link.
 *
 * @param {object} what
 * @param {string} what.name
 * @param {string} what.title
 * @param {(bench: import('../harness/bench.mjs').Bench) => readonly number[]} what.sizes
 * @param {{ roundTripMs: number, bytesPerSecondUp: number }} [what.link]
 * @param {readonly { peer: string, target: string, times: number }[]} what.targets
 * @returns {import('../harness/bench.mjs').BenchCase}
 */
export function pushCase({ name, title, sizes, link, targets }) {
  return {
    name,
    title,
    async run(bench) {
      const registry = await startDockerRegistry(bench.scope);
      if (!registry) throw missingRegistry();
      const target = { host: '127.0.0.1', port: registry.port };
      const content = await contentToPush(bench, registry, {
        repository: `bench/${name}`,
        sizes: sizes(bench),
      });
      const repositories = new FreshRepositories(`bench/${name}`);
      const rows = await compare(bench, {
        contestants: pushers(content, repositories),
        host: (link ? await bench.link({ target, ...link }) : registry).host,
        front: await bench.front({ target }),
        check: () => repositories.expectPushed(registry.host, content.image.digests),
        rounds: link ? Math.min(bench.rounds, 3) : bench.rounds,
      });
      const verdicts = targets.map(({ peer, ...wanted }) =>
        fasterThan(timesAsFast(rows.filter(({ isOurs, name }) => isOurs || name === peer)), wanted),
      );
      return { rows, verdicts };
    },
  };
}
