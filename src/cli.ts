import { parseArgs } from 'node:util';
import { VERSION } from './version.ts';

const HELP = `openfire-receipts ${VERSION}: stores, acknowledges and redelivers
the messages of an XMPP server's users.

  openfire-receipts start     runs the component until SIGTERM or SIGINT
  openfire-receipts check     looks at Redis, the XMPP server and the settings,
                              and says what is wrong with what to do
  openfire-receipts try <user@domain> <user@domain>
                              the first writes to the second, who loses his
                              connection: how the message is sent again, and
                              where the console shows it
  openfire-receipts config    shows the settings in effect, and where from
  openfire-receipts version   shows the version

  --env-file <file>        the file with the settings, instead of .env in the
                           current folder; the environment counts more

Of check, which disturbs no process that runs:
  --json                   for programs
  --messages-a-day <n>     compares Redis' memory with what so many need
  --user <user@domain>     looks at the server as this user, too; the password
                           is in CHECK_PASSWORD
  --client-address <host:port>
                           where users connect, if not to port 5222 of the
                           server's host; of try, too

Try asks for the passwords, or reads them from its input, a line each. Use
accounts that are made for this: what waits for them in the server comes to it.

Exit status: 0 fine; 1 check has found something, or try did not see what it
should, or an unexpected error; 64 wrong usage; 78 wrong settings.
Every setting: docs/configuration.md.
`;

/** sysexits.h EX_USAGE. */
const EX_USAGE = 64;

const OPTIONS = {
  'env-file': { type: 'string' },
  json: { type: 'boolean' },
  'messages-a-day': { type: 'string' },
  user: { type: 'string' },
  'client-address': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

// Whoever reads may have read enough (`| head`): what is left goes nowhere, and the exit status says what it would have said.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(EX_USAGE);
}

function read(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    const [command, ...users] = positionals;
    // Who asks how try is used names no users yet.
    if (values.help || values.version || command === 'help') return { values, command, users };
    const wanted = command === 'try' ? 2 : 0;
    if (users.length > wanted) usage(`One command at a time: ${positionals.join(' ')}`);
    const isUser = (text: string) => /^[^@/\s]+@[^@/\s]+$/.test(text);
    if (users.length < wanted || !users.every(isUser) || (wanted === 2 && users[0] === users[1]))
      usage('try takes two users: alice@example.org bob@example.org');
    return { values, command, users };
  } catch (error) {
    return usage((error as Error).message);
  }
}

const { values, command, users } = read(process.argv.slice(2));
const { 'env-file': envFile, 'messages-a-day': aDay } = values;
if (aDay !== undefined && !/^\d+$/.test(aDay)) usage(`--messages-a-day: got ${JSON.stringify(aDay)}; wants a number`);
if (values.help || command === 'help') process.stdout.write(HELP);
else if (values.version || command === 'version') process.stdout.write(`${VERSION}\n`);
else if (command === 'start') await (await import('./start.ts')).start(envFile);
else if (command === 'config') (await import('./show-config.ts')).showConfig(envFile);
else if (command === 'try') {
  const [sender = '', recipient = ''] = users;
  const { tryOut } = await import('./try-out.ts');
  await tryOut({ sender, recipient, envFile, address: values['client-address'] });
} else if (command === 'check') {
  const { accountOf, checkSetup } = await import('./check-setup.ts');
  const messagesADay = aDay === undefined ? undefined : Number(aDay);
  const account = accountOf(values.user, values['client-address']);
  await checkSetup({ envFile, json: values.json, messagesADay, account });
} else usage(command === undefined ? 'A command is missing.' : `There is no command ${JSON.stringify(command)}.`);
