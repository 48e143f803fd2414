import { printNote } from '../output.js';
import type { TransferReport } from './transfer-report.js';

/** Milliseconds between two lines. */
const everyMs = 10_000;

/** Runs work, and says every ten seconds on stderr how far it is. */
export async function withProgress<T>(report: TransferReport, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => printNote([report.line]), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
