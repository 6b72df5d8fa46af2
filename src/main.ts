// What units and images start that have nothing to say but "run": `openfire-receipts start` without the command line.
import { start } from './start.ts';

await start();
