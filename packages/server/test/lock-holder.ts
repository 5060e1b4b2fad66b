/** A process that holds a data folder until it is killed. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openDataFolder } from '../src/data-folder.ts';

const folder = openDataFolder(process.argv[2] ?? '', { randomBytes });
writeSync(1, 'held');
setInterval(() => folder.path, 1000);
