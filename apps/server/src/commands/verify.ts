import { parseByteSize } from '@oci/manager/config';
import { exitCodes } from '@oci/manager/program';
import { OciError, isOciError } from '@oci/spec-types';
import { type Command, InvalidArgumentError } from 'commander';

import { passJson } from '../api/json/verification-json.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { describeFinding } from '../hosted/verification/finding.js';
import type { VerificationReport, VerifyOptions } from '../hosted/verification/verification.js';
import { type Result, printNote, printResult } from '../output.js';
import { defaultVerifyBytesPerSecond } from '../server-options.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';
import { untilInterrupted } from './until-interrupted.js';
import { type OpenedStorage, withStorage } from './with-storage.js';

interface VerifyCommandOptions extends CommonOptions {
  readonly restart?: boolean;
  readonly maxBytes?: number;
  readonly maxSeconds?: number;
  readonly bytesPerSecond?: string;
}

/** Milliseconds between two lines that say how far it is. */
const noteEveryMs = 10_000;

export function addVerify(program: Command): void {
  withConfiguration(commandOf(program, 'verify'))
    .description(
      'read and hash all that is stored, and set aside what is damaged; goes on where it was stopped, and ends with 1 when something is damaged',
    )
    .option('--restart', 'begin anew, wherever it was stopped')
    .option('--max-bytes <size>', 'stop after so much data, as 10GiB', parsed(parseByteSize))
    .option('--max-seconds <number>', 'stop after so many seconds', parsed(secondsOf))
    .option(
      '--bytes-per-second <size>',
      'read no faster (also OCI_SERVER_VERIFY_BYTES_PER_SECOND); default 50MiB, 0 for no limit',
    )
    .addHelpText('after', example('verify --data-dir /var/lib/oci-server'))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<VerifyCommandOptions>();
      const flags = { 'server.verify_bytes_per_second': options.bytesPerSecond };
      const report = await verifyStorage(inputsOf(options, flags), options);
      printResult(resultOf(report), options.format);
      if (report.damaged > 0) process.exitCode = exitCodes.other;
    });
}

/** @throws OciError `STORAGE_FAILED` when another process verifies, `ABORTED` */
async function verifyStorage(
  inputs: ServerSettingInputs,
  { restart, maxBytes, maxSeconds, format }: VerifyCommandOptions,
): Promise<VerificationReport> {
  return untilInterrupted(async (signal) => {
    const verify = async ({ storage, options }: OpenedStorage): Promise<VerificationReport> => {
      const rate = options.verification?.bytesPerSecond ?? defaultVerifyBytesPerSecond;
      const { verification } = createHostedRegistry(storage.store, {
        verification: { bytesPerSecond: () => rate },
      });
      const run: VerifyOptions = {
        signal,
        restart,
        maxBytes,
        maxMs: maxSeconds === undefined ? undefined : maxSeconds * 1000,
        isSparseAllowed: options.sparseManifests,
        ...(format === 'text' && { onContent: progressNotes() }),
      };
      const report = await verification.run(run);
      if (report) return report;
      throw new OciError('STORAGE_FAILED', 'another process verifies the storage', {
        retryable: true,
        hint: 'Wait for it; GET /api/v1/oci/storage of a server says how far it is.',
      });
    };
    return withStorage(inputs, verify, { signal }).catch((error: unknown) => {
      throw isOciError(error, 'ABORTED') ? stopped(error) : error;
    });
  });
}

function stopped(cause: OciError): OciError {
  const hint = 'The next run goes on where this one stopped; --restart begins anew.';
  return new OciError('ABORTED', 'the verification was stopped', { cause, hint });
}

function progressNotes(): (bytes: number) => void {
  let [objects, read, notedAt] = [0, 0, performance.now()];
  return (bytes) => {
    objects += 1;
    read += bytes;
    if (performance.now() - notedAt < noteEveryMs) return;
    notedAt = performance.now();
    printNote([`${objects} objects, ${read} bytes so far`]);
  };
}

function resultOf(report: VerificationReport): Result {
  const { isWhole, objects, bytes, records, damaged, findings, healed, resumedAfter } = report;
  const more = damaged - findings.length;
  const verdict = [
    `${objects} objects, ${bytes} bytes, ${records} records`,
    damaged === 0 ? 'nothing damaged' : `${damaged} damaged`,
    ...(healed.length > 0 ? [`${healed.length} healed`] : []),
    ...(isWhole ? [] : ['not at the end yet: the next run goes on']),
  ];
  return {
    json: {
      ...passJson(report),
      whole: isWhole,
      resumed: resumedAfter !== undefined,
    },
    lines: [
      ...healed.map((finding) => `healed: ${finding.kind} ${finding.digest ?? finding.key}`),
      ...findings.map(describeFinding),
      ...(more > 0 ? [`and ${more} more`] : []),
      verdict.join(', '),
    ],
  };
}

function secondsOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OciError('USAGE', `${text.slice(0, 50)} is no number of seconds`);
}

/** Lets the parser tell of a value that is wrong. */
function parsed(parse: (text: string) => number): (text: string) => number {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(isOciError(error) ? error.message : '');
    }
  };
}
