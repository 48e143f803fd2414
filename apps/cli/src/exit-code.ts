import type { ExitCode } from '@oci/spec-types';

export { type ExitCode, exitCodeOf, exitCodes } from '@oci/spec-types';

/** Thrown by a command that has said what there is to say and only has to end with a code. */
export class Exit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}
