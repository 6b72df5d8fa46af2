import { redisFault } from '../../src/store/redis/redis-faults.ts';

function reply(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

test.each([
  ["READONLY You can't write against a read only replica. script: 12ab, on @user_script:1.", 'READONLY'],
  ['LOADING Redis is loading the dataset in memory', 'LOADING'],
  ["OOM command not allowed when used memory > 'maxmemory'. script: 12ab", 'OOM'],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'MISCONF'],
  ['NOREPLICAS Not enough good replicas to write. script: 12ab', 'NOREPLICAS'],
  ['NOAUTH Authentication required.', 'NOAUTH'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'NOAUTH'],
  ["NOPERM this user has no permissions to run the 'evalsha' command", 'NOPERM'],
  ["ERR The user executing the script can't run this command or subcommand script: 12ab", 'NOPERM'],
  ["ERR The user executing the script can't access at least one of the keys mentioned in the command", 'NOPERM'],
  ['ERR Unknown Redis command called from script script: 12ab', 'UNKNOWNCOMMAND'],
  ['ERR DB index is out of range', 'DBINDEX'],
  // As Redis 6.2.14 says it, from commands that a script protects, and from others.
  ["@user_script: 664: -READONLY You can't write against a read only replica.", 'READONLY'],
  [
    "ERR Error running script (call to f_cb97fbd8): @user_script:965: @user_script: 965: -READONLY You can't write against a read only replica. ",
    'READONLY',
  ],
  ["@user_script: 664: -OOM command not allowed when used memory > 'maxmemory'.", 'OOM'],
  ['@user_script: 664: -NOREPLICAS Not enough good replicas to write.', 'NOREPLICAS'],
])('%s is a state of Redis, not the fault of a call', (message, code) => {
  expect(redisFault(reply(message))).toMatchObject({ kind: 'state', code });
});

test.each([
  'ERR user_script:12: too many results to unpack script: 12ab, on @user_script:12.',
  'WRONGTYPE Operation against a key holding the wrong kind of value script: 12ab',
  'ERR Error running script (call to f_cb97fbd8): @user_script:12: user_script:12: too many results to unpack ',
])('%s is the fault of the call that met it', (message) => {
  expect(redisFault(reply(message)).kind).toBe('content');
});

test('no reply at all tells nothing of the call', () => {
  expect(redisFault(new Error('Command timed out'))).toMatchObject({ kind: 'connection', code: 'TIMEOUT' });
  const socket = new Error("Socket timeout. Expecting data, but didn't receive any in 5000ms.");
  expect(redisFault(socket)).toMatchObject({ kind: 'connection', code: 'TIMEOUT' });
  expect(redisFault(new Error('Connection is closed.'))).toMatchObject({ kind: 'connection', code: 'CONNECTION' });
});

test.each([
  [
    'All sentinels are unreachable. Retrying from scratch after 50ms. Last error: connect ECONNREFUSED',
    'SENTINEL',
    /goes on by itself/,
  ],
  ['All sentinels are unreachable. Retrying from scratch after 50ms.', 'SENTINEL', /goes on by itself/],
  ['self-signed certificate in certificate chain', 'CERTIFICATE', /REDIS_TLS_CA/],
  ['connect EACCES /run/redis/redis.sock', 'SOCKETDENIED', /unixsocketperm/],
  ['connect EACCES 10.0.0.1:6379', 'CONNECTION', /REDIS_URL/],
  ["Hostname/IP does not match certificate's altnames: IP: 10.0.0.1", 'CERTIFICATE', /REDIS_TLS_CA/],
  ['0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:', 'CLIENTCERT', /REDIS_TLS_CERT/],
])('%s', (message, code, text) => {
  expect(redisFault(new Error(message))).toMatchObject({ kind: 'connection', code, text: expect.stringMatching(text) });
});

test('only a server that is not the one to write to is worth another connection', () => {
  expect(redisFault(reply('READONLY x')).reconnect).toBe(true);
  expect(redisFault(reply('LOADING x')).reconnect).toBe(true);
  expect(redisFault(reply('OOM x')).reconnect).toBe(false);
});
