import { compare, timesAsFast } from '../harness/compare.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { FreshRepositories, copiersWithin } from '../harness/pushers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

/** Nothing moves: the start of a process, and requests that follow each other. */
export const mountCopy = mountCopyCase('mount-copy', {
  title: '12 layers copied to another repository of docker-registry, loopback',
});

/** The same far away. */
export const mountCopySlowly = mountCopyCase('mount-copy-slow', {
  title: '12 layers copied to another repository of docker-registry, 40 ms round trip',
  link: { roundTripMs: 40 },
});

/**
 * @param {string} name
 * @param {{ title: string, link?: { roundTripMs: number } }} what
 * @returns {import('../harness/bench.mjs').BenchCase}
 */
function mountCopyCase(name, { title, link }) {
  return {
    name,
    title,
    async run(bench) {
      const registry = await startDockerRegistry(bench.scope);
      if (!registry) throw missingRegistry();
      const target = { host: '127.0.0.1', port: registry.port };
      const image = await pushRandomImage(registry.host, {
        repository: `bench/${name}`,
        sizes: Array.from({ length: 12 }, () => 256 * 1024),
      });
      const repositories = new FreshRepositories(`bench/${name}-to`);
      const rows = await compare(bench, {
        contestants: copiersWithin(image, repositories),
        host: (link ? await bench.link({ target, ...link }) : registry).host,
        front: await bench.front({ target }),
        check: () => repositories.expectPushed(registry.host, image.digests),
      });
      const wanted = { target: 'as fast as the best of them', times: 1 };
      return { rows, verdicts: [fasterThan(timesAsFast(rows), wanted)] };
    },
  };
}
