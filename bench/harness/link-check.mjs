import http from 'node:http';

/**
 * What one connection over a link really gets.
 *
 * @typedef {{ bytesPerSecond: number, firstByteMs: number }} MeasuredLink
 */

/**
 * Reads the first layer of an image by one plain request, at most 64 MiB of it.
 *
 * @param {string} host
 * @param {import('./content.mjs').PushedImage} image
 * @returns {Promise<MeasuredLink>}
 */
export function measureLink(host, { repository, digests: [digest] }) {
  const most = 64 * 1024 * 1024;
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.get(`http://${host}/v2/${repository}/blobs/${digest}`, (response) => {
      const firstByteMs = performance.now() - startedAt;
      const bodyAt = performance.now();
      let received = 0;
      response.on('data', (chunk) => {
        received += chunk.byteLength;
        if (received >= most) response.destroy();
      });
      response.on('close', () =>
        resolve({ firstByteMs, bytesPerSecond: (received / (performance.now() - bodyAt)) * 1000 }),
      );
      response.on('error', () => {});
    });
    request.on('error', reject);
  });
}

/** @param {MeasuredLink} link */
export function linkNote({ bytesPerSecond, firstByteMs }) {
  return `One plain request over the link: first byte after ${firstByteMs.toFixed(0)} ms, ${(bytesPerSecond / 1e6).toFixed(1)} MB/s.`;
}
