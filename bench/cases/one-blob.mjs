import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { compare, timesAsFast } from '../harness/compare.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { ourPull, peerPullers } from '../harness/pullers.mjs';
import { startDockerRegistry, startDockerRegistryOverTls } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

/** One blob can be hashed in one thread only. @type {import('../harness/bench.mjs').BenchCase} */
export const oneBlob = {
  name: 'one-blob',
  title: 'one blob of 1 GiB from docker-registry on loopback, to a verified file on disk',
  run: (bench) => pullOne(bench, false),
};

/** @type {import('../harness/bench.mjs').BenchCase} */
export const oneBlobOverTls = {
  name: 'one-blob-tls',
  title: 'the same over TLS, with a certificate that is verified',
  run: (bench) => pullOne(bench, true),
};

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {boolean} isSecure
 */
async function pullOne(bench, isSecure) {
  const plain = await startDockerRegistry(bench.scope);
  if (!plain) throw missingRegistry();
  const image = await pushRandomImage(plain.host, {
    repository: 'bench/one-blob',
    sizes: [bench.size(1024 * 1024 * 1024)],
  });
  const files = isSecure ? await certify(bench.scope, plain.storage ?? '') : undefined;
  const secure = files && (await startDockerRegistryOverTls(bench.scope, files));
  const all = [ourPull(image), ...peerPullers(image, { isSecure })];
  const contestants = files ? all.map((each) => trusting(each, files.certificate)) : all;
  const rows = await compare(bench, {
    contestants,
    host: (secure ?? plain).host,
    check: (out) => expectFiles(out, image.digests),
  });
  const crane = rows.filter(({ isOurs, name }) => isOurs || name === 'crane');
  return {
    rows,
    verdicts: [fasterThan(timesAsFast(crane), { target: 'wall at most that of crane', times: 1 })],
  };
}

/**
 * A certificate for loopback, signed by itself.
 *
 * @param {import('../harness/scope.mjs').Scope} scope
 * @param {string} storage
 */
async function certify(scope, storage) {
  const directory = await scope.temporaryDirectory('certificate');
  const [certificate, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  const subject = ['-subj', '/CN=bench', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const form = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', ...form, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  return { certificate, key, storage };
}

/**
 * The same program, told to trust the certificate in the way of its runtime.
 *
 * @param {import('../harness/compare.mjs').Contestant} contestant
 * @param {string} certificate
 * @returns {import('../harness/compare.mjs').Contestant}
 */
function trusting(contestant, certificate) {
  const env = { SSL_CERT_FILE: certificate, NODE_EXTRA_CA_CERTS: certificate };
  return { ...contestant, command: (where) => ({ ...contestant.command(where), env }) };
}
