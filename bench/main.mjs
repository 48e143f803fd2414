import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

import { cases } from './cases/index.mjs';
import { Bench } from './harness/bench.mjs';
import { describeMachine, fileSystemOf } from './harness/machine.mjs';
import { describePeers } from './harness/peers.mjs';
import { rowsTable, verdictsTable } from './harness/table.mjs';

const usage = `Usage: pnpm bench [case...] [--rounds N] [--json FILE] [--dir DIR] [--quick] [--list]

  --rounds N   runs of each program, alternating; default 5
  --json FILE  also writes all figures there
  --dir DIR    works in this directory; default the system's temporary one
  --quick      an eighth of every size and one round: tries the harness, its figures mean nothing
  --list       names the cases`;

/**
 * @param {string[]} argv
 * @returns {Promise<number>} the exit code
 */
export async function main(argv) {
  const { values, positionals } = parseArgs({
    // pnpm passes the dashes on.
    args: argv.filter((argument) => argument !== '--'),
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      json: { type: 'string' },
      dir: { type: 'string' },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return say(usage);
  if (values.list)
    return say(cases.map(({ name, title }) => `${name.padEnd(24)}${title}`).join('\n'));
  const unknown = positionals.filter((name) => !cases.some((each) => each.name === name));
  if (unknown.length > 0) {
    console.error(`No case is named ${unknown.join(', ')}.\n\n${usage}`);
    return 2;
  }
  const chosen = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  return measureAll(chosen, {
    rounds,
    isQuick: values.quick,
    workDir: values.dir,
    json: values.json,
  });
}

/** @param {string} text */
function say(text) {
  console.log(text);
  return 0;
}

/**
 * @param {readonly import('./harness/bench.mjs').BenchCase[]} chosen
 * @param {{ rounds: number, isQuick: boolean, workDir: string | undefined, json: string | undefined }} options
 */
async function measureAll(chosen, { rounds, isQuick, workDir, json }) {
  const machine = { ...describeMachine(), fileSystem: fileSystemOf(workDir ?? tmpdir()) };
  const peers = describePeers();
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  );
  console.log(`peers: ${peers.installed.join(', ')}`);
  if (peers.missing.length > 0)
    console.log(`missing, not compared with: ${peers.missing.join(', ')}`);
  const report = {
    startedAt: new Date().toISOString(),
    machine,
    peers,
    rounds,
    isQuick,
    cases: /** @type {unknown[]} */ ([]),
  };
  const verdicts = [];
  let failures = 0;
  for (const each of chosen) {
    console.log(`\n## ${each.name}: ${each.title}\n`);
    const bench = new Bench({ rounds, isQuick, workDir, progress });
    const endInterrupts = closeOnInterrupt(bench);
    try {
      const result = await each.run(bench);
      progress('');
      console.log(rowsTable(result.rows));
      for (const note of result.notes ?? []) console.log(`\n${note}`);
      verdicts.push(...result.verdicts.map((verdict) => ({ name: each.name, verdict })));
      report.cases.push({ name: each.name, title: each.title, ...result });
    } catch (error) {
      progress('');
      failures += 1;
      console.log(`failed: ${error instanceof Error ? error.stack : String(error)}`);
      report.cases.push({ name: each.name, title: each.title, failure: String(error) });
    } finally {
      endInterrupts();
      await bench.scope.close();
    }
    // After each case, so that a run that is broken off leaves what it has.
    if (json !== undefined) await writeFile(json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (verdicts.length > 0) console.log(`\n${verdictsTable(verdicts)}`);
  return failures > 0 ? 1 : 0;
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** @param {Bench} bench */
function closeOnInterrupt(bench) {
  const end = () => {
    progress('');
    void bench.scope.close().finally(() => process.exit(130));
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
}
