import { pushCase } from './push-case.mjs';

/** Reading, hashing and sending, with no network between. */
export const pushLarge = pushCase({
  name: 'push-large',
  title: '1 GiB in 4 files pushed to docker-registry on loopback',
  sizes: (bench) => Array.from({ length: 4 }, () => bench.size(256 * 1024 * 1024)),
  targets: [
    { peer: 'oras', target: 'at most 0.75 times the wall of oras push', times: 1 / 0.75 },
    { peer: 'crane', target: 'at most the wall of crane push', times: 1 },
  ],
});

/** The same over a slow link: the protocol takes a blob over one connection, so everyone can use four. */
export const pushLargeSlowly = pushCase({
  name: 'push-large-slow',
  title: '1 GiB in 4 files pushed over 40 ms round trip, 25 MB/s per connection',
  sizes: (bench) => Array.from({ length: 4 }, () => bench.size(256 * 1024 * 1024)),
  link: { roundTripMs: 40, bytesPerSecondUp: 25_000_000 },
  targets: [
    { peer: 'oras', target: 'at most 0.5 times the wall of oras push', times: 2 },
    { peer: 'crane', target: 'at most 0.5 times the wall of crane push', times: 2 },
  ],
});
