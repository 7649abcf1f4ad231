import { numberOf } from '../campaigns/numbers.js';

/** How often the tests that end jobs by force run: once, unless they are a campaign. */
export const storms = { repeats: numberOf('kill-storms', 'times') - 1 };
