import { settingHint } from '@oci/manager/config';
import type { ErrorReason, OciError } from '@oci/spec-types';

/** Returns what to do about a failure, in the words of the server: its settings. */
export function hintOf({ hint, reason }: OciError): string | undefined {
  return (reason && (ownHint(reason) ?? settingHint(reason))) ?? hint;
}

function ownHint(reason: ErrorReason): string | undefined {
  switch (reason.kind) {
    case 'named-file-unreadable':
      return reason.file === 'configuration' ? 'It is named by --config or OCI_CONFIG.' : undefined;
    case 'repository-unknown':
      return 'List its namespace to see what there is.';
    default:
      return undefined;
  }
}
