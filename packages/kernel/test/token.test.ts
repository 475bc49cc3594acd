/** What is a token. */
import { MisuseError, requireToken } from '@holdfast/kernel';
import { describe, expect, it } from 'vitest';

describe('requireToken', () => {
  it('takes positive safe integers and nothing else', () => {
    expect(requireToken(1)).toBe(1);
    for (const value of [0, -1, 0.5, 2 ** 53, '1', null, undefined, Number.NaN]) {
      expect(() => requireToken(value)).toThrow(MisuseError);
    }
  });
});
