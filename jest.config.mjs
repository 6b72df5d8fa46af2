export default {
  testEnvironment: '<rootDir>/tests/support/environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  // One for each core, also where there are two (jest's default leaves one idle): most of what takes long is waiting.
  // On a server that the environment names, all files log in as the same few users.
  maxWorkers: process.env.E2E_XMPP_HOST === undefined ? '100%' : 1,
  testSequencer: '<rootDir>/tools/jest-sequencer.mjs',
  // More than a wait within a test takes to fail, which says what was waited for.
  testTimeout: 180_000,
};
