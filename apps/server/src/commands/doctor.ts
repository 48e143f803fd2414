import { settingEntries } from '@oci/manager/config';
import { exitCodeOf, exitCodes } from '@oci/manager/program';
import type { OciError } from '@oci/spec-types';
import type { Command } from 'commander';

import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { hintOf } from '../hint.js';
import {
  type CheckOutcome,
  type FaultCode,
  type Latency,
  type StorageCheck,
  type StorageReport,
  faults,
} from '../hosted/storage-doctor/check.js';
import { briefChecks, examineStorage } from '../hosted/storage-doctor/examine-storage.js';
import { type Result, printResult } from '../output.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { untilInterrupted } from './until-interrupted.js';

interface DoctorOptions extends CommonOptions {
  readonly storage?: boolean;
}

interface Examination {
  /** Where hosted repositories are kept, in words. */
  readonly place: string;
  /** Settings that are not the default. */
  readonly settings: number;
  readonly report: StorageReport;
}

export function addDoctor(program: Command): void {
  withConfiguration(commandOf(program, 'doctor'))
    .description(
      'check the configuration, and whether the storage can be used; ends with 1 when it cannot',
    )
    .option(
      '--storage',
      'find out all that a server relies on: races of writers, lists, large objects, clocks, latencies',
    )
    .addHelpText('after', example('doctor --storage --config server.toml'))
    .action(async (_: unknown, command: Command) => {
      const { storage = false, ...options } = command.optsWithGlobals<DoctorOptions>();
      const examination = await examine(inputsOf(options), storage);
      printResult(resultOf(examination), options.format);
      const { report } = examination;
      if (!report.isFit) process.exitCode = exitCodeFor(report);
    });
}

/** @throws OciError `CONFIG_INVALID`, `ABORTED` */
function examine(inputs: ServerSettingInputs, isWhole: boolean): Promise<Examination> {
  return untilInterrupted(async (signal) => {
    const { options, settings } = await loadConfiguration(inputs);
    const { dataDir, storage } = options;
    const set = settingEntries(settings).filter(({ source }) => source !== 'default');
    const report = await examineStorage(dataDir, storage, {
      signal,
      ...(!isWhole && { only: briefChecks }),
    });
    const place = storage?.kind === 's3' ? `bucket ${storage.bucket}` : dataDir;
    return { place, settings: set.length, report };
  });
}

function exitCodeFor({ checks }: StorageReport): number {
  const failure = checks.map(errorOf).find((error) => error !== undefined);
  return failure ? exitCodeOf(failure.code) : exitCodes.other;
}

function resultOf({ place, settings, report }: Examination): Result {
  const verdict = verdictOf(report);
  const configuration = {
    name: 'configuration',
    outcome: 'ok',
    summary: `It is valid; ${settings} settings are not the default`,
  } as const;
  return {
    json: {
      storage: { kind: report.kind, place },
      healthy: report.isFit,
      fit_for_replicas: report.isFitForReplicas,
      verdict,
      probes: [configuration, ...report.checks].map(probeJson),
      latencies: report.latencies.map(({ operation, requests, median, p95, max }) => ({
        operation,
        requests,
        median_ms: median,
        p95_ms: p95,
        max_ms: max,
      })),
    },
    lines: [
      `${report.kind} ${place}`,
      lineOf('ok', configuration.name, configuration.summary),
      ...report.checks.flatMap(checkLines),
      ...latencyLines(report.latencies),
      '',
      `verdict: ${verdict}`,
    ],
  };
}

function verdictOf({ kind, checks, isFit, isFitForReplicas }: StorageReport): string {
  const problem = checks.find(({ outcome }) => outcome === 'problem');
  if (!isFit) return `the storage cannot be used as it is: ${problem?.summary ?? ''}`;
  if (problem) return `the storage can be used by one server alone: ${problem.summary}`;
  const warnings = checks.filter(({ outcome }) => outcome === 'warning').length;
  const remark = warnings > 0 ? `, ${warnings} ${warnings === 1 ? 'thing' : 'things'} to know` : '';
  const isDeep = checks.some(({ name }) => name === 'create');
  if (!isDeep) return `the storage can be reached${remark}; --storage finds out more`;
  if (isFitForReplicas) return `the storage can be used, by several servers too${remark}`;
  return `the storage can be used${kind === 'file' ? ', by one server at a time' : ''}${remark}`;
}

const marks: Readonly<Record<CheckOutcome, string>> = {
  ok: 'ok',
  warning: '! ',
  missing: '- ',
  problem: 'x ',
  skipped: '. ',
};

const nameWidth = 14;

function lineOf(outcome: CheckOutcome, name: string, summary: string): string {
  return `${marks[outcome]} ${name.padEnd(nameWidth)} ${summary}`;
}

function checkLines(check: StorageCheck): readonly string[] {
  const line = lineOf(check.outcome, check.name, check.summary);
  if (!('code' in check)) return [line];
  const { meaning } = faults[check.code];
  return [line, `    ${check.code}: ${meaning}`, `    hint: ${hintFor(check)}`];
}

function latencyLines(latencies: readonly Latency[]): readonly string[] {
  if (latencies.length === 0) return [];
  const row = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(10) : cell.padStart(11))).join('');
  return [
    '',
    row(['request', 'times', 'median ms', 'p95 ms', 'max ms']),
    ...latencies.map(({ operation, requests, median, p95, max }) =>
      row([operation, ...[requests, median, p95, max].map(String)]),
    ),
  ];
}

function hintFor(check: StorageCheck & { readonly code: FaultCode }): string {
  const error = errorOf(check);
  return (error && hintOf(error)) ?? faults[check.code].hint;
}

function errorOf(check: StorageCheck): OciError | undefined {
  return 'error' in check ? check.error : undefined;
}

function probeJson(check: StorageCheck | { name: string; outcome: CheckOutcome; summary: string }) {
  const { name, outcome, summary } = check;
  const evidence = ('evidence' in check && check.evidence) || null;
  const fault = 'code' in check ? check : undefined;
  const error = fault && errorOf(fault);
  return {
    name,
    outcome,
    summary,
    evidence,
    fault: fault
      ? { code: fault.code, meaning: faults[fault.code].meaning, hint: hintFor(fault) }
      : null,
    error: error ? { code: error.code, message: error.message } : null,
  };
}
