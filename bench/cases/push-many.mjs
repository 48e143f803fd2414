import { pushCase } from './push-case.mjs';

const sizes = () => Array.from({ length: 40 }, () => 1024 * 1024);

/** Many small blobs near by: what a request costs. */
export const pushMany = pushCase({
  name: 'push-many',
  title: '40 files of 1 MiB pushed to docker-registry on loopback',
  sizes,
  targets: [
    { peer: 'oras', target: 'at most the wall of oras push', times: 1 },
    { peer: 'crane', target: 'at most the wall of crane push', times: 1 },
  ],
});

/** The same far away: how many requests follow each other. */
export const pushManySlowly = pushCase({
  name: 'push-many-slow',
  title: '40 files of 1 MiB pushed over 40 ms round trip, 25 MB/s per connection',
  sizes,
  link: { roundTripMs: 40, bytesPerSecondUp: 25_000_000 },
  targets: [
    { peer: 'oras', target: 'at most 0.5 times the wall of oras push', times: 2 },
    { peer: 'crane', target: 'at most 0.5 times the wall of crane push', times: 2 },
  ],
});
