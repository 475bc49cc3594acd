/** Reading of options: what is absent, what is misspelt, what has its options by a class. */
import {
  display,
  duration,
  groupOrDefaults,
  MisuseError,
  optional,
  readOptions,
  whole,
  withDefault,
} from '@holdfast/kernel';
import { expect, it } from 'vitest';

const READERS = {
  count: whole(1, 5),
  wait: withDefault(duration(), 7),
  retain: groupOrDefaults({ age: withDefault(duration(), 9), limit: optional(whole(0)) }),
};
const read = (options: unknown) => readOptions('make', options, READERS);

it('gives what is absent or undefined its default, and takes nothing over from other calls', () => {
  const absent = { count: 1, wait: 7, retain: { age: 9, limit: undefined } };
  expect(read({ count: 1 })).toEqual(absent);
  expect(read({ count: 2, wait: 3, retain: { limit: 4 } })).toEqual({
    ...{ count: 2, wait: 3 },
    retain: { age: 9, limit: 4 },
  });
  expect(read({ count: 1, wait: undefined, retain: undefined })).toEqual(absent);
});

it('reads options that a class has', () => {
  class Options {
    readonly wait = 2;
    get count() {
      return 3;
    }
  }
  expect(read(new Options())).toMatchObject({ count: 3, wait: 2 });
});

it.each<[unknown, string]>([
  [{}, 'count is a whole number from 1 to 5; got undefined.'],
  [{ count: 1, wait: null }, 'wait is a whole number of milliseconds from 0 to 2147483647; got null.'],
  [{ count: 1, retain: { age: -1 } }, 'retain.age is a whole number of milliseconds'],
  [{ count: 1, retain: { aeg: 1 } }, 'retain has no option "aeg"; it knows age, limit.'],
  [{ count: 1, toString: 1 }, 'make has no option "toString"; it knows count, wait, retain.'],
  [null, 'make takes an object with count, wait, retain; got null.'],
])('refuses %j', (options, message) => {
  expect(() => read(options)).toThrow(MisuseError);
  expect(() => read(options)).toThrow(message);
});

it.each<[() => unknown, string]>([
  [() => [], '[]'],
  [() => [1], '[object Array]'],
  [() => new Date(Number.NaN), 'an invalid Date'],
  [() => new Date(0), '1970-01-01T00:00:00.000Z'],
  [() => Object.create(null), '[object Object]'],
  [() => Symbol('s'), 'Symbol(s)'],
  [trapping, 'a value that cannot be shown'],
  [() => revoked({}), 'a value that cannot be shown'],
  [() => revoked(() => {}), 'a value that cannot be shown'],
])('shows whatever a caller may give: %#', (value, text) => {
  expect(display(value())).toBe(text);
});

/** All that may be asked of it throws. */
function trapping(): unknown {
  const trap = (): never => {
    throw new Error('trapped');
  };
  return new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap, has: trap });
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}
