import { blameOf, LinkProblem, streamError } from '../../src/xmpp/connection/link-problem.ts';

describe('whether the server closed the link for what it was given', () => {
  test.each([
    ['a stream error about what was sent', streamError('not-well-formed', '', 'd'), 9e9, 'named'],
    ['a stream error that names no fault', streamError('internal-server-error', '', 'd'), 100, 'bare'],
    ['such a one long after a write', streamError('undefined-condition', '', 'd'), 6000, 'no'],
    ['an idle close', streamError('connection-timeout', '', 'd'), 0, 'no'],
    ['a shutdown', streamError('system-shutdown', '', 'd'), 0, 'no'],
    ['a conflict', streamError('conflict', '', 'd'), 0, 'no'],
    ['a close soon after a write', new LinkProblem('closed', ''), 100, 'bare'],
    ['a close long after a write', new LinkProblem('closed', ''), 6000, 'no'],
    ['our watchdog', new LinkProblem('timeout', ''), 0, 'no'],
    ['the network', new LinkProblem('network', ''), 0, 'no'],
  ])('%s', (_, problem, sinceWrite, expected) => {
    expect(blameOf(problem, sinceWrite)).toBe(expected);
  });
});
