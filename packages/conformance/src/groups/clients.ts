/** What real clients do, and a server has to put up with. */
import type { CheckGroup } from '../check.ts';
import { apple, windows } from './clients-devices.ts';
import { libraries, network } from './clients-libraries.ts';

export const clients: CheckGroup = {
  name: 'clients',
  checks: [...windows, ...apple, ...network, ...libraries],
};
