export { type Location, formatLocation, parseLocation } from './location.js';
export {
  type Connect,
  type OpenSource,
  type OpenTarget,
  openSource,
  openTarget,
} from './open-location.js';
