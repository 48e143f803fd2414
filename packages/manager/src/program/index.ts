export { type ExitCode, exitCodeOf, exitCodes } from './exit-code.js';
export { failureJson, failureReport } from './failure-report.js';
