// Runs the conformance suites of the distribution specification against oci-server on file storage, and fails
// when a test fails or is skipped. The reports are in test-results/conformance.
import { spawn } from 'node:child_process';
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
];

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
async function run({ name, server: settings, program, env }) {
  const reports = join(results, name);
  await mkdir(reports, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), 'conformance-'));
  const { server, address } = await startServer(directory, settings);
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

let isPassed = true;
for (const each of runs) isPassed = (await run(each)) && isPassed;
process.exit(isPassed ? 0 : 1);
