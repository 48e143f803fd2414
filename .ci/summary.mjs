// Prints the closing line of a test report, and fails when a test waited for a peer that should be here.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const required = (process.env.OCI_TEST_PEERS ?? '').split(',').filter(Boolean);
const tests = report.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter(({ status }) => status === 'pending' || status === 'skipped');
const missed = skipped.filter(({ fullName }) =>
  required.some((peer) => fullName.includes(`needs ${peer}`)),
);
for (const { fullName } of missed)
  console.log(`skipped, but its peer is required here: ${fullName}`);
console.log(
  `${report.numPassedTests} passed, ${report.numFailedTests + missed.length} failed, ${skipped.length - missed.length} skipped`,
);
process.exit(report.success && missed.length === 0 && report.numPassedTests > 0 ? 0 : 1);
