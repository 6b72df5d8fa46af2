import { allOrNone } from '../support/process/all-or-none.ts';

const { jest } = import.meta;

test('what is started together is all there, in its order', async () => {
  const [one, two] = [{ stop: jest.fn() }, { stop: jest.fn() }];
  const late = new Promise<typeof one>((resolve) => setImmediate(() => resolve(one)));
  expect(await allOrNone([late, Promise.resolve(two)])).toEqual([one, two]);
  expect(one.stop).not.toHaveBeenCalled();
});

test('where one does not start the others are stopped, those that start after it has failed, too', async () => {
  const [one, two] = [{ stop: jest.fn() }, { stop: jest.fn() }];
  const late = new Promise<typeof one>((resolve) => setImmediate(() => resolve(two)));
  await expect(allOrNone([Promise.resolve(one), Promise.reject(new Error('no port')), late])).rejects.toThrow(
    'no port',
  );
  expect(one.stop).toHaveBeenCalledTimes(1);
  expect(two.stop).toHaveBeenCalledTimes(1);
});
