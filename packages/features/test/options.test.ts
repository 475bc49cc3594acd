/** The options of a store, and errors that name what is wrong. */
import { createFeatures, DefinitionMismatchError, RowError } from '@holdfast/features';
import { describe, expect, it } from 'vitest';
import type { FeaturesOptions } from '../src/features.js';

describe('the options of a feature store', () => {
  it.each([
    [{ name: 'a shop' }, 'name is a name of 1 to 64 letters, digits, "_" and "-"; got "a shop".'],
    [{ name: 'shop', partitions: 0 }, 'partitions is a whole number from 1 to 1024; got 0.'],
    [{ name: 'shop', ahead: -1 }, 'ahead is a whole number of milliseconds'],
    [
      { name: 'shop', view: [] },
      'A feature store has no option "view"; it knows name, prefix, partitions, ahead, callTimeout, redis, views, services, replicas, tls, clock, random.',
    ],
    [{ name: 'shop', views: 'profile' }, 'views is a list of definitions; got "profile".'],
  ])('are refused as %j', (options, message) => {
    const all = { redis: 'redis://127.0.0.1:1', views: [], ...options } as FeaturesOptions;
    expect(() => createFeatures(all)).toThrow(message);
  });
});

describe('an error', () => {
  it('names the part of a row that is wrong', () => {
    const error = new RowError('profile', 'values.taste[3]', 'a number', Number.NaN);
    expect(error.message).toBe('In a row of the view "profile", values.taste[3] is a number; got NaN.');
    expect(error).toMatchObject({ code: 'HOLDFAST_ROW', view: 'profile', path: 'values.taste[3]' });
  });

  it('lists what differs from a registered definition', () => {
    const difference = { path: 'fields.age.type', registered: 'int', declared: 'string' };
    const error = new DefinitionMismatchError('view "profile"', [difference], 'Begin a new generation.');
    expect(error.message).toBe(
      'The view "profile" differs from the registered one. Begin a new generation.\n' +
        '  fields.age.type: registered "int", declared "string"',
    );
  });
});
