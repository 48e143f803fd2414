export { BackOff } from './back-off.js';
export {
  type Failure,
  type NextAttempt,
  Retries,
  type RetryRule,
  defaultRetryRule,
  isTransientStatus,
  mayWait,
  pauseBound,
} from './retry-rule.js';
