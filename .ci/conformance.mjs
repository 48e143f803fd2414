// Runs the conformance suites of the distribution specification against oci-server on file storage and, where
// versitygw is installed, in a bucket of S3. Fails when a test fails or is skipped. The reports are in
// test-results/conformance.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const results = resolve('test-results/conformance');
const path = `${process.env.PATH}${delimiter}${join(homedir(), 'go', 'bin')}`;

/** The suite of the specification's main branch with its defaults, then with all that it can be asked for. */
const runs = [
  { name: '1.1', server: '', program: 'conformance', env: { OCI_VERSION: '1.1' } },
  {
    name: 'everything',
    server: 'sparse_manifests = true',
    program: 'conformance',
    env: { OCI_VERSION: 'dev', OCI_DATA_SPARSE: 'true' },
  },
  { name: 'before-2026', server: '', program: 'conformance-1.1', env: {} },
  {
    name: 'bucket',
    server: '',
    program: 'conformance',
    env: { OCI_VERSION: '1.1' },
    isBucket: true,
  },
];

const keys = { id: 'tester', secret: 'secretsecret' };

/** An S3 service with the bucket `oci`, and what the server is told of it. */
async function startBucket(directory) {
  const data = join(directory, 'buckets');
  await mkdir(join(data, 'oci'), { recursive: true });
  for (const [name, value] of Object.entries(keys)) await writeFile(join(directory, name), value);
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const service = spawn('versitygw', ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data], {
    env: { PATH: path, ROOT_ACCESS_KEY: keys.id, ROOT_SECRET_KEY: keys.secret },
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt += 1) {
    const isUp = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (isUp) break;
    if (attempt > 100) throw new Error('versitygw does not answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const settings = `[orchestrator.oci.server.storage]
kind = "s3"
bucket = "oci"
endpoint = "${endpoint}"
region = "us-east-1"
path_style = true
access_key_id_file = "id"
secret_access_key_file = "secret"`;
  return { service, settings };
}

async function startServer(directory, settings) {
  const config = join(directory, 'config.toml');
  await writeFile(config, `[orchestrator.oci.server]\n${settings}\n`);
  const options = ['--config', config, '--data-dir', directory, '--log-level', 'info'];
  const server = spawn(
    process.execPath,
    ['apps/server/dist/main.js', 'serve', '--listen', '127.0.0.1:0', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return { server, address: await addressOf(server) };
}

/** The log of the server says where it listens. */
function addressOf(server) {
  return new Promise((found, reject) => {
    let said = '';
    const look = (chunk) => {
      said += chunk;
      const [, address] = /http:\/\/(127\.0\.0\.1:\d+)/.exec(said) ?? [];
      if (address) found(address);
    };
    server.stdout.on('data', look);
    server.stderr.on('data', look);
    server.on('exit', () => reject(new Error(`the server did not start: ${said}`)));
  });
}

function environment(address, directory) {
  const workflows = ['PULL', 'PUSH', 'CONTENT_DISCOVERY', 'CONTENT_MANAGEMENT'];
  return {
    PATH: path,
    HOME: directory,
    OCI_REGISTRY: address,
    OCI_TLS: 'disabled',
    OCI_ROOT_URL: `http://${address}`,
    OCI_NAMESPACE: 'conformance/repo1',
    OCI_CROSSMOUNT_NAMESPACE: 'conformance/repo2',
    OCI_AUTOMATIC_CROSSMOUNT: '1',
    ...Object.fromEntries(workflows.map((name) => [`OCI_TEST_${name}`, '1'])),
  };
}

/** @returns whether all of a suite passed */
async function run({ name, server: own, program, env, isBucket }) {
  const reports = join(results, name);
  await mkdir(reports, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  const bucket = isBucket ? await startBucket(directory) : undefined;
  const { server, address } = await startServer(directory, `${own}\n${bucket?.settings ?? ''}`);
  const given = environment(address, directory);
  const isOld = program === 'conformance-1.1';
  const suite = spawn(program, [], {
    cwd: reports,
    env: { ...given, ...env, [isOld ? 'OCI_REPORT_DIR' : 'OCI_RESULTS_DIR']: '.' },
  });
  let output = '';
  for (const stream of [suite.stdout, suite.stderr])
    stream.on('data', (chunk) => (output += chunk));
  const [code] = await once(suite, 'close').finally(() => server.kill());
  await once(server, 'exit');
  bucket?.service.kill();
  await rm(directory, { recursive: true, force: true });
  await writeFile(join(reports, 'output.txt'), output);
  const skips = isOld ? [] : await skipsOf(reports);
  const counts = countsOf(await readFile(join(reports, 'junit.xml'), 'utf8'));
  const isPassed = code === 0 && skips.length === 0 && counts.tests > 0;
  const said = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  console.log(`${isPassed ? 'passed' : 'FAILED'} ${name}: ${said.join(', ')}`);
  for (const line of skips) console.log(`  skipped by the suite: ${line}`);
  if (code !== 0) console.log(output.slice(-4000));
  return isPassed;
}

/** A feature that the suite has found missing is a skip, and one that its settings leave out is not. */
async function skipsOf(reports) {
  const lines = (await readFile(join(reports, 'results.yaml'), 'utf8')).split('\n');
  return lines
    .filter((line) => /: (?:Skip|FAIL|Error|Unknown)$/.test(line))
    .map((line) => line.trim());
}

function countsOf(junit) {
  const [tag = ''] = /<testsuite [^>]*>/.exec(junit) ?? [];
  const names = ['tests', 'failures', 'errors', 'skipped', 'disabled'];
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(tag)?.[1] ?? 0);
  return Object.fromEntries(names.map((name) => [name, count(name)]));
}

const hasService =
  spawnSync('versitygw', ['--version'], { env: { PATH: path } }).error === undefined;
let isPassed = true;
for (const each of runs) {
  if (each.isBucket && !hasService) console.log(`skipped ${each.name}: needs versitygw`);
  else isPassed = (await run(each)) && isPassed;
}
process.exit(isPassed ? 0 : 1);
